package results

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Disk is the disk of a broker's commit log, and what a run puts on it. Ratios are shares in use, from 0 to 1.
type Disk struct {
	RatioBefore   *float64 `json:"ratio_before"`             // null: it didn't say
	CapacityBytes *int64   `json:"capacity_bytes,omitempty"` // about: brokers say it in three digits
	ExpectedBytes *int64   `json:"expected_bytes,omitempty"` // that the run was to store, about; null: none, or Unbounded
	ExpectedRatio *float64 `json:"expected_ratio,omitempty"` // with these; null: not known
	Unbounded     bool     `json:"unbounded,omitempty"`      // a closed loop stores as much as the broker takes
	Replicas      int      `json:"replicas"`                 // that store the same again
}

// Leftover is what a run left in commit logs, about.
type Leftover struct {
	Bytes    int64 `json:"bytes"`           // of all brokers, once
	Replicas int   `json:"replicas"`        // each of which holds its broker's part again
	Hours    int64 `json:"hours,omitempty"` // the brokers' fileReservedTime; 0: not known

	Topics []string `json:"topics,omitempty"` // that the run created and did not delete
}

// and is both together; either may be nil.
func (l *Leftover) and(other *Leftover) *Leftover {
	if l == nil || other == nil {
		return cmp.Or(l, other)
	}
	return &Leftover{Bytes: l.Bytes + other.Bytes, Replicas: max(l.Replicas, other.Replicas), Hours: max(l.Hours, other.Hours), Topics: slices.Concat(l.Topics, other.Topics)}
}

// leftoverLines say what stays.
func leftoverLines(r *Run) (lines []string) {
	l := r.Leftover
	if l != nil && len(l.Topics) > 0 {
		lines = append(lines, "created by this run and still there: "+Printable(strings.Join(l.Topics, ", "))+" (rmqbench topic delete; topic.keep: false has a run do it)")
	}
	if l == nil || l.Bytes == 0 {
		return lines
	}
	line := "what stays: about " + FormatBytes(l.Bytes) + " in commit logs"
	if l.Replicas > 0 {
		line += fmt.Sprintf(", %d × that on replicas", l.Replicas)
	}
	if l.Hours > 0 {
		line += fmt.Sprintf(", until fileReservedTime (%d h)", l.Hours)
	}
	return append(lines, line)
}
