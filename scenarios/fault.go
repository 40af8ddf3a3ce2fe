package scenarios

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Fault is one thing that is wrong with a scenario, and where.
type Fault struct {
	File      string // as the caller named it; "" if no file is at fault
	Line, Col int    // from 1, Col in characters; 0 if the whole file is meant
	Source    string // the flag and its value, "-w 0"; "" if no flag is at fault
	Msg       string // one line
}

// Error gives one line: file:line:col: msg, or flag: msg.
func (f Fault) Error() string {
	switch {
	case f.Source != "":
		return f.Source + ": " + f.Msg
	case f.File == "":
		return f.Msg
	case f.Line == 0:
		return printable(f.File) + ": " + f.Msg
	}
	return fmt.Sprintf("%s:%d:%d: %s", printable(f.File), f.Line, f.Col, f.Msg)
}

// Faults is everything that is wrong with a scenario: the file's faults in its order, then the flags' in theirs.
// It ends after a thousand. [Load], [Parse] and [FromFlags] return no other error.
type Faults []Fault

// Error gives one line a fault.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// clip makes somebody's text fit for one line of an error.
func clip(text string) string {
	const longest = 60
	if runes := []rune(text[:min(len(text), 4*longest)]); len(runes) > longest {
		text = string(runes[:longest-1]) + "…"
	}
	return printable(text)
}

// printable replaces what would steer a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// typed gives an override as it was typed: "-w 0", "--set load.workers=0", "RMQBENCH_WORKERS=0".
func (o Override) typed() string {
	value := clip(o.Value)
	if value == "" || strings.ContainsAny(value, " \"") {
		value = strconv.Quote(value)
	}
	if strings.HasPrefix(o.Source, "-") && !strings.HasPrefix(o.Source, "--set ") {
		return o.Source + " " + value
	}
	return o.Source + "=" + value
}
