package results

import (
	"fmt"
	"math"
	"strings"
)

// How large a plot is, in characters: it fits a terminal of 80.
const (
	plotWidth  = 76
	plotHeight = 12
	leastPlot  = 3 // points: fewer show no curve
)

// mark is a point of a plot.
type mark struct {
	x, y float64
	char byte
}

// axis maps values onto cells 0 to n-1; its scale is logarithmic where the values are decades apart.
type axis struct {
	low, high float64
	log       bool
	n         int
}

// axisOf spans the values, which are over 0.
func axisOf(values []float64, n int, log bool) axis {
	a := axis{low: math.Inf(1), high: math.Inf(-1), n: n, log: log}
	for _, v := range values {
		a.low, a.high = min(a.low, v), max(a.high, v)
	}
	if a.high <= a.low {
		a.high = a.low * 1.1
	}
	return a
}

func (a axis) cell(v float64) int {
	low, high := a.low, a.high
	if a.log {
		low, high, v = math.Log(low), math.Log(high), math.Log(v)
	}
	return min(max(int(math.Round((v-low)/(high-low)*float64(a.n-1))), 0), a.n-1)
}

// at is the value of a cell.
func (a axis) at(cell int) float64 {
	share := float64(cell) / float64(max(a.n-1, 1))
	if a.log {
		return math.Exp(math.Log(a.low) + share*(math.Log(a.high)-math.Log(a.low)))
	}
	return a.low + share*(a.high-a.low)
}

// drawPlot draws marks, whose values are over 0, within width columns and height rows of plain characters, axes included; of
// marks in one cell the last is seen. nil where there is no room.
func drawPlot(marks []mark, width, height int, logX, logY bool, formatX, formatY func(float64) string) []string {
	const label, least = 9, 20
	rows, columns := height-2, width-label-2
	if rows < 3 || columns < least || len(marks) == 0 {
		return nil
	}
	var xs, ys []float64
	for _, m := range marks {
		xs, ys = append(xs, m.x), append(ys, m.y)
	}
	x, y := axisOf(xs, columns, logX), axisOf(ys, rows, logY)
	grid := make([][]byte, rows)
	for i := range grid {
		grid[i] = []byte(strings.Repeat(" ", columns))
	}
	for _, m := range marks {
		grid[rows-1-y.cell(m.y)][x.cell(m.x)] = m.char
	}
	const every = 3 // rows have a tick
	var ticked []float64
	for cell := 0; cell < rows; cell += every {
		ticked = append(ticked, y.at(cell))
	}
	ticks := apart(ticked, formatY)
	var lines []string
	for i, row := range grid {
		tick, bar := "", "|"
		if cell := rows - 1 - i; cell%every == 0 {
			tick, bar = ticks[cell/every], "+"
		}
		lines = append(lines, strings.TrimRight(fmt.Sprintf("%*s %s%s", label, tick, bar, row), " "))
	}
	lines = append(lines, strings.Repeat(" ", label+1)+"+"+strings.Repeat("-", columns))
	left, right := formatX(x.at(0)), formatX(x.at(columns-1))
	between := strings.Repeat(" ", max(columns-len(left)-len(right), 1))
	if middle, at := formatX(x.at(columns/2)), columns/2-len(left); at > len(middle) {
		at -= len(middle) / 2
		between = between[:at] + middle + between[at+len(middle):]
	}
	return append(lines, strings.Repeat(" ", label+2)+left+between+right)
}

// plot draws the tail over the rate: o held, x broke, l was limited by the generator, K is the knee. nil for a curve that is too short
// to be one.
func (c *Capacity) plot(width, height int) []string {
	var marks []mark
	by := c.tail()
	for _, s := range c.curve() {
		tail := by.at(s)
		if tail == nil || *tail <= 0 {
			continue
		}
		m := mark{x: s.RatePerSecond, y: float64(*tail), char: 'o'}
		switch {
		case c.KneePerSecond != nil && *c.KneePerSecond == s.RatePerSecond:
			m.char = 'K'
		case s.Found == StepBroke:
			m.char = 'x'
		case s.Found == StepLimited:
			m.char = 'l'
		}
		marks = append(marks, m)
	}
	if len(marks) < leastPlot {
		return nil
	}
	for i, m := range marks { // what matters most is drawn last
		if m.char == 'K' {
			marks = append(append(marks[:i:i], marks[i+1:]...), m)
			break
		}
	}
	lines := drawPlot(marks, width, height, false, true,
		func(v float64) string { return FormatRate(v) + "/s" }, func(v float64) string { return FormatDuration(int64(v)) })
	if lines == nil {
		return nil
	}
	legend := by.label + " over the rate: o held, x broke"
	if strings.ContainsRune(marksOf(marks), 'l') {
		legend += ", l limited by the generator"
	}
	if c.KneePerSecond != nil {
		legend += ", K the knee"
	}
	return append([]string{"", legend}, lines...)
}

// marksOf are the characters of marks.
func marksOf(marks []mark) string {
	var b strings.Builder
	for _, m := range marks {
		b.WriteByte(m.char)
	}
	return b.String()
}
