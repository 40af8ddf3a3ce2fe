package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"rmqbench/bench"
)

// progress shows how far a run is: on a terminal a few lines that are redrawn, elsewhere a line now and then.
type progress struct {
	w       io.Writer
	kind    progressKind
	file    *os.File // w, if it is a terminal
	colours bool
	keys    *keys  // nil: none are heard
	mark    func() // a moment was marked

	mu    sync.Mutex // protects following
	view  view
	drawn []int     // columns of the lines that are on the screen
	said  time.Time // of the last plain line, or of the beginning
}

type progressKind uint8

const (
	noProgress    progressKind = iota
	plainProgress              // a line now and then
	liveProgress               // on a terminal
)

// terminal is what has to be given back if the process ends in the middle of something.
var terminal atomic.Pointer[keys]

// plainEvery is how often a plain line comes.
const plainEvery = 5 * time.Second

// newProgress begins to show a run on s.err, and to hear keys on s.in if both are terminals; close ends that. mark is called for each
// moment that the person there marks; nil: none can be.
func newProgress(f runFlags, s streams, mark func()) (*progress, error) {
	p := &progress{w: s.err, mark: mark, said: time.Now()}
	file, isFile := s.err.(*os.File)
	switch f.progress {
	case "auto":
		p.kind = plainProgress
		if isFile && term.IsTerminal(int(file.Fd())) && drawable(file) {
			p.kind, p.file = liveProgress, file
		}
	case "plain":
		p.kind = plainProgress
	case "none":
	default:
		return nil, &usageError{fmt.Sprintf("--progress %s: auto, plain or none", f.progress)}
	}
	if f.quiet {
		p.kind = noProgress
	}
	if p.kind == liveProgress {
		p.colours = os.Getenv("NO_COLOR") == ""
		if in, ok := s.in.(*os.File); ok && mark != nil {
			p.keys = hearKeys(in, p.typed)
			p.view.keys = p.keys != nil
			terminal.Store(p.keys)
		}
	}
	return p, nil
}

// typed takes a key.
func (p *progress) typed(key byte) {
	if key != 'm' {
		return
	}
	p.mark()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.view.marks++
}

// show is called a few times a second, off the path that is measured.
func (p *progress) show(at bench.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.kind {
	case plainProgress:
		if time.Since(p.said) < plainEvery {
			return
		}
		p.said = time.Now()
		fmt.Fprintln(p.w, plainLine(&at))
	case liveProgress:
		p.view.take(at)
		width, height, err := term.GetSize(int(p.file.Fd()))
		if err != nil || width < 1 || height < 1 {
			width, height = 80, 24
		}
		lines := p.view.frame(width-1, p.colours) // a full line would wrap on some terminals
		p.redraw(lines[:min(len(lines), max(height-1, 1))], width)
	}
}

// redraw puts lines in the place of those that are there. On a screen that has become narrower these take more rows. Under mu.
func (p *progress) redraw(lines []string, width int) {
	var b strings.Builder
	rows := 0
	for _, columns := range p.drawn {
		rows += max((columns+width-1)/width, 1)
	}
	if rows > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", rows)
	}
	p.drawn = p.drawn[:0]
	for _, line := range lines {
		b.WriteString("\r" + line + "\x1b[K\n")
		p.drawn = append(p.drawn, columnsOf(line))
	}
	b.WriteString("\x1b[J")
	_, _ = io.WriteString(p.w, b.String())
}

// columnsOf counts what a line shows, its styles left out.
func columnsOf(line string) int {
	for _, style := range []string{faint, alarm, normal} {
		line = strings.ReplaceAll(line, style, "")
	}
	return utf8.RuneCountInString(line)
}

// say writes a line that stays.
func (p *progress) say(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kind == noProgress {
		return
	}
	p.wipe()
	fmt.Fprintln(p.w, line)
}

// wipe takes the view off the screen. Under mu.
func (p *progress) wipe() {
	if len(p.drawn) == 0 {
		return
	}
	p.redraw(nil, p.width())
}

// width is the terminal's, in columns.
func (p *progress) width() int {
	width, _, err := term.GetSize(int(p.file.Fd()))
	if err != nil || width < 1 {
		return 80
	}
	return width
}

// close takes the view off the screen, and gives the terminal back.
func (p *progress) close() {
	p.keys.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	p.kind = noProgress
}
