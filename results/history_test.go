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
	if strings.Count(text.String(), "msg/s over time") != 1 || !strings.Contains(text.String(), "msg/s over time, run sync 64, c: o a run") || strings.Count(text.String(), "EMBEDDED") != 1 {
		t.Errorf("got\n%s", text.String())
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
