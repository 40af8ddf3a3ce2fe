package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/results"
)

// ofShares is the load of the tests of shares.
func ofShares(cluster *broker.Cluster, out string, more ...string) []string {
	return append([]string{"run", "-n", cluster.NameServer(), "-r", "900/s", "-d", "1s", "-w", "4", "--instrument-cost", "off", "--progress", "none", "-o", out}, more...)
}

// sendShares runs one load as so many shares, each as a process would, and returns what each printed. Where the machine is so busy that one
// of them began late, of which a merge says PARTIAL and is right, they begin again, and have more time to get ready.
func sendShares(t *testing.T, cluster *broker.Cluster, of int, out string, more ...string) []string {
	t.Helper()
	for lead := 4 * time.Second; ; lead *= 3 {
		logs, late := sendSharesIn(t, cluster, lead, of, out, more...)
		switch {
		case late == "":
			return logs
		case lead > 30*time.Second:
			t.Fatalf("%s, and they had %v", late, lead)
		}
		t.Logf("a busy machine: %s; once more", late)
		for k := range of {
			if err := os.RemoveAll(filepath.Join(out, fmt.Sprint(k))); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// sendSharesIn has them begin after lead; late says which of them came later, "" that none did.
func sendSharesIn(t *testing.T, cluster *broker.Cluster, lead time.Duration, of int, out string, more ...string) (logs []string, late string) {
	t.Helper()
	at := time.Now().Add(lead).UTC().Format(time.RFC3339)
	logs, lates := make([]string, of), make([]string, of)
	var all sync.WaitGroup
	for k := range of {
		all.Go(func() {
			var log, errs bytes.Buffer
			args := ofShares(cluster, filepath.Join(out, fmt.Sprint(k)), "--shard", fmt.Sprintf("%d/%d", k, of), "--start-at", at, "--print-record")
			status := run(t.Context(), append(args, more...), streams{out: &log, err: &errs})
			switch {
			case status == exitUsage && strings.Contains(errs.String(), "this share would be late"):
				lates[k] = errs.String()
			case status == exitUsage || status == exitFailed:
				t.Errorf("share %d: status %d: %s", k, status, errs.String())
			}
			logs[k] = log.String()
		})
	}
	all.Wait()
	if late = strings.Join(lates, ""); late != "" || t.Failed() {
		return logs, late
	}
	var m results.Merger
	if err := m.AddPrinted("the shares", strings.NewReader(strings.Join(logs, ""))); err != nil {
		t.Fatal(err)
	}
	merged, err := m.Merge()
	if err != nil {
		t.Fatal(err)
	}
	for _, lost := range merged.Run.Lost {
		if strings.Contains(lost, "in time: it began") {
			late += lost + " "
		}
	}
	return logs, late
}

func startCluster(t *testing.T) *broker.Cluster {
	t.Helper()
	cluster, err := broker.Start(broker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// TestSharesSendWhatOneSends: one process and four send the same list, send by send, to the same queues; their records say so.
func TestSharesSendWhatOneSends(t *testing.T) {
	dir, cluster := t.TempDir(), startCluster(t)
	same := []string{"--selector", "hash", "--set", "message.keys.distinct=100"}
	var out, errs bytes.Buffer
	if status := run(t.Context(), ofShares(cluster, filepath.Join(dir, "one"), same...), streams{out: &out, err: &errs}); status == exitUsage || status == exitFailed {
		t.Fatalf("status %d: %s", status, errs.String())
	}
	sendShares(t, cluster, 4, filepath.Join(dir, "four"), same...)
	merge := []string{"merge", "-o", filepath.Join(dir, "merged")}
	for k := range 4 {
		merge = append(merge, filepath.Join(dir, "four", fmt.Sprint(k)))
	}
	if status := run(t.Context(), merge, streams{out: &out, err: &errs}); status == exitUsage || status == exitFailed {
		t.Fatalf("merge: status %d: %s%s", status, errs.String(), out.String())
	}
	hashes := func(of string) [2]results.ListHash {
		found, err := filepath.Glob(filepath.Join(dir, of, "*"))
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		r, err := results.Read(found[0])
		if err != nil {
			t.Fatal(err)
		}
		c := &r.Cases[0]
		if c.Acknowledged != 900 || c.SentHash == nil || c.PlacedHash == nil {
			t.Fatalf("%s: acknowledged %d, hashes %v and %v", of, c.Acknowledged, c.SentHash, c.PlacedHash)
		}
		return [2]results.ListHash{*c.SentHash, *c.PlacedHash}
	}
	if one, four := hashes("one"), hashes("merged"); one != four {
		t.Errorf("one machine sent %x, four shares %x", one, four)
	}
}

// TestMergeOfShares: three shares through logs and through directories give one result with all sends in it.
func TestMergeOfShares(t *testing.T) {
	dir := t.TempDir()
	logs := sendShares(t, startCluster(t), 3, dir)
	var out, errs bytes.Buffer
	status := run(t.Context(), []string{"merge", "-", "-o", filepath.Join(dir, "merged")}, streams{in: strings.NewReader(strings.Join(logs, "")), out: &out, err: &errs})
	text := out.String()
	if status == exitFailed || status == exitUsage || !strings.Contains(text, "2 of 3") || !strings.Contains(text, "the shares began within") {
		t.Errorf("status %d\n%s%s", status, text, errs.String())
	}
	merged, err := filepath.Glob(filepath.Join(dir, "merged", "*", results.RunFile))
	if err != nil || len(merged) != 1 {
		t.Fatalf("%v %v", merged, err)
	}
	r, err := results.Read(merged[0])
	if err != nil {
		t.Fatal(err)
	}
	if c := &r.Cases[0]; c.Offered != 900 || c.Acknowledged != 900 || len(r.Shards) != 3 {
		t.Errorf("offered %d, acknowledged %d of 900, %d shards", c.Offered, c.Acknowledged, len(r.Shards))
	}
	out.Reset()
	dirs := []string{"merge", "--json", "-o", "none"}
	for k := range 3 {
		dirs = append(dirs, filepath.Join(dir, fmt.Sprint(k)))
	}
	if status := run(t.Context(), dirs, streams{out: &out, err: &errs}); status == exitFailed || status == exitUsage || !strings.Contains(out.String(), `"acknowledged": 900`) {
		t.Errorf("from directories: %d %s", status, errs.String())
	}
	// One of them was killed after it began.
	began, _, _ := strings.Cut(logs[1], "\n")
	out.Reset()
	status = run(t.Context(), []string{"merge", "-", "-o", "none"}, streams{in: strings.NewReader(logs[0] + began + "\n" + logs[2]), out: &out, err: &errs})
	if status != exitFailed || !strings.Contains(out.String(), "PARTIAL") || !regexp.MustCompile(`shard 1 of 3 \([^)]+\), which began and gave no record`).MatchString(out.String()) {
		t.Errorf("with one killed: %d\n%s", status, out.String())
	}
}

func TestShareFlags(t *testing.T) {
	ahead := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for _, tt := range []struct {
		args, want string
		index      string
	}{
		{"--shard 0/2", "--shard needs --start-at, the same for all shares", ""},
		{"--shard 2/2 --start-at " + ahead, "write k/N with k from 0 to N-1", ""},
		{"--shard x --start-at " + ahead, "write k/N with k from 0 to N-1", ""},
		{"--shard 3 --start-at " + ahead, "or N alone where JOB_COMPLETION_INDEX is set", ""},
		{"--shard 3 --start-at " + ahead, "write k/N", "3"},
		{"--shard 0/2 --start-at tomorrow", "write a time as 2", ""},
		{"--shard 0/2 --start-at 2020-01-01T00:00:00Z", "ago: this share would be late", ""},
		{"--shard 0/2 --start-at kubernetes", "no pod of Kubernetes", ""},
		{"--start-at " + ahead, "--start-at needs --shard k/N", ""},
		{"--print-record", "--print-record needs --shard k/N", ""},
		{"--shard 0/2 --start-at " + ahead + " --print-record --json", "both want stdout", ""},
		{"quick --shard 0/2 --start-at " + ahead, "a closed loop has no schedule to share; give a rate", ""},
		{"-r 1k/s --set verify=offsets --shard 0/2 --start-at " + ahead, "verify compares", ""},
	} {
		t.Setenv(indexVariable, tt.index)
		t.Setenv("KUBERNETES_SERVICE_HOST", "")
		for _, more := range [][]string{nil, {"--dry-run"}} {
			var out, errs bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			status := run(ctx, slices.Concat([]string{"run", "-o", "none", "--progress", "none"}, strings.Fields(tt.args), more), streams{out: &out, err: &errs})
			cancel()
			if status != exitUsage || !strings.Contains(errs.String(), tt.want) || strings.Count(errs.String(), "\n") != 1 || out.Len() > 0 {
				t.Errorf("run %s %v: status %d: %q, want %q\n%s", tt.args, more, status, errs.String(), tt.want, out.String())
			}
		}
	}
	out, errs, status := command(t, "run", "-r", "100/s", "-d", "2s", "--shard", "1/2", "--start-at", ahead, "--print-record", "--dry-run")
	if status != exitDone || !strings.Contains(out, "200 messages") || !strings.Contains(out, "of all these messages shard 1 of 2 sends one in 2\n") || strings.Contains(out, "rmqbench:") {
		t.Errorf("a plan of a share: status %d\n%s%s", status, out, errs)
	}
}

func TestMergeRefusesWhatIsNoShare(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "log"), []byte("nothing of ours\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		arg, want string
		status    int
	}{
		{filepath.Join(dir, "nosuch"), "there is no such file", exitUsage},
		{filepath.Join(dir, "log"), "no share's record was found", exitFailed},
		{dir, "no share's record was found", exitFailed},
	} {
		var out, errs bytes.Buffer
		if status := run(t.Context(), []string{"merge", tt.arg, "-o", "none"}, streams{out: &out, err: &errs}); status != tt.status || !strings.Contains(errs.String(), tt.want) {
			t.Errorf("merge %s: %d %q, want %d %q", tt.arg, status, errs.String(), tt.status, tt.want)
		}
	}
}

// TestCapacityOfShares: a share of a search prints its record and answers nothing; the merge does.
func TestCapacityOfShares(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log, errs bytes.Buffer
	status := run(t.Context(), []string{"capacity", "-n", startCluster(t).NameServer(), "-w", "4", "--slo", "p50<10s", "--start", "200/s", "--max-rate", "300/s", "--step", "1s", "--steps", "1", "--rounds", "1",
		"--shard", "0/1", "--print-record", "--instrument-cost", "off", "--progress", "none", "-o", filepath.Join(dir, "share")}, streams{out: &log, err: &errs})
	said, _, _ := strings.Cut(log.String(), "rmqbench:whole") // base64 can hold any word
	if status != exitDone || !strings.Contains(errs.String(), "rmqbench merge of the shares has the answer") || strings.Contains(said, "Held") {
		t.Fatalf("status %d\n%s%s", status, log.String(), errs.String())
	}
	var out bytes.Buffer
	status = run(t.Context(), []string{"merge", "-", "-o", "none"}, streams{in: &log, out: &out, err: &errs})
	// On a machine that stood still for a moment the step wasn't steady; whatever came of it, it is said.
	if text := out.String(); status == exitUsage || status == exitFailed || !strings.Contains(text, "0 of 1") || !regexp.MustCompile(`300/s .* (held|broke|limited)`).MatchString(text) ||
		!regexp.MustCompile(`Held 300/s at p50<10s, errors<1% once, not confirmed; limit: the ceiling|Not even the lowest step, 300/s|No answer for`).MatchString(text) {
		t.Errorf("status %d\n%s%s", status, text, errs.String())
	}
	for flags, want := range map[string]string{
		"--shard 0/1 --lose 1": "--lose needs a search that goes by what it finds",
		"--steps 3":            "--steps is of shares",
		"--shard 0/1":          "all shares must know the highest step: give --max-rate",
		"--shard 0/1 --max-rate 90k/s --rounds 10":   "at most 60 in all",
		"--shard 0/1 --max-rate 90k/s --budget 10s":  "take",
		"--shard 0/1 --max-rate 900/s":               "would be less than 1 % apart",
		"--shard 0/1 --steps 0":                      "--steps 0: 1 to 60",
		"--shard 0/2 --max-rate 90k/s":               "--shard needs --start-at",
		"--sweep --shard 0/1":                        "--shard is of the search for a rate",
		"--shard 0/1 --print-record --json -m sync":  "both want stdout",
		"--start-at 2126-01-01T00:00:00Z --rounds 2": "--start-at needs --shard k/N",
	} {
		var out, errs bytes.Buffer
		args := append([]string{"capacity", "-o", "none", "--progress", "none"}, strings.Fields(flags)...)
		if !strings.Contains(flags, "--sweep") {
			args = append(args, "--slo", "p99<10ms")
		}
		if status := run(t.Context(), args, streams{out: &out, err: &errs}); status != exitUsage || !strings.Contains(errs.String(), want) || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%s: status %d: %q, want %q", flags, status, errs.String(), want)
		}
	}
}
