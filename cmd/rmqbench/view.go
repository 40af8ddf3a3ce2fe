package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"rmqbench/bench"
	"rmqbench/results"
)

// view is what the live view shows of a run.
type view struct {
	at           bench.Progress
	rates, tails []float64 // of the last sparkWidth times: sends a second, p99 in ns
	keys         bool      // m marks a moment
	marks        int       // so far
}

const (
	barWidth   = 20
	sparkWidth = 16
	viewCauses = 4
)

// Styles of a stretch of text.
const (
	plain  = ""
	faint  = "\x1b[2m"
	alarm  = "\x1b[31m"
	normal = "\x1b[0m"
)

// span is a stretch of text in one style.
type span struct{ text, style string }

// take takes another time into the view.
func (v *view) take(at bench.Progress) {
	if at.Case != v.at.Case || at.Index != v.at.Index || at.Elapsed < v.at.Elapsed {
		v.rates, v.tails = nil, nil
	}
	v.at = at
	v.rates = append(v.rates, at.PerSecond)
	v.tails = append(v.tails, float64(at.P99))
	v.rates, v.tails = v.rates[max(len(v.rates)-sparkWidth, 0):], v.tails[max(len(v.tails)-sparkWidth, 0):]
}

// frame is the view as lines of at most width columns, in colours or without.
func (v *view) frame(width int, colours bool) []string {
	at := &v.at
	lines := [][]span{v.head()}
	rate := fmt.Sprintf("%s/s answered", results.FormatRate(at.PerSecond))
	if at.DueAt != nil {
		rate = fmt.Sprintf("%s/s due · ", results.FormatRate(*at.DueAt)) + rate
	}
	lines = append(lines, []span{{"  rate       ", faint}, {pad(rate, 47), plain}, {sparks(v.rates), faint}})
	times := "nothing yet"
	if at.Recently > 0 {
		times = fmt.Sprintf("p50 %s · p99 %s · max %s (last %v)", format(at.P50), format(at.P99), format(at.Max), min(bench.Recent, elapsed(at.Elapsed)))
	}
	lines = append(lines, []span{{"  time       ", faint}, {pad(times, 47), plain}, {sparks(v.tails), faint}})
	flight := []span{{"  in flight  ", faint}, {fmt.Sprintf("%d by %s", at.InFlight, results.FormatCount(at.Workers, "worker")), plain}}
	if at.Waiting > 0 {
		flight = append(flight, span{fmt.Sprintf(" · %d fell due and wait", at.Waiting), alarm})
	}
	lines = append(lines, flight)
	if at.Failed > 0 {
		lines = append(lines, []span{{"  failed     ", faint}, {failures(at), alarm}})
	}
	hint := "  Ctrl-C ends it"
	if v.keys {
		hint = "  m marks a moment"
		if v.marks > 0 {
			hint += fmt.Sprintf(" (%d so far)", v.marks)
		}
		hint += " · Ctrl-C ends it"
	}
	lines = append(lines, []span{{hint, faint}})
	drawn := make([]string, len(lines))
	for i, line := range lines {
		drawn[i] = draw(line, width, colours)
	}
	return drawn
}

// head is the first line: how far it is.
func (v *view) head() []span {
	at := &v.at
	var bar string
	if at.Total > 0 && !at.WarmingUp {
		full := int(min(barWidth*at.Elapsed/at.Total, barWidth))
		bar = strings.Repeat("━", full) + strings.Repeat("·", barWidth-full) + "  "
	}
	return []span{{bar, plain}, {place(at), plain}, {" · ", faint}, {clock(at), plain}}
}

// place is which case it is of how many.
func place(at *bench.Progress) string {
	if at.Of > 0 {
		return fmt.Sprintf("%d/%d %s", at.Index+1, at.Of, results.Printable(at.Case))
	}
	return results.Printable(at.Case)
}

// clock is how long it has been, and how long it will be.
func clock(at *bench.Progress) string {
	text := elapsed(at.Elapsed).String()
	if at.WarmingUp {
		return fmt.Sprintf("warming up for %s, %s at the most", text, elapsed(at.Total))
	}
	if at.Total == 0 {
		return text
	}
	if left := elapsed(at.Total - at.Elapsed); left > 0 {
		return fmt.Sprintf("%s of %s, %s left", text, elapsed(at.Total), left)
	}
	return fmt.Sprintf("%s of %s, waiting for the last answers", text, elapsed(at.Total))
}

// failures are how many sends failed, and the most frequent causes.
func failures(at *bench.Progress) string {
	text := fmt.Sprint(at.Failed)
	for i, c := range at.Causes[:min(len(at.Causes), viewCauses)] {
		text += []string{": ", ", "}[min(i, 1)] + fmt.Sprintf("%s %d", results.Printable(c.Cause), c.N)
	}
	if more := len(at.Causes) - viewCauses; more > 0 {
		text += fmt.Sprintf(", %s", results.FormatCount(more, "more cause"))
	}
	return text
}

// plainLine is the view as one line, for pipes and logs.
func plainLine(at *bench.Progress) string {
	words := []string{place(at), clock(at)}
	if at.DueAt != nil {
		words = append(words, results.FormatRate(*at.DueAt)+"/s due")
	}
	words = append(words, results.FormatRate(at.PerSecond)+"/s answered")
	if at.Recently > 0 {
		words = append(words, "p50 "+format(at.P50), "p99 "+format(at.P99))
	}
	words = append(words, fmt.Sprintf("%d in flight", at.InFlight))
	if at.Waiting > 0 {
		words = append(words, fmt.Sprintf("%d wait", at.Waiting))
	}
	if at.Failed > 0 {
		words = append(words, "failed "+failures(at))
	}
	return strings.Join(words, " · ")
}

// elapsed rounds for people.
func elapsed(d time.Duration) time.Duration { return d.Round(time.Second) }

func format(d time.Duration) string { return results.FormatDuration(int64(d)) }

// pad fills text up to so many columns.
func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(columns-utf8.RuneCountInString(text), 0)) + "  "
}

// sparks draws values as bars of one character, the largest as the highest; what is 0 is low.
func sparks(values []float64) string {
	heights := []rune("▁▂▃▄▅▆▇█")
	var most float64
	for _, v := range values {
		most = max(most, v)
	}
	var b strings.Builder
	for _, v := range values {
		i := 0
		if most > 0 {
			i = int(v / most * float64(len(heights)-1))
		}
		b.WriteRune(heights[min(max(i, 0), len(heights)-1)])
	}
	return b.String()
}

// draw puts spans into at most width columns, without spaces at the end.
func draw(line []span, width int, colours bool) string {
	var b strings.Builder
	for i, s := range line {
		text := []rune(s.text)
		if len(text) > width {
			text = text[:max(width, 0)]
		}
		width -= len(text)
		words := string(text)
		if i == len(line)-1 || width == 0 {
			words = strings.TrimRight(words, " ")
		}
		if colours && s.style != plain && words != "" {
			words = s.style + words + normal
		}
		b.WriteString(words)
	}
	return b.String()
}
