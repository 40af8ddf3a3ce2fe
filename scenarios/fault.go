package scenarios

import (
	"fmt"
	"strings"
)

// Fault is one thing that is wrong with a scenario, and where.
type Fault struct {
	File      string // "" if a flag is at fault
	Line, Col int    // from 1, in characters; 0 if the whole file is meant
	Source    string // flag and value: "-w 0"
	Msg       string // one line
}

// Error gives one line: file:line:col: msg, or flag: msg.
func (f Fault) Error() string {
	switch {
	case f.Source != "":
		return f.Source + ": " + f.Msg
	case f.Line == 0:
		return f.File + ": " + f.Msg
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Col, f.Msg)
}

// Faults is every fault of a scenario: the file's in its order, then the flags' in theirs.
type Faults []Fault

// Error gives one line a fault.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}
