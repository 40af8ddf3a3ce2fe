package bench

import (
	"math"
	"time"

	"rmqbench/results"
)

// phase is what a step of a search is for.
type phase string

const (
	growing    phase = "grow"    // twice the rate that held, half the rate that broke, until there is one of each
	narrowing  phase = "narrow"  // bisection between them, on the rate's logarithm
	confirming phase = "confirm" // a longer run at the highest that held

	stair phase = results.PhaseStair // a rate that shares agreed upon: see climb
)

// trial is one run at a constant rate.
type trial struct {
	phase  phase
	round  int     // of rounds, from 0
	rate   float64 // sends a second
	length time.Duration
}

// finding is what came of a step.
type finding uint8

const (
	held    finding = iota // every objective, in steady state
	broke                  // an objective was missed, or there was no steady state
	limited                // the generator could not keep the rate: nothing is known of the target there
)

// searchOptions tune a search; all are positive but ceiling.
type searchOptions struct {
	start     float64       // the first rate
	ceiling   float64       // no rate is higher; 0: none
	tolerance float64       // a bracket this narrow is an answer, as a share of the rate
	rounds    int           // answers, each narrowed and confirmed anew
	length    time.Duration // of a step
	confirm   time.Duration // of a confirmation
	sends     float64       // a step is long enough for so many
}

const (
	growBy = 2
	// reopenBy is how far a bracket is opened around an answer for the next round.
	reopenBy = 1.05
	// lowest is the share of the first rate under which the search gives up.
	lowest = 1.0 / 64
)

// search looks for the highest rate that holds. It is a pure state machine: next is the step to run, tell takes what
// came of it. A step whose generator was the limit is run once more; if it is so again it counts as one that broke, and
// an answer that has nothing but the generator above it is a floor.
//
//	phase    held                                       broke
//	grow     rate × 2, or narrow if a rate broke        rate / 2, or narrow if a rate held
//	narrow   is the bracket's lower end                 is its upper end
//	confirm  the round's answer, or bisect again        lower: 1 %, 2 %, 4 %, … until one is confirmed, then bisect
//
// A bracket that is narrow enough is confirmed at its lower end. Once a confirmation broke, short steps are not to be
// trusted, so that all that follow in the round are long. A round after the first begins with a bracket around the last
// answer whose ends nobody has tried; an upper end that is reached so moves up.
type search struct {
	searchOptions
	now       trial
	low, high float64 // of the bracket; 0: none yet
	tried     bool    // high broke, rather than being assumed
	ours      bool    // high broke because of the generator, and nothing near it because of the target
	target    float64 // the lowest rate at which the target broke; 0: none yet
	proven    float64 // the highest rate that this round confirmed; 0: none
	fails     int     // confirmations of this round that broke
	again     bool    // the step was limited once
	answers   []float64
	over      bool
	capped    bool // the ceiling itself was confirmed
}

func newSearch(o searchOptions) *search {
	s := &search{searchOptions: o}
	s.now = s.trialAt(growing, o.start)
	return s
}

// next is the step to run; false: the search is over.
func (s *search) next() (trial, bool) { return s.now, !s.over }

// tell takes what came of the step that next gave.
func (s *search) tell(f finding) {
	if f == limited && !s.again {
		s.again = true
		return
	}
	s.again = false
	rate := s.now.rate
	if f == held {
		s.low = max(s.low, rate)
	} else {
		if f == broke && (s.target == 0 || rate < s.target) {
			s.target = rate
		}
		s.high, s.tried, s.ours = rate, true, f == limited && (s.target == 0 || s.target > rate*reopenBy)
		if s.low >= rate {
			s.low = 0
		}
	}
	switch {
	case s.now.phase == confirming:
		s.confirmed(f)
	case s.low == 0:
		s.descend(growing, rate/growBy)
	case s.atCeiling():
		s.now = s.trialAt(confirming, s.low)
	case s.high == 0:
		s.now = s.trialAt(growing, rate*growBy)
	default:
		s.narrow()
	}
}

// descend takes a step at a lower rate; under the lowest the search is over.
func (s *search) descend(p phase, rate float64) {
	if s.over = rate < s.start*lowest; !s.over {
		s.now = s.trialAt(p, rate)
	}
}

// narrow takes the next step within the bracket, or confirms it.
func (s *search) narrow() {
	for s.closed() {
		if s.tried || s.atCeiling() {
			s.now = s.trialAt(confirming, s.low)
			return
		}
		s.high *= reopenBy
	}
	s.now = s.trialAt(narrowing, math.Sqrt(s.low*s.high))
}

// confirmed goes on after a confirmation.
func (s *search) confirmed(f finding) {
	if f == held {
		s.proven = s.now.rate
	} else {
		s.fails++
	}
	switch {
	case s.proven == 0:
		s.descend(confirming, s.now.rate/(1+s.tolerance*math.Pow(2, float64(s.fails-1))))
	case s.fails == 0 || s.closed():
		s.answered()
	default:
		s.now = s.trialAt(confirming, math.Sqrt(s.proven*s.high))
	}
}

// answered ends a round, and begins the next one.
func (s *search) answered() {
	s.answers = append(s.answers, s.proven)
	s.capped = s.ceiling > 0 && s.proven >= s.ceiling
	if s.over = s.capped || s.ours || len(s.answers) == s.rounds; s.over {
		return
	}
	s.now.round++
	s.low, s.high, s.tried, s.proven, s.fails = s.proven/reopenBy, s.proven*reopenBy, false, 0, 0
	s.narrow()
}

// closed reports whether the bracket is narrow enough; its ends are of four digits.
func (s *search) closed() bool { return s.high <= s.low*(1+s.tolerance)*(1+1e-3) }

// atCeiling reports whether the ceiling held.
func (s *search) atCeiling() bool { return s.ceiling > 0 && s.low >= s.ceiling }

// trialAt is a step of a phase at a rate of four digits, long enough for the sends that the objectives need.
func (s *search) trialAt(p phase, rate float64) trial {
	grain := math.Pow(10, math.Floor(math.Log10(rate))-3)
	rate = math.Round(rate/grain) * grain
	if s.ceiling > 0 {
		rate = min(rate, s.ceiling)
	}
	length := s.length
	if p == confirming {
		length = s.confirm
	}
	return trial{phase: p, round: s.now.round, rate: rate, length: max(length, time.Duration(s.sends/rate*float64(time.Second)))}
}

// interval is the mean of the rounds' answers and its 95 % interval by Student's t, never narrower than the bracket that
// each answer came from; false: without two rounds there is no interval.
func (s *search) interval() (mean, low, high float64, ok bool) {
	n := float64(len(s.answers))
	if n == 0 {
		return 0, 0, 0, false
	}
	for _, a := range s.answers {
		mean += a / n
	}
	if n < 2 {
		return mean, 0, 0, false
	}
	var squares float64
	for _, a := range s.answers {
		squares += (a - mean) * (a - mean)
	}
	half := max(results.StudentT(n-1)*math.Sqrt(squares/(n-1)/n), s.tolerance/2*mean)
	return mean, mean - half, mean + half, true
}
