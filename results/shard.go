package results

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
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
	LeftOut           []string  `json:"left_out,omitempty"` // parts of its record that were too long to print: series, then batches too
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

// shardGrid has a row for each share of a merged run; none for another.
func shardGrid(r *Run) *grid {
	g := &grid{Caption: "Each share of the load, by its own clock", Head: []gridHead{numbers("index", ""), numbers("of", ""), {Text: "shard", Left: true}, words("host", "host"), numbers("started_late_ns", "began late"),
		numbers("offered", "offered"), numbers("successes", ""), numbers("messages_per_second", "msg/s"), percentiles[2].column("p99"), numbers("cpu_quota_share", "CPU"), words("verdict", "verdict")}}
	for i := range r.Shards {
		s := &r.Shards[i]
		rate, p99 := known(s.MessagesPerSecond, FormatRate, noClaim), known(s.P99NS, FormatDuration, noClaim)
		less, longer := r.behind(i)
		if less != nil {
			rate.Class = "bad"
		}
		if longer != nil {
			p99.Class = "bad"
		}
		late := known(s.LateNS, FormatDuration, noClaim)
		if s.LateNS != nil && *s.LateNS > int64(lateShard) {
			late.Class = "bad"
		}
		g.Rows = append(g.Rows, []gridCell{known(&s.Index, number, ""), known(&s.Of, number, ""), {Text: fmt.Sprintf("%d of %d", s.Index, s.Of), Sort: number(s.Index)},
			word(cmp.Or(s.Host, noClaim)), late, known(&s.Offered, groupDigits, ""), known(&s.Successes, number, ""), rate, p99,
			known(s.CPUQuotaShare, formatShare, noClaim), {Text: string(s.Verdict), Class: verdictKind(s.Verdict)}})
	}
	return g
}

// What a share must do worse than the others to be called slow.
const (
	slowRate = 0.9 // of the median of the others' rates, at the most
	slowP99  = 2   // times the median of the others' p99, at the least

	slowShown = 10 // shares
)

// behind is the part of the others' median rate that a share did, and how many times their median p99 its own is, each null where
// the share is not slow by it.
func (r *Run) behind(i int) (rate, p99 *float64) {
	var rates, tails []float64
	for j := range r.Shards {
		s := &r.Shards[j]
		if j == i {
			continue
		}
		if s.MessagesPerSecond != nil {
			rates = append(rates, *s.MessagesPerSecond)
		}
		if s.P99NS != nil {
			tails = append(tails, float64(*s.P99NS))
		}
	}
	s := &r.Shards[i]
	if s.MessagesPerSecond != nil && len(rates) > 0 {
		if share := *s.MessagesPerSecond / Median(rates); share <= slowRate {
			rate = &share
		}
	}
	if s.P99NS != nil && len(tails) > 0 {
		if times := float64(*s.P99NS) / Median(tails); times >= slowP99 {
			p99 = &times
		}
	}
	return rate, p99
}

// shardLines names the shares of a merged run that were slow or whose records weren't complete, and says how well all kept together.
func shardLines(r *Run) []string {
	lines := slowLines(r)
	for _, part := range []struct{ name, text string }{
		{partSeries, "of %s the series was too long to print: series.jsonl and the page's time lines are of the other shares only, and so are not checked against the totals, which are of all"},
		{partBatches, "of %s the batches were too long to print: no percentile has an interval"},
	} {
		var who []string
		for i := range r.Shards {
			if s := &r.Shards[i]; slices.Contains(s.LeftOut, part.name) && (part.name != partSeries || s.Of <= mostSeries) { // over that there is none anyway
				who = append(who, Printable(s.named()))
			}
		}
		if more := len(who) - slowShown; more > 0 {
			who = append(who[:slowShown], FormatCount(more, "more shard"))
		}
		if len(who) > 0 {
			lines = append(lines, fmt.Sprintf(part.text, strings.Join(who, ", ")))
		}
	}
	skew := r.StartSkew()
	if skew == nil {
		return lines
	}
	line := fmt.Sprintf("the shares began within %s of one another, each by its own clock", FormatDuration(*skew))
	if apart := r.ClocksApart(); apart != nil {
		line += fmt.Sprintf("; their clocks are at most %s apart, by %s's", FormatDuration(*apart), Printable(r.Shards[0].Clock.Of))
	}
	return append(lines, line)
}

func slowLines(r *Run) []string {
	var lines []string
	for i := range r.Shards {
		rate, p99 := r.behind(i)
		var how []string
		if rate != nil {
			how = append(how, formatShare(*rate)+" of their rate")
		}
		if p99 != nil {
			how = append(how, fmt.Sprintf("%.3g × their p99", *p99))
		}
		if len(how) > 0 {
			lines = append(lines, fmt.Sprintf("%s is slow beside the others' median: %s", Printable(r.Shards[i].named()), strings.Join(how, ", ")))
		}
	}
	if more := len(lines) - slowShown; more > 0 {
		lines = append(lines[:slowShown], FormatCount(more, "more slow shard"))
	}
	return lines
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
