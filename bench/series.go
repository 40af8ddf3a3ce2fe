package bench

import (
	"time"

	"rmqbench/results"
)

const (
	firstInterval = time.Second // of the series
	widenAfter    = 600         // intervals, then one is twice as long
)

// intervalAt is how long the n-th interval of a case is, so that a day's series is a file that one can open.
func intervalAt(n int) time.Duration { return firstInterval << min(n/widenAfter, 20) }

// series cuts a case into intervals. Only the goroutine that watches uses it.
type series struct {
	points []results.Point // StartOffsetNS is of the case
	from   int64           // of the case, nanoseconds: when the interval under way began

	before, latest warmWindow // the last two intervals that were long enough
}

// due reports whether the interval under way is over.
func (s *series) due(now int64) bool { return now-s.from >= int64(intervalAt(len(s.points))) }

// add ends the interval under way with what became known in it.
func (s *series) add(now int64, t *tally, brokers []results.BrokerPoint) {
	c := &t.counts
	p := results.Point{StartOffsetNS: s.from, LengthNS: now - s.from, Attempted: c.Attempted, Acknowledged: c.Acknowledged, Weak: c.Weak, Written: c.Written,
		Refused: c.Refused, Ambiguous: c.Ambiguous, Failed: c.Failed, Brokers: brokers}
	p.MessagesPerSecond = results.PerSecond(c.Successes(), p.LengthNS)
	p.Service = results.Summarize(t.service)
	p.Response = p.Service
	if t.response != nil {
		p.Response = results.Summarize(t.response)
	}
	for _, l := range []*results.Latency{p.Service, p.Response} {
		if l != nil {
			l.Needs = nil // a line would be mostly these
		}
	}
	if w, ok := windowOf(&p, t); ok {
		s.before, s.latest = s.latest, w
	}
	s.points = append(s.points, p)
	s.from = now
}

// warm reports whether the last two intervals agree.
func (s *series) warm() bool { return warm(s.before, s.latest) }

// points are m's intervals in the run's time, with what each queue took in them. m's record must have been made before.
func (m *measurement) points(name string, round int) []results.Point {
	points := m.series.of(name, round, m.offset)
	listed := m.ledger.listed()
	for i := range points {
		points[i].Queues = interval(listed, i)
	}
	if m.warmup == nil {
		return points
	}
	m.warmup.ledger.know(m.ledger)
	return append(m.warmup.points(name, round), points...)
}

// said is what brokers said of themselves while it was measured.
func (m *measurement) said() (all []results.BrokerPoint) {
	for i := range m.series.points {
		if p := &m.series.points[i]; p.StartOffsetNS >= m.plan.measuredFrom() {
			all = append(all, p.Brokers...)
		}
	}
	return all
}

// of are the points in the run's time.
func (s *series) of(name string, round int, offset int64) []results.Point {
	points := make([]results.Point, len(s.points))
	for i, p := range s.points {
		p.Case, p.Round = name, round
		p.StartOffsetNS += offset
		points[i] = p
	}
	return points
}
