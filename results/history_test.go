package results

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rmqbench/internal/golden"
)

// Runs of one name on another target, or of another load, are no series with the others: only one of five is drawn here, and it says where it was.
func TestHistoryKeepsLoadsApart(t *testing.T) {
	var all []Past
	for i, change := range []func(*Run){
		func(*Run) {},
		func(r *Run) { r.Target.Embedded = true },
		func(r *Run) { r.Target.Cluster = "d" },
		func(r *Run) { r.Target.Proxy = true },
		func(r *Run) {
			r.Scenario = json.RawMessage(strings.Replace(string(r.Scenario), `"size_bytes":128`, `"size_bytes":1024`, 1))
		},
		func(r *Run) { // a field that this version has not
			r.Scenario = json.RawMessage(strings.Replace(string(r.Scenario), `"group":"g"`, `"group":"g","later":7`, 1))
		},
		func(r *Run) { r.Target.Brokers[0].Version = "5.5.0" },
	} {
		r := comparableRun(10_000)
		change(r)
		all = append(all, pastOf(r, fmt.Sprint(i))...)
	}
	groups := series(all)
	if len(groups) != 5 {
		t.Errorf("%d series, want 5", len(groups))
	}
	var text bytes.Buffer
	if err := WriteHistory(&text, all, "msg/s", 10, 10); err != nil {
		t.Fatal(err)
	}
	if strings.Count(text.String(), "msg/s over time") != 1 || !strings.Contains(text.String(), "msg/s over time, run sync 64, c, message.size_bytes 128: o a run") || strings.Count(text.String(), "EMBEDDED") != 1 {
		t.Errorf("got\n%s", text.String())
	}
}

// Two loads of one name and target say in what they differ, on the terminal and on the page.
func TestHistoryNamesTheLoad(t *testing.T) {
	var all []Past
	for i := range 6 {
		r := comparableRun(201 + float64(i)/20)
		r.StartedAt = time.Date(2026, 11, 20+i, 3, 0, 0, 0, time.UTC)
		if i%2 == 1 {
			r.Scenario = json.RawMessage(strings.Replace(string(r.Scenario), `"size_bytes":128`, `"size_bytes":1024`, 1))
		}
		all = append(all, pastOf(r, fmt.Sprint(i))...)
	}
	var text, page bytes.Buffer
	if err := errors.Join(WriteHistory(&text, all, "msg/s", 10, 10), WriteHistoryHTML(&page, all, "msg/s")); err != nil {
		t.Fatal(err)
	}
	for _, size := range []string{"128", "1024"} {
		if want := "msg/s over time, run sync 64, c, message.size_bytes " + size + ": o a run"; !strings.Contains(text.String(), want) {
			t.Errorf("it lacks %q:\n%s", want, text.String())
		}
		if want := "<h2>run · sync 64 · c · message.size_bytes " + size + "</h2>"; !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	ticks := map[string]int{}
	for line := range strings.Lines(text.String()) {
		if tick, _, ok := strings.Cut(line, " +"); ok && strings.HasPrefix(line, " ") && strings.TrimSpace(tick) != "" {
			ticks[strings.TrimSpace(tick)]++
		}
	}
	if len(ticks) != 8 || ticks["201.05"] == 0 { // of two plots, from 201 to 201.2 and from 201.05 to 201.25
		t.Errorf("ticks %v:\n%s", ticks, text.String())
	}
}

func TestApart(t *testing.T) {
	for want, values := range map[string][]float64{
		"200 300":               {200, 300},
		"201.0 201.3":           {201, 201.3},
		"201 201":               {201, 201},
		"12.341k 12.343k":       {12_341, 12_343},
		"0.9996k 1.0000k":       {999.6, 1000},
		"201.00001 201.00002 0": {201.00001, 201.00002, 0},
	} {
		if got := strings.Join(apart(values, FormatRate), " "); got != want {
			t.Errorf("%v: %s, want %s", values, got, want)
		}
	}
	if got := strings.Join(apart([]float64{1_921_000, 1_922_000}, func(v float64) string { return FormatDuration(int64(v)) }), ", "); got != "1.921 ms, 1.922 ms" {
		t.Errorf("durations: %s", got)
	}
}

func TestHistory(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		r := comparableRun(10_000 + 500*float64(i%3))
		r.Name = `nightly<b>`
		r.StartedAt = time.Date(2026, 11, 20+i, 3, 0, 0, 0, time.UTC)
		if i == 2 {
			r.Cases[0].Verdict = Partial
		}
		path := filepath.Join(dir, fmt.Sprintf("2026112%dT030000Z-nightly", i))
		if err := os.Mkdir(path, 0o777); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(path, RunFile))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(Encode(f, r), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"broken": "{", "comparison": ""} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
		if text != "" {
			if err := os.WriteFile(filepath.Join(dir, name, RunFile), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	all, unread, err := ReadHistory(dir)
	if err != nil || len(all) != 5 || len(unread) != 1 || !strings.Contains(unread[0], "broken") {
		t.Fatalf("%d rows, unread %v, %v", len(all), unread, err)
	}
	var text, page bytes.Buffer
	if err := errors.Join(WriteHistory(&text, all, "msg/s", 4, 1), WriteHistoryHTML(&page, all, "allocs/msg")); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "history.txt", text.String())
	html := page.String()
	for _, want := range []string{"nightly&lt;b&gt;", "default-src 'none'", "<polyline points=", "<rect ", "<th>allocs/msg</th>", "20261124T030000Z-nightly"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"<b>", "<script", "http:", "https:", "ZgotmplZ"} {
		if strings.Contains(html, never) {
			t.Errorf("the page has %q", never)
		}
	}
	decoder := xml.NewDecoder(strings.NewReader(html[strings.Index(html, "<svg") : strings.LastIndex(html, "</svg>")+6]))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the chart: %v", err)
		}
	}
	if _, _, err := ReadHistory(filepath.Join(dir, "nosuch")); err == nil {
		t.Error("a directory that isn't there is read")
	}
}
