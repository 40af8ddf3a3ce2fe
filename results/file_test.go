package results

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"rmqbench/internal/golden"
)

func TestRunComesBack(t *testing.T) {
	dir, err := Create(t.TempDir(), "quick", noon)
	if err != nil {
		t.Fatal(err)
	}
	r := quickRun()
	r.StartedAt = r.StartedAt.In(time.FixedZone("CET", 3600))
	Judge(r)
	if err := dir.WriteRun(r); err != nil {
		t.Fatal(err)
	}
	if r.Schema != "" || r.StartedAt.Location() == time.UTC {
		t.Error("writing changed the run")
	}
	fromDir, err := Read(dir.Path())
	if err != nil {
		t.Fatal(err)
	}
	fromFile, err := Read(filepath.Join(dir.Path(), RunFile))
	if err != nil {
		t.Fatal(err)
	}
	want := quickRun()
	Judge(want)
	want.Schema = Schema
	want.Scenario = fromDir.Scenario // indented now
	if !reflect.DeepEqual(fromDir, want) || !reflect.DeepEqual(fromFile, want) {
		t.Errorf("read %+v\nwant %+v", fromDir, want)
	}
	text, _ := os.ReadFile(filepath.Join(dir.Path(), RunFile))
	golden.Compare(t, "quick.json", string(text))
}

func TestDecodeRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"nothing":        {"", "not a run's record"},
		"not JSON":       {"sync 64  250k", "not a run's record"},
		"cut off":        {`{"schema":"rmqbench.run/1","verdict":"VALID"`, "not a run's record"},
		"two records":    {`{"schema":"rmqbench.run/1","verdict":"VALID"}{}`, "not a run's record"},
		"a list":         {`[]`, "not a run's record"},
		"other JSON":     {`{"name":"x"}`, "no schema (this rmqbench reads rmqbench.run/1)"},
		"newer":          {`{"schema":"rmqbench.run/2"}`, "schema rmqbench.run/2: this rmqbench reads rmqbench.run/1 only"},
		"hostile schema": {`{"schema":"\u001b[2J"}`, `schema \x1b[2J: `},
		"no verdict":     {`{"schema":"rmqbench.run/1","name":"x"}`, "run x has no verdict"},
		"made up":        {`{"schema":"rmqbench.run/1","name":"x","verdict":"GREAT"}`, "run x has no verdict"},
		"a case without": {`{"schema":"rmqbench.run/1","verdict":"VALID","cases":[{"name":"c"}]}`, "case c has no verdict"},
		"wrong type":     {`{"schema":"rmqbench.run/1","verdict":"VALID","cases":[{"name":7}]}`, "cannot unmarshal"},
		"too large":      {`{"schema":"rmqbench.run/1",` + strings.Repeat(" ", 1024) + `"verdict":"VALID"}`, "larger than 1 KiB"},
	} {
		_, err := decode(strings.NewReader(tt.in), 1024)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	if _, err := decode(strings.NewReader(`{"schema":"rmqbench.run/1","verdict":"VALID","added_later":1}`), 1024); err != nil {
		t.Errorf("a field of a later rmqbench: %v", err)
	}
	if _, err := Read(filepath.Join(t.TempDir(), "gone")); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a file that isn't there: %v", err)
	}
}

// Whatever a record holds, reading, judging and showing it neither panics nor lets a control character through.
// (Run it with -fuzzminimizetime 20x: records are long, and shrinking one takes all of the default minute.)
func FuzzDecode(f *testing.F) {
	for _, r := range []*Run{quickRun(), clusterRun(), hostileRun()} {
		Judge(r)
		var b bytes.Buffer
		if err := Encode(&b, r); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte(`{"schema":"rmqbench.run/1","verdict":"VALID","evidence":[{}],"instrument_cost":{},"cases":[{"verdict":"SUSPECT","open_loop":true,"service_ns":{},"generator":{"workers_busy_share":1}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decode(bytes.NewReader(data), maxRunBytes)
		if err != nil {
			return
		}
		for range 2 { // as read, then as we judge it
			var out strings.Builder
			if err := WriteTable(&out, r); err != nil {
				t.Fatal(err)
			}
			if i := strings.IndexFunc(out.String(), func(r rune) bool { return r < ' ' && r != '\n' || 0x7f <= r && r < 0xa0 }); i >= 0 {
				t.Fatalf("a control character at %d of %q", i, out.String())
			}
			Judge(r)
		}
	})
}
