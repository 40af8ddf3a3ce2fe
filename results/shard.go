package results

import (
	"fmt"
	"slices"
	"time"
)

// Shard says which share of a larger run's schedule a run sends: the slots i with i mod Of = Index.
type Shard struct {
	Index   int       `json:"index"` // from 0
	Of      int       `json:"of"`
	StartAt time.Time `json:"start_at,omitzero"` // when all were to begin; zero: nobody said
	Host    string    `json:"host,omitempty"`    // a name for people: the pod's or the machine's
	Clock   *Clock    `json:"clock,omitempty"`   // against a broker's, which all shares can ask; null where it doesn't say
}

// String is how people name a share: shard 2 of 8, counted from 0 as the slots are.
func (s *Shard) String() string { return fmt.Sprintf("shard %d of %d", s.Index, s.Of) }

// named is the share with the name of who sends it, if it has one.
func (s *Shard) named() string {
	if s.Host == "" {
		return s.String()
	}
	return fmt.Sprintf("%s (%s)", s, s.Host)
}

// Clock is how far a clock is ahead of ours: between LowNS and HighNS.
type Clock struct {
	Of     string `json:"of"` // whose clock it is
	LowNS  int64  `json:"low_ns"`
	HighNS int64  `json:"high_ns"`
}

// ShardRow is one share in a merged run.
type ShardRow struct {
	Shard
	StartedAt         time.Time `json:"started_at"` // by its own clock
	Verdict           Verdict   `json:"verdict"`
	CutShort          string    `json:"cut_short,omitempty"`
	LateNS            *int64    `json:"started_late_ns"` // the latest of its cases
	Offered           int64     `json:"offered"`         // all cases
	Successes         int64     `json:"successes"`       // acknowledged or written
	MessagesPerSecond *float64  `json:"messages_per_second"`
	P99NS             *int64    `json:"p99_ns"` // the worst case's, from due
	CPUQuotaShare     *float64  `json:"cpu_quota_share"`
}

// lateShard is how late a share may begin before what it measured is of another time than the others'.
const lateShard = time.Second

// row is a share's line in a merged run.
func (r *Run) row() ShardRow {
	row := ShardRow{Shard: *r.Shard, StartedAt: r.StartedAt, Verdict: r.Verdict, CutShort: r.CutShort}
	var elapsed int64
	for i := range r.Cases {
		c := &r.Cases[i]
		row.Offered += c.Offered
		row.Successes += c.Successes()
		elapsed += c.ElapsedNS
		row.LateNS = atLeast(row.LateNS, c.LateNS)
		row.CPUQuotaShare = atLeast(row.CPUQuotaShare, c.Generator.CPUQuotaShare)
		for _, l := range []*Latency{c.Response, c.WriteTime} {
			if l != nil {
				row.P99NS = atLeast(row.P99NS, l.P99)
			}
		}
	}
	row.MessagesPerSecond = PerSecond(row.Successes, elapsed)
	return row
}

// atLeast is the larger of two that may be unknown.
func atLeast[N int | int64 | float64](a, b *N) *N {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

// StartSkew is the time between the first and the last share's beginning of the case for which it is largest, in nanoseconds;
// null where shares don't know when they were to begin.
func (r *Run) StartSkew() *int64 {
	var lates []int64
	for i := range r.Shards {
		if r.Shards[i].LateNS == nil {
			return nil
		}
		lates = append(lates, *r.Shards[i].LateNS)
	}
	if len(lates) == 0 {
		return nil
	}
	return new(slices.Max(lates) - slices.Min(lates))
}

// shardTable has a row for each share of a merged run; nothing for another.
func shardTable(r *Run) ([]string, error) {
	if len(r.Shards) == 0 {
		return nil, nil
	}
	header := []string{"shard", "host", "began late", "offered", "msg/s", "p99", "CPU", "verdict"}
	var rows [][]string
	for i := range r.Shards {
		s := &r.Shards[i]
		row := []string{fmt.Sprintf("%d of %d", s.Index, s.Of), orDash(Printable(s.Host)), "—", groupDigits(s.Offered), "—", "—", "—", string(s.Verdict)}
		if s.LateNS != nil {
			row[2] = FormatDuration(*s.LateNS)
		}
		if s.MessagesPerSecond != nil {
			row[4] = FormatRate(*s.MessagesPerSecond)
		}
		if s.P99NS != nil {
			row[5] = FormatDuration(*s.P99NS)
		}
		if s.CPUQuotaShare != nil {
			row[6] = formatShare(*s.CPUQuotaShare)
		}
		rows = append(rows, row)
	}
	return drawTable(header, rows)
}

// shardLines says how well the shares of a merged run kept together.
func shardLines(r *Run) []string {
	skew := r.StartSkew()
	if skew == nil {
		return nil
	}
	line := fmt.Sprintf("the shares began within %s of one another, each by its own clock", FormatDuration(*skew))
	if apart := r.ClocksApart(); apart != nil {
		line += fmt.Sprintf("; their clocks are at most %s apart, by %s's", FormatDuration(*apart), Printable(r.Shards[0].Clock.Of))
	}
	return []string{line}
}

// ClocksApart is how far the clocks of a merged run's shares can be apart at most, in nanoseconds, by what a broker's clock said to
// each; null where not all asked the same one.
func (r *Run) ClocksApart() *int64 {
	if len(r.Shards) < 2 {
		return nil
	}
	var lows, highs []int64
	for i := range r.Shards {
		c := r.Shards[i].Clock
		if c == nil || r.Shards[0].Clock == nil || c.Of != r.Shards[0].Clock.Of {
			return nil
		}
		lows, highs = append(lows, c.LowNS), append(highs, c.HighNS)
	}
	return new(slices.Max(highs) - slices.Min(lows))
}

func orDash(s string) string {
	if s == "" {
		return "—"
	}
	return s
}
