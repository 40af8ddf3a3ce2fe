package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"rmqbench/bench"
	"rmqbench/results"
)

// progress shows how far a run is, on a terminal as one line that is redrawn.
type progress struct {
	w     io.Writer
	plain bool // a line now and then, for pipes and logs
	off   bool

	drawn int       // columns of the line that is on the screen
	said  time.Time // of the last plain line
}

// plainEvery is how often a plain line comes.
const plainEvery = 5 * time.Second

func newProgress(f runFlags, w io.Writer) (*progress, error) {
	p := &progress{w: w}
	switch f.progress {
	case "auto":
		file, ok := w.(*os.File)
		p.off = !ok || !term.IsTerminal(int(file.Fd()))
	case "plain":
		p.plain = true
	case "none":
		p.off = true
	default:
		return nil, &usageError{fmt.Sprintf("--progress %s: auto, plain or none", f.progress)}
	}
	p.off = p.off || f.quiet
	return p, nil
}

// show is called a few times a second, off the path that is measured.
func (p *progress) show(at bench.Progress) {
	if p.off || p.plain && time.Since(p.said) < plainEvery {
		return
	}
	line := progressLine(at)
	if p.plain {
		p.said = time.Now()
		fmt.Fprintln(p.w, line)
		return
	}
	p.draw(line)
}

// draw puts line in the place of the one before.
func (p *progress) draw(line string) {
	pad := max(p.drawn-len([]rune(line)), 0)
	fmt.Fprint(p.w, "\r"+line+strings.Repeat(" ", pad))
	p.drawn = len([]rune(line))
}

// say writes a line that stays.
func (p *progress) say(line string) {
	if p.off {
		return
	}
	p.clear()
	fmt.Fprintln(p.w, line)
}

// clear takes the line off the screen.
func (p *progress) clear() {
	if p.drawn > 0 {
		fmt.Fprint(p.w, "\r"+strings.Repeat(" ", p.drawn)+"\r")
		p.drawn = 0
	}
}

const barWidth = 20

func progressLine(at bench.Progress) string {
	var b strings.Builder
	if at.Total > 0 {
		full := int(min(barWidth*at.Elapsed/at.Total, barWidth))
		fmt.Fprintf(&b, "%s%s  ", strings.Repeat("━", full), strings.Repeat("·", barWidth-full))
	}
	fmt.Fprintf(&b, "%d/%d %s  %s", at.Index+1, at.Of, results.Printable(at.Case), elapsed(at.Elapsed))
	if at.Total > 0 {
		fmt.Fprintf(&b, " of %s", elapsed(at.Total))
	}
	if s := at.Elapsed.Seconds(); s > 0 {
		fmt.Fprintf(&b, "  %s/s", results.FormatRate(float64(at.Ended)/s))
	}
	if at.Failed > 0 {
		fmt.Fprintf(&b, "  %d failed", at.Failed)
	}
	return b.String()
}
