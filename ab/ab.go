// Package ab measures two things in turns, so that whatever else goes on meanwhile falls on both alike.
package ab

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"rmqbench/results"
)

// Arm is a thing that can be measured again and again.
type Arm struct {
	Name string
	// Measure measures it once. It ends soon after ctx does, and leaves nothing running.
	Measure func(ctx context.Context) (*results.Side, error)
}

// Plan is a number of rounds, fixed before the first of them: to stop when it looks good would be to look for it.
type Plan struct {
	Base, New Arm
	Rounds    int
	Again     bool   // each round measures the base a second time, to learn what noise does
	Seed      uint64 // of the order within the rounds
	Progress  func(Progress)
}

// Progress is told before each measurement.
type Progress struct {
	Round, Of int // from 1
	Arm       string
	Left      time.Duration // estimated; 0 where nothing was measured yet
}

// Sides are what a Plan gave: in each as many rounds, of equal index where they were measured together.
type Sides struct {
	Base, New *results.Side
	Again     *results.Side // nil unless it was asked for
}

// Measure carries out p. When ctx ends, it returns the rounds that are whole, with ctx's error; an arm's error ends it likewise.
func Measure(ctx context.Context, p Plan) (Sides, error) {
	sides := Sides{Base: &results.Side{Name: p.Base.Name}, New: &results.Side{Name: p.New.Name}}
	type turn struct {
		arm  *Arm
		into *results.Side
	}
	turns := []turn{{&p.Base, sides.Base}, {&p.New, sides.New}}
	if p.Again {
		sides.Again = &results.Side{Name: p.Base.Name + ", again"}
		turns = append(turns, turn{&p.Base, sides.Again})
	}
	random := rand.New(rand.NewPCG(p.Seed, 0))
	began, done := time.Now(), 0
	for round := range p.Rounds {
		measured := make([]*results.Side, len(turns))
		for _, i := range random.Perm(len(turns)) {
			if p.Progress != nil {
				told := Progress{Round: round + 1, Of: p.Rounds, Arm: turns[i].arm.Name}
				if done > 0 {
					told.Left = time.Since(began) / time.Duration(done) * time.Duration(p.Rounds*len(turns)-done)
				}
				p.Progress(told)
			}
			side, err := turns[i].arm.Measure(ctx)
			if ctx.Err() != nil {
				return sides, context.Cause(ctx)
			}
			if err != nil {
				return sides, fmt.Errorf("round %d of %d, %s: %w", round+1, p.Rounds, turns[i].arm.Name, err)
			}
			side.AsRound()
			measured[i], done = side, done+1
		}
		for i, side := range measured {
			if err := turns[i].into.Add(side); err != nil {
				return sides, err
			}
		}
	}
	return sides, nil
}
