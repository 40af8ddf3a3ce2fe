package results

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rmqbench/internal/golden"
)

const evilName = "=cmd()|' /C calc'!A0 <script>alert(1)</script> @everyone `|` \x1b[31m"

// shardedRun is a merged run of four shares, of which the third is slow and the last one late; the first has a name that would
// like to be more.
func shardedRun() *Run {
	r := quickRun()
	Judge(r)
	for i, rate := range []float64{10e3, 9.9e3, 5e3, 10.1e3} {
		s := ShardRow{Shard: Shard{Index: i, Of: 4, Host: []string{evilName, "", "pod-2", "pod-3"}[i], Clock: &Clock{Of: evilName, LowNS: int64(i), HighNS: 1e6}}, Verdict: []Verdict{Valid, Valid, Suspect, Valid}[i],
			LateNS: new(int64(i) * 600e6), Offered: 100_000, Successes: 99_000, MessagesPerSecond: &rate, P99NS: new([]int64{2e6, 2.1e6, 8e6, 1.9e6}[i])}
		if i != 1 {
			s.CPUQuotaShare = new(0.25 * float64(i+1))
		}
		r.Shards = append(r.Shards, s)
	}
	return r
}

// partedRun is a search with three brokers, with two and with one, and what a larger rate takes.
func partedRun() *Run {
	r := searched([]float64{1000, 2000, 3000, 4000}, []int64{1, 1, 2, 20}, 3)
	c := r.Capacity
	c.RatePerSecond, c.LowPerSecond, c.HighPerSecond = new(3000.0), new(2900.0), new(3100.0)
	for i, brokers := range [][]string{{"broker-1", evilName}, {evilName}} {
		p := CapacityPart{Brokers: brokers, Lost: [][]string{{"broker-0"}, nil}[i], Capacity: *searched([]float64{500, 1000}, []int64{1, 30}, 1).Capacity}
		p.RatePerSecond, p.AtLeast = new(1500/float64(i+1)), i == 0
		c.Parts = append(c.Parts, p)
	}
	c.Reckon(10_000, 0.3, 3)
	return r
}

// pageSection is one of a page's own sections.
func pageSection(t *testing.T, page, id string) string {
	t.Helper()
	_, after, ok := strings.Cut(page, `<section id="`+id+`">`)
	if !ok {
		t.Fatalf("no section %s", id)
	}
	inside, _, _ := strings.Cut(after, "</section>")
	return strings.TrimSpace(inside) + "\n"
}

// The comparison of selectors, the shards of a merged run and the searches of a capacity are in every form for people, with the same
// numbers, and names stay names.
func TestR43_Grids(t *testing.T) {
	selectors := selectorRun(t, 10)
	selectors.Pooled[0].Name = evilName
	selectors.Selectors.Rows[0].Case = evilName
	var terminal strings.Builder
	if err := WriteCapacity(&terminal, partedRun()); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "grid_capacity.txt", terminal.String())
	topics := &Run{Cases: []Case{withTopics(evilName, []int64{50, 50}, []int64{150, 150}), withTopics("even", []int64{200}, []int64{200})}}
	topics.Cases[0].Topics[0].Topic = evilName
	topics.Cases[0].Topics[1].P99NS = nil
	topics.Cases[0].Queues = nil
	Judge(topics)
	for name, r := range map[string]*Run{"selectors": selectors, "shards": shardedRun(), "capacity": partedRun(), "topics": topics} {
		page := written(t, "html", &Result{Run: r})
		golden.Compare(t, "grid_"+name+".html", pageSection(t, page, name))
		md := written(t, "md", &Result{Run: r})
		golden.Compare(t, "grid_"+name+".md", md)
		csvFormat, _ := FormatNamed("csv")
		var all []string
		for _, table := range csvFormat.Beside(&Result{Run: r}) {
			all = append(all, written(t, table, &Result{Run: r}))
		}
		tables := strings.Join(all, "\n")
		golden.Compare(t, "grid_"+name+".csv", tables)
		for form, out := range map[string]string{"page": page, "Markdown": md, "CSV": written(t, "csv", &Result{Run: r}) + tables} {
			if strings.Contains(out, "\x1b") || form != "CSV" && (strings.Contains(out, "<script>alert") || strings.Contains(out, "cmd()|'")) {
				t.Errorf("%s: a name is alive in the %s", name, form)
			}
		}
		for _, table := range strings.Split(tables, "\n\n") {
			rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
			if err != nil || len(rows) < 2 {
				t.Errorf("%s: %d rows, %v", name, len(rows), err)
			}
			for _, row := range rows {
				for _, cell := range row {
					if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r|%") {
						t.Errorf("%s: %q is a formula", name, cell)
					}
				}
			}
		}
	}
}

