package bench

import (
	"fmt"
	"time"

	"rmqbench/results"
	"rmqbench/scenarios"
)

// stopped is why a case, or the whole run, ended before its load was over: a context's cause. By is one of
// results.StoppedBy….
type stopped struct{ by, why string }

func (s *stopped) Error() string { return s.why }

// wholeRun reports whether no case may follow.
func (s *stopped) wholeRun() bool {
	return s.by == results.StoppedByGuard || s.by == results.StoppedByDisk
}

// The guard of somebody's cluster: a run that hurts it ends by itself.
const (
	guardErrors = 0.05
	guardFor    = 5 * time.Second
)

// guard stops a case whose errors stay over a share for a time. The time is cut into stretches of a fifth of it, each as much
// longer as it takes for its share to mean something: two errors, or so many sends that one error would be under the limit.
//
//	well   a stretch is over the limit    ill    since that stretch's beginning
//	ill    a stretch is under it          well
//	ill    for so long                    stop
//
// One goroutine uses it at a time.
type guard struct {
	by       string
	limit    float64 // share of the sends
	lasting  time.Duration
	advice   string // behind the reason
	from     int64  // of the stretch under way, ns of the case
	n, bad   int64  // sends that had ended, and how many of these were errors, when it began
	ill      bool
	since    int64 // if ill
	nIll     int64 // n and bad at since
	badAtIll int64
}

func newGuard() *guard {
	return &guard{by: results.StoppedByGuard, limit: guardErrors, lasting: guardFor, advice: "; --no-guard goes on all the same"}
}

// look takes what has ended by now; it isn't nil once the case must stop.
func (g *guard) look(now, ended, bad int64) *stopped {
	n, errors := ended-g.n, bad-g.bad
	most := max(g.limit*float64(n), 1)
	over := float64(errors) > most
	if now-g.from < int64(g.lasting/5) || !over && float64(n)*g.limit < 1 {
		return nil
	}
	if over && !g.ill {
		g.since, g.nIll, g.badAtIll = g.from, g.n, g.bad
	}
	g.ill = over
	g.from, g.n, g.bad = now, ended, bad
	if !g.ill || now-g.since < int64(g.lasting) {
		return nil
	}
	share := float64(bad-g.badAtIll) / float64(ended-g.nIll)
	return &stopped{g.by, fmt.Sprintf("over %s of the sends failed for %v, %s of the last %d%s",
		percent(g.limit), g.lasting, percent(share), ended-g.nIll, g.advice)}
}

// percent writes a share for people.
func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }

// stops are what ends a case early. One goroutine uses it at a time.
type stops struct {
	guards []*guard
	disk   func() *stopped // nil: nobody looks
	slo    bool            // an objective that is missed
	grace  int64           // of slo, ns since measuring began
}

// newStops are those of a case on a target.
func newStops(c *scenarios.Case, t *target, o *Options) *stops {
	s := &stops{}
	if !t.local && !o.NoGuard {
		s.guards = append(s.guards, newGuard())
	}
	stop := c.Load.Stop
	if stop == nil {
		return s
	}
	if stop.Errors > 0 {
		s.guards = append(s.guards, &guard{by: results.StoppedByErrors, limit: stop.Errors, lasting: time.Duration(stop.For)})
	}
	s.slo, s.grace = stop.SLO, int64(stop.Grace)
	return s
}

// look is called now and then with how many sends have ended and how many of them well.
func (s *stops) look(now, ended, well int64) *stopped {
	for _, g := range s.guards {
		if why := g.look(now, ended, ended-well); why != nil {
			return why
		}
	}
	if s.disk != nil {
		return s.disk()
	}
	return nil
}

// reviewOf is review for what was measured of c.
func reviewOf(c *scenarios.Case, s *stops) func(*measurement) *stopped {
	return func(m *measurement) *stopped {
		out, _, err := m.record(c)
		if err != nil { // the case's end tells
			return nil
		}
		return s.review(&out)
	}
}

// review is called at an interval's end with what was measured so far, in the record's form.
func (s *stops) review(c *results.Case) *stopped {
	judged := results.Run{Cases: []results.Case{*c}}
	results.Judge(&judged)
	for i := range judged.Cases[0].SLO {
		if o := &judged.Cases[0].SLO[i]; o.Met != nil && !*o.Met {
			return &stopped{results.StoppedByObjective, "objective " + o.Words()}
		}
	}
	return nil
}
