//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"rmqbench/results"
)

// worker is one process of a run that several send.
type worker struct {
	name   string // its POD_NAME: what a merge calls it
	binary string
	shard  int
	more   []string                          // flags that the others don't have
	befall func(p *os.Process, at time.Time) // once it has said that it begins; at is when all send; nil: nothing

	log string // all that it printed
	err error  // how it ended
}

// R-52 by processes: of three shares one is lost, or late, or there twice, or of another version, or sends something else. What is made of
// their logs says so; only three that are well make a run that is whole.
func TestR52_ThreeProcesses(t *testing.T) {
	t.Parallel()
	const length, lead = 3 * time.Second, 8 * time.Second
	cluster, binary := startCluster(t), build(t)
	other := filepath.Join(t.TempDir(), "rmqbench")
	if out, err := exec.Command("go", "build", "-o", other, "-ldflags", "-X main.version=v0.0.1-other", ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	workers := []*worker{
		{name: "zero", binary: binary, shard: 0}, {name: "one", binary: binary, shard: 1}, {name: "two", binary: binary, shard: 2},
		{name: "killed", binary: binary, shard: 1, befall: func(p *os.Process, at time.Time) {
			time.Sleep(time.Until(at) + length/6)
			_ = p.Kill() // an end that came sooner is in err
		}},
		{name: "late", binary: binary, shard: 2, befall: func(p *os.Process, at time.Time) {
			_ = p.Signal(syscall.SIGSTOP)
			time.Sleep(time.Until(at) + length/2)
			_ = p.Signal(syscall.SIGCONT)
		}},
		{name: "again", binary: binary, shard: 1}, {name: "older", binary: other, shard: 0},
		{name: "else", binary: binary, shard: 0, more: []string{"-s", "256B"}},
	}
	at := time.Now().Add(lead).Truncate(time.Second)
	ends := make(chan *worker)
	for _, w := range workers {
		go func() {
			w.log, w.err = w.send(t, cluster.NameServer(), at, length)
			ends <- w
		}()
	}
	logs := map[string]string{}
	for range workers {
		w := <-ends
		logs[w.name] = w.log
		if killed := w.err != nil && strings.Contains(w.err.Error(), "killed"); killed != (w.name == "killed") {
			t.Errorf("%s ended with %v: %s", w.name, w.err, w.log)
		}
	}
	const sends = 900
	for name, tt := range map[string]struct {
		of    []string
		says  string // a pattern; "": nothing is lost
		whole bool   // all sends are in it
	}{
		"three":              {[]string{"zero", "one", "two"}, "", true},
		"two of three":       {[]string{"zero", "two"}, `shard 1 of 3`, false},
		"one was killed":     {[]string{"zero", "killed", "two"}, `shard 1 of 3 \(killed\), which began and gave no record`, false},
		"one is late":        {[]string{"zero", "one", "late"}, `shard 2 of 3 \(late\) in time: it began \S+ s late`, true},
		"one is there twice": {[]string{"zero", "one", "two", "again"}, `shard 1 of 3 came twice, from \S+ and from \S+, with unlike contents: the later one is left out`, true},
		"another version":    {[]string{"older", "one", "two"}, `shard 0 of 3 \(older\), which is of rmqbench v0\.0\.1-other`, false},
		"read twice":         {[]string{"zero", "one", "two", "two"}, "", true},
		"something else":     {[]string{"else", "one", "two"}, "scenarios differ", false},
	} {
		var in, out, errs bytes.Buffer
		for _, w := range tt.of {
			in.WriteString(logs[w])
		}
		status := run(t.Context(), []string{"merge", "-", "-o", "none", "--json"}, streams{in: &in, out: &out, err: &errs})
		if name == "something else" {
			if status != exitFailed || out.Len() > 0 || !strings.Contains(errs.String(), tt.says) {
				t.Errorf("%s: status %d: %s%s", name, status, &errs, &out)
			}
			continue
		}
		var r results.Run
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatalf("%s: %v: %s", name, err, &errs)
		}
		lost := strings.Join(r.Lost, "\n")
		switch {
		case tt.says == "" && (r.Verdict == results.Partial || lost != ""):
			t.Errorf("%s: %s, lost %q", name, r.Verdict, lost)
		case tt.says != "" && (r.Verdict != results.Partial || status != exitFailed || !regexp.MustCompile(tt.says).MatchString(lost) || strings.Contains(lost, "\n")):
			t.Errorf("%s: status %d, %s, lost %q; want it PARTIAL, and %s", name, status, r.Verdict, lost, tt.says)
		}
		if c := &r.Cases[0]; (c.Acknowledged == sends) != tt.whole || c.Acknowledged == 0 {
			t.Errorf("%s: %d of %d acknowledged", name, c.Acknowledged, sends)
		}
	}
}

// send runs the worker's process to its end, and has befall it what is to.
func (w *worker) send(t *testing.T, nameServer string, at time.Time, length time.Duration) (log string, err error) {
	cmd := exec.Command(w.binary, append([]string{"run", "-n", nameServer, "-r", "300/s", "-d", length.String(), "-w", "4", "--instrument-cost", "off", "--progress", "none",
		"-o", "none", "-q", "--shard", fmt.Sprintf("%d/3", w.shard), "--start-at", at.UTC().Format(time.RFC3339), "--print-record"}, w.more...)...)
	cmd.Env = append(os.Environ(), "POD_NAME="+w.name)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	reader := bufio.NewReader(out)
	began, err := reader.ReadString('\n')
	if err == nil && w.befall != nil {
		go w.befall(cmd.Process, at)
	}
	rest, readErr := io.ReadAll(reader)
	if readErr != nil {
		t.Error(w.name, readErr)
	}
	if err := cmd.Wait(); err != nil && !strings.Contains(err.Error(), "exit status 5") { // 5: on a busy machine it is SUSPECT
		return began + string(rest) + errs.String(), err
	}
	return began + string(rest), nil
}