// Every number of these tables says what it is to whoever points at it, and has what it is ordered by.
func TestGridsAreDefined(t *testing.T) {
	parted := partedRun()
	for name, g := range map[string]*grid{"selectors": selectorGrid(selectorRun(t, 10)), "shards": shardGrid(shardedRun()), "topics": topicGrid(&Run{Cases: []Case{withTopics("c", []int64{1}, []int64{2})}}), "rates": parted.Capacity.curveGrid(""), "searches": parted.Capacity.searchGrid()} {
		for _, h := range g.Head {
			if h.Text != "" && !h.Left && len(h.Title) < 15 {
				t.Errorf("%s: column %q has no definition: %q", name, h.Text, h.Title)
			}
		}
		for _, row := range g.Rows {
			if len(row) != len(g.Head) {
				t.Fatalf("%s: %d cells under %d heads", name, len(row), len(g.Head))
			}
			for i, c := range row {
				if digits := strings.ContainsAny(c.Text, "0123456789") && !strings.HasPrefix(c.Text, "> ") && !strings.HasPrefix(c.Text, "held "); !g.Head[i].Left && g.Head[i].Text != "" && digits != (c.Sort != "") {
					t.Errorf("%s: %s %q is ordered by %q", name, g.Head[i].Text, c.Text, c.Sort)
				}
			}
		}
	}
}

// A share that did much less than the others, or took much longer, is told and marked; one that is like them isn't.
func TestSlowShard(t *testing.T) {
	r := shardedRun()
	var text strings.Builder
	if err := WriteTable(&text, r); err != nil {
		t.Fatal(err)
	}
	if want := "shard 2 of 4 (pod-2) is slow beside the others' median: 50.0 % of their rate, 4 × their p99\n"; strings.Count(text.String(), "is slow") != 1 || !strings.Contains(text.String(), want) {
		t.Errorf("%s\nlacks %s", text.String(), want)
	}
	g := shardGrid(r)
	for i, row := range g.Rows {
		marked := 0
		for j, c := range row {
			if c.Class == "bad" && (g.Head[j].Text == "msg/s" || g.Head[j].Text == "p99") {
				marked++
			}
		}
		if marked != map[bool]int{true: 2}[i == 2] {
			t.Errorf("shard %d has %d marks", i, marked)
		}
	}
	r.Shards = r.Shards[:2]
	r.Shards[1].MessagesPerSecond, r.Shards[1].P99NS = nil, nil
	for i := range r.Shards {
		if rate, p99 := r.behind(i); rate != nil || p99 != nil {
			t.Errorf("shard %d beside one that knows nothing: %v, %v", i, rate, p99)
		}
	}
}

// In a directory each table is a file of its own, which any reader of CSV takes.
func TestCSVFiles(t *testing.T) {
	f, _ := FormatNamed("csv")
	dir := t.TempDir()
	r := &Result{Run: partedRun()}
	r.Run.Shards = shardedRun().Shards
	r.Run.Cases[0].Topics = withTopics("c", []int64{1}, []int64{2}).Topics
	paths, err := f.WriteFile(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range paths {
		names = append(names, filepath.Base(p))
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll(); err != nil || len(rows) < 2 {
			t.Errorf("%s: %d rows, %v", p, len(rows), err)
		}
	}
	if got := strings.Join(names, " "); got != "cases.csv capacity.csv rates.csv shards.csv topics.csv" {
		t.Error(got)
	}
	var cases, none strings.Builder
	if err := f.Write(&cases, r); err != nil {
		t.Fatal(err)
	}
	if one, err := os.ReadFile(paths[0]); err != nil || cases.String() != string(one) {
		t.Errorf("on a pipe: %q, %v", cases.String(), err)
	}
	if got := strings.Join(f.Beside(r), " "); got != "csv:capacity csv:rates csv:shards csv:topics" {
		t.Error(got)
	}
	selectors, _ := FormatNamed("csv:selectors")
	if err := selectors.Write(&none, r); err == nil || err.Error() != "the result has no table of selectors; it has cases, capacity, rates, shards, topics" || none.Len() > 0 {
		t.Errorf("%v, %q", err, none.String())
	}
	if paths, err := selectors.WriteFile(dir, r); err == nil || len(paths) > 0 {
		t.Errorf("%v, %v", paths, err)
	}
	if _, ok := FormatNamed("csv:nothing"); ok {
		t.Error("a table that nobody knows")
	}
	if late := time.Duration(*r.Run.Shards[2].LateNS); late <= lateShard {
		t.Errorf("a share %s late isn't late", late)
	}
}
