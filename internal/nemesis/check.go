package nemesis

import (
	"cmp"
	"fmt"
	"slices"
)

// Stored is one message as it was read back.
type Stored struct {
	Place
	Number int  // of the run's messages; -1: it is none of them
	Sum    Sum  // of what was read
	Other  bool // it belongs to an earlier run
}

// Report is what holding the stored messages against the sent ones came to.
type Report struct {
	Sends      int
	Classes    [classes]int
	Ways       [ways]int
	Undone     int      // acknowledged and to be rolled back
	Stored     int      // of this run
	Doubled    int      // copies beyond the first, all explained
	Earlier    int      // of runs before
	Lost       int      // acknowledged and not stored
	Violations []string // what must not be, lost messages included; the first 20 are told
	violations int
}

func (r Report) String() string {
	s := fmt.Sprintf("%d sends: %d acknowledged (%d to be rolled back), %d weak, %d ambiguous, %d refused, %d written; %d stored, %d of them again", r.Sends, r.Classes[Acknowledged], r.Undone,
		r.Classes[Weak], r.Classes[Ambiguous], r.Classes[Refused], r.Classes[Written], r.Stored, r.Doubled)
	if r.violations > 0 {
		s += fmt.Sprintf("; %d VIOLATIONS", r.violations)
	}
	return s
}

func (r *Report) violated(format string, args ...any) {
	r.violations++
	if len(r.Violations) < 20 {
		r.Violations = append(r.Violations, fmt.Sprintf(format, args...))
	}
}

// Check holds what is stored against what was said of each message:
//
//   - acknowledged ⊆ stored, at the place that was told;
//   - stored ⊆ acknowledged ∪ weak ∪ ambiguous ∪ written, and nothing that rolled back;
//   - no message is stored more often than its attempts explain;
//   - what is stored is what was sent, byte for byte;
//   - the offsets of each queue are dense from first[queue] on, 0 where there is none;
//   - every send ended, once.
//
// The records of a queue are in its order.
func Check(sent []Sent, stored []Stored, first map[Place]int64) Report {
	r := Report{Sends: len(sent)}
	copies := make([][]Place, len(sent))
	next := map[Place]int64{} // by queue: Offset is 0
	for _, s := range stored {
		q := Place{s.Broker, s.Queue, 0}
		want, seen := next[q]
		if !seen {
			want = first[q]
		}
		if s.Offset != want {
			r.violated("gap: %v, where offset %d was to come", s.Place, want)
		}
		next[q] = s.Offset + 1
		switch {
		case s.Other:
			r.Earlier++
			continue
		case s.Number < 0 || s.Number >= len(sent):
			r.violated("invented: %v is no message of this run", s.Place)
			continue
		}
		r.Stored++
		m := &sent[s.Number]
		if m.Sum != s.Sum {
			r.violated("changed: message %d, %s, %v is not what was sent", s.Number, m.Way, s.Place)
		}
		copies[s.Number] = append(copies[s.Number], s.Place)
	}
	for n := range sent {
		r.message(n, &sent[n], copies[n])
	}
	return r
}

// message holds one message against its copies.
func (r *Report) message(n int, m *Sent, copies []Place) {
	r.Classes[m.Class]++
	r.Ways[m.Way]++
	who := fmt.Sprintf("message %d, %s, %s", n, m.Way, m.Class)
	if m.Cause != "" {
		who += " (" + m.Cause + ")"
	}
	switch {
	case m.Ends == 0:
		r.violated("never ended: %s", who)
	case m.Ends > 1:
		r.violated("ended %d times: %s", m.Ends, who)
	}
	switch {
	case len(copies) > 0 && (m.Class == Refused || m.Class == NotSent):
		r.violated("invented: %s, is stored: %v", who, copies)
	case len(copies) > 0 && m.Undone:
		r.violated("invented: %s, was rolled back and is stored: %v", who, copies)
	case len(copies) > m.Copies+m.Asked:
		r.violated("doubled: %s, is stored %d times and %d are explained: %v", who, len(copies), m.Copies+m.Asked, copies)
	case len(copies) > 1:
		r.Doubled += len(copies) - 1
	}
	switch {
	case m.Class != Acknowledged:
		return
	case m.Undone:
		r.Undone++
		return
	}
	switch {
	case len(copies) == 0:
		r.Lost++
		r.violated("lost: %s, at %v", who, place(m.Place))
	case m.Place != nil && !slices.Contains(copies, *m.Place):
		r.violated("misplaced: %s, at %v, is stored at %v", who, *m.Place, copies)
	}
}

func place(p *Place) any { return cmp.Or(p, &Place{Broker: "a place that is not known"}) }

// add adds up the counts of several runs.
func (r *Report) add(o *Report) {
	r.Sends += o.Sends
	for i, n := range o.Classes {
		r.Classes[i] += n
	}
	for i, n := range o.Ways {
		r.Ways[i] += n
	}
	r.Undone += o.Undone
	r.Stored += o.Stored
	r.Doubled += o.Doubled
	r.Earlier += o.Earlier
	r.Lost += o.Lost
	r.violations += o.violations
}
