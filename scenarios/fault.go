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
	Allowed   string // what could have been written; "" if Msg says it
	Text      string // the file's line around Col, ready to be printed; "" if there is none, or if it may hold a secret
	Caret     int    // the place of Col in Text, from 0
}

// Detail gives several lines: Error, the file's line with a mark below the place, and what is allowed.
func (f Fault) Detail() string {
	var b strings.Builder
	b.WriteString(f.Error())
	if f.Text != "" {
		number := strconv.Itoa(f.Line)
		fmt.Fprintf(&b, "\n  %s | %s\n  %*s | %*s^", number, f.Text, len(number), "", f.Caret, "")
	}
	if f.Allowed != "" {
		fmt.Fprintf(&b, "\n  %s", f.Allowed)
	}
	return b.String()
}

// Columns of a file's line that are shown around a place.
const (
	shownBefore = 60
	shownLine   = 100
)

// show gives f with its line of a file.
func (f Fault) show(lines []string) Fault {
	if f.Line < 1 || f.Line > len(lines) || mayHoldSecret(lines[f.Line-1]) {
		return f
	}
	line := []rune(strings.TrimRight(lines[f.Line-1], " \r"))
	from := max(f.Col-1-shownBefore, 0)
	if from > len(line) {
		return f
	}
	f.Caret = f.Col - 1 - from
	before, behind := "", ""
	if from > 0 {
		before, f.Caret = "…", f.Caret+1
	}
	if len(line) > from+shownLine {
		line, behind = line[:from+shownLine], "…"
	}
	f.Text = before + printable(strings.ReplaceAll(string(line[from:]), "\t", " ")) + behind
	return f
}

// mayHoldSecret reports whether a line names something that one doesn't print. Only an endpoint's URL has a place for it.
func mayHoldSecret(line string) bool {
	line = strings.ToUpper(line)
	for _, word := range []string{"SECRET", "PASSW", "TOKEN", "APIKEY", "API_KEY", "ACCESSKEY", "ACCESS_KEY", "PRIVATE"} {
		if strings.Contains(line, word) {
			return true
		}
	}
	return strings.Contains(line, "@") && (strings.Contains(line, "NAMESRV") || strings.Contains(line, "://")) || strings.Contains(line, "://") && strings.Contains(line, "?")
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

// Detail gives every fault's, and an empty line between two.
func (fs Faults) Detail() string {
	all := make([]string, len(fs))
	for i, f := range fs {
		all[i] = f.Detail()
	}
	return strings.Join(all, "\n\n")
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
	value := o.Value
	if o.Path == "target.namesrv" || IsEndpoint(value) {
		value = WithoutSecrets(value)
	}
	value = clip(value)
	if value == "" || strings.ContainsAny(value, " \"") {
		value = strconv.Quote(value)
	}
	if strings.HasPrefix(o.Source, "-") && !strings.HasPrefix(o.Source, "--set ") {
		return o.Source + " " + value
	}
	return o.Source + "=" + value
}
