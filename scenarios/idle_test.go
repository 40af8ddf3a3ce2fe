package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestIdleFields: what a mode ignores is refused where somebody wrote it and no case has that mode.
func TestIdleFields(t *testing.T) {
	flags := func(pairs ...string) (all []Override) {
		for i := 0; i < len(pairs); i += 3 {
			all = append(all, Override{pairs[i], pairs[i+1], pairs[i+2]})
		}
		return all
	}
	batch, inFlight := flags("load.batch", "16", "--batch"), flags("load.in_flight", "9", "--in-flight")
	for name, tt := range map[string]struct {
		text  string
		flags []Override
		want  []string // of each fault: a part; none: it is right
	}{
		"a flag":                {"", append(flags("load.mode", "sync", "-m"), batch...), []string{"--batch 16: batch is of mode batch, which no case here has; write -m batch, or leave it out"}},
		"a flag, no mode":       {"", inFlight, []string{"--in-flight 9: in_flight is of mode async"}},
		"a flag, one mode has":  {"", append(flags("load.mode", "sync,async", "-m"), inFlight...), nil},
		"a flag of values":      {"", append(flags("load.mode", "sync,oneway", "-m"), flags("load.batch", "8,16", "--batch")...), []string{"--batch 8,16: batch is of"}},
		"a flag over cases":     {"cases: [{name: a}, {name: b, load: {mode: async}}]", inFlight, nil},
		"a flag over others":    {"cases: [{name: a}, {name: b, load: {mode: oneway}}]", inFlight, []string{"--in-flight 9: in_flight"}},
		"its own mode":          {"load: {mode: batch}", batch, nil},
		"a file":                {"load: {mode: oneway, transaction: {rollback: 0.1}}", nil, []string{"a.yaml:3:46: rollback is of mode transaction, which no case here has; write mode: transaction, or leave it out"}},
		"a file, an empty one":  {"load: {transaction: {}}", nil, []string{"a.yaml:3:21: transaction is of mode transaction"}},
		"bytes":                 {"load: {batch_bytes: 4KiB, in_flight_bytes: 4MiB}", nil, []string{"batch_bytes is of mode batch", "in_flight_bytes is of mode async"}},
		"a case":                {"load: {mode: async, in_flight: 8}\ncases: [{name: a}, {name: b, load: {mode: sync, in_flight: 9}}]", nil, []string{"a.yaml:4:60: in_flight"}},
		"shared with a case":    {"load: {mode: async, in_flight: 8}\ncases: [{name: a}, {name: b, load: {mode: sync}}]", nil, nil},
		"parts of several":      {"load: {mode: transaction, transaction: {rollback: 0.1}}\ncases: [{name: a, load: {transaction: {check_back: 0.2}}}, {name: b, load: {mode: sync}}]", nil, nil},
		"a matrix":              {"matrix: {load.mode: [sync, async], load.in_flight: [8, 16]}", nil, nil},
		"a matrix without":      {"matrix: {load.mode: [sync, oneway], load.in_flight: [8, 16]}", nil, []string{"in_flight is of mode async"}},
		"a mode by flag":        {"load: {mode: async, in_flight: 8}", flags("load.mode", "sync", "-m"), nil},
		"mix":                   {"load: {transaction: {rollback: 0.1}, mix: [{name: a}, {name: b, mode: transaction}]}", nil, nil},
		"mix without":           {"load: {in_flight: 8, mix: [{name: a}, {name: b, mode: oneway}]}", nil, []string{"in_flight is of mode async"}},
		"a mode that is wrong":  {"load: {mode: bacth, batch: 8}", nil, []string{"mode must be"}},
		"a flag that is wrong":  {"", append(flags("load.mode", "bacth", "-m"), batch...), []string{"-m bacth: mode must be"}},
		"a mode that is unread": {"load: {mdoe: batch, batch: 8}", nil, []string{"unknown key"}},
	} {
		_, err := Parse("a.yaml", []byte("version: 1\nname: x\n"+tt.text+"\n"), tt.flags...)
		checkFaults(t, name, err, tt.want)
	}

	dir := t.TempDir()
	for file, text := range map[string]string{
		"base.yaml":  "version: 1\nname: base\nload: {mode: async, in_flight: 8}\n",
		"wrong.yaml": "version: 1\nname: wrong\nload: {mode: sync, in_flight: 8}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string][]string{
		"extends: base.yaml\nload: {mode: sync}":   nil, // the one that is extended is right by itself
		"extends: base.yaml\nload: {batch: 8}":     {"batch is of mode batch"},
		"extends: base.yaml\nload: {in_flight: 9}": nil,
		"extends: wrong.yaml":                      {"wrong.yaml:3:31: in_flight is of mode async"},
	} {
		path := filepath.Join(dir, "a.yaml")
		if err := os.WriteFile(path, []byte("version: 1\nname: x\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		checkFaults(t, text, err, want)
	}
}

func checkFaults(t *testing.T, name string, err error, want []string) {
	t.Helper()
	faults, _ := err.(Faults) //nolint:errorlint // Parse's and Load's errors are Faults themselves
	if err != nil && faults == nil || len(faults) != len(want) {
		t.Errorf("%s: %v, want %q", name, err, want)
		return
	}
	for i := range want {
		if !strings.Contains(faults[i].Error(), want[i]) {
			t.Errorf("%s: %v, want %q", name, faults[i], want[i])
		}
	}
}
