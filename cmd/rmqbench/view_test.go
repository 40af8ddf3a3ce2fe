package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rmqbench/bench"
	"rmqbench/internal/golden"
	"rmqbench/results"
)

// views are moments of runs.
func views() map[string]*view {
	open, closed, counted, late, warm := &view{keys: true, marks: 2}, &view{}, &view{keys: true}, &view{}, &view{}
	for i := range 40 {
		open.take(bench.Progress{Case: "orders", Index: 1, Of: 6, Elapsed: time.Duration(i) * 250 * time.Millisecond, Total: 30 * time.Second, Ended: 50_000, Failed: 1260, DueAt: new(5000.0),
			Causes:    []results.Caused{{Cause: "SYSTEM_BUSY [TIMEOUT_CLEAN_QUEUE]", N: 1100}, {Cause: "timeout", N: 150}, {Cause: "a", N: 4}, {Cause: "b", N: 3}, {Cause: "c", N: 2}, {Cause: "d", N: 1}},
			PerSecond: 4000 + float64(i%8)*140, InFlight: 12, Waiting: 340, Workers: 64, Recently: 25_000, P50: 210 * time.Microsecond, P99: time.Duration(i%5+1) * time.Millisecond, Max: 31 * time.Millisecond})
	}
	closed.take(bench.Progress{Case: "sync 64", Of: 1, Elapsed: 2 * time.Second, Total: 10 * time.Second, Ended: 100, PerSecond: 104_000, InFlight: 64, Workers: 64, Recently: 9, P50: 1000, P99: 2000, Max: 3000})
	counted.take(bench.Progress{Case: "confirm 2.00k/s\x1b[2J", Elapsed: 61 * time.Second, InFlight: 1, Workers: 1})
	late.take(bench.Progress{Case: "late", Of: 1, Elapsed: 11 * time.Second, Total: 10 * time.Second, Failed: 3, Causes: []results.Caused{{Cause: "\x1b[31mtimeout", N: 3}}, Workers: 2, InFlight: 2})
	warm.take(bench.Progress{Case: "sync 64", Of: 1, Elapsed: 3 * time.Second, Total: 30 * time.Second, WarmingUp: true, Ended: 100, PerSecond: 99_000, InFlight: 64, Workers: 64})
	return map[string]*view{"open loop that fails": open, "closed loop": closed, "by count": counted, "late": late, "warming up": warm}
}

// TestFrames: what the live view and the plain line show; nothing in them is wider than the terminal, or any escape but our own.
func TestFrames(t *testing.T) {
	var text strings.Builder
	all := views()
	for _, name := range []string{"open loop that fails", "closed loop", "by count", "late", "warming up"} {
		v := all[name]
		text.WriteString("# " + name + "\n" + strings.Join(v.frame(100, false), "\n") + "\n" + plainLine(&v.at) + "\n\n")
	}
	text.WriteString("# 40 columns\n" + strings.Join(all["open loop that fails"].frame(40, false), "\n") + "\n")
	golden.Compare(t, "frames.txt", text.String())
	if strings.ContainsRune(text.String(), '\x1b') {
		t.Error("an escape without colours")
	}
	for name, v := range all {
		for _, width := range []int{1, 7, 20, 39, 80, 200} {
			for _, colours := range []bool{false, true} {
				for _, line := range v.frame(width, colours) {
					if n := columnsOf(line); n > width || strings.HasSuffix(line, " ") || colours && strings.Count(line, normal) != strings.Count(line, faint)+strings.Count(line, alarm) {
						t.Errorf("%s: %d of %d columns: %q", name, n, width, line)
					}
				}
			}
		}
	}
}

func TestSparks(t *testing.T) {
	for want, values := range map[string][]float64{"": nil, "▁▁": {0, 0}, "▁▄█": {0, 5, 10}, "█": {3}} {
		if got := sparks(values); got != want {
			t.Errorf("%v: %s, want %s", values, got, want)
		}
	}
}

// screen is what a terminal of so many columns shows after our escapes, a line each.
func screen(t *testing.T, written string, width int) []string {
	t.Helper()
	rows, row, col := [][]rune{{}}, 0, 0
	put := func(r rune) {
		if col == width {
			row, col = row+1, 0
		}
		for len(rows) <= row {
			rows = append(rows, nil)
		}
		for len(rows[row]) <= col {
			rows[row] = append(rows[row], ' ')
		}
		rows[row][col] = r
		col++
	}
	for len(written) > 0 {
		r, n := utf8.DecodeRuneInString(written)
		written = written[n:]
		switch r {
		case '\r':
			col = 0
		case '\n':
			row, col = row+1, 0
			for len(rows) <= row {
				rows = append(rows, nil)
			}
		case '\x1b':
			end := strings.IndexAny(written, "AKJm")
			number := 1
			for i, d := 1, 0; i < end; i++ {
				d = d*10 + int(written[i]-'0')
				number = d
			}
			switch written[end] {
			case 'A':
				if row -= number; row < 0 {
					t.Fatalf("above the screen: %d rows", number)
				}
			case 'K':
				rows[row] = rows[row][:min(col, len(rows[row]))]
			case 'J':
				rows = rows[:row+1]
				rows[row] = rows[row][:min(col, len(rows[row]))]
			}
			written = written[end+1:]
		default:
			put(r)
		}
	}
	var lines []string
	for _, r := range rows {
		lines = append(lines, strings.TrimRight(string(r), " "))
	}
	return lines
}

// TestRedraw: a view that becomes shorter, or is said something over, leaves nothing behind.
func TestRedraw(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out, kind: liveProgress}
	p.redraw([]string{"one", "two", "three"}, 80)
	p.redraw([]string{"1", "2"}, 80)
	if got := strings.Join(screen(t, out.String(), 80), "|"); got != "1|2|" {
		t.Errorf("%q", got)
	}
	p.redraw([]string{strings.Repeat("x", 30), "y"}, 80)
	before := out.String()
	out.Reset()
	p.redraw([]string{"a", "b"}, 20) // meanwhile the terminal is 20 wide: x takes two rows
	if got := strings.Join(screen(t, before+out.String(), 20), "|"); got != "a|b|" {
		t.Errorf("narrower: %q", got)
	}
	p.redraw(nil, 20)
	if got := strings.Join(screen(t, before+out.String(), 20), "|"); got != "" {
		t.Errorf("wiped: %q", got)
	}
}

// TestPlainProgress: nothing at first, then a line every 5 s, and none with --quiet.
func TestPlainProgress(t *testing.T) {
	var out bytes.Buffer
	p, err := newProgress(runFlags{progress: "auto"}, streams{err: &out}, nil)
	if err != nil || p.kind != plainProgress {
		t.Fatalf("%v, %d", err, p.kind)
	}
	p.show(bench.Progress{Case: "c", Of: 1})
	if out.Len() > 0 {
		t.Errorf("at once: %q", out.String())
	}
	p.said = time.Now().Add(-plainEvery)
	p.show(bench.Progress{Case: "c", Of: 1, Workers: 1})
	p.show(bench.Progress{Case: "c", Of: 1})
	if got := out.String(); got != "1/1 c · 0s · 0/s answered · 0 in flight\n" {
		t.Errorf("%q", got)
	}
	p.say("step")
	p.close()
	if q, err := newProgress(runFlags{progress: "plain", quiet: true}, streams{err: &out}, nil); err != nil || q.kind != noProgress {
		t.Errorf("%v, %d", err, q.kind)
	}
	if got := out.String(); !strings.HasSuffix(got, "\nstep\n") {
		t.Errorf("%q", got)
	}
}
