package ab

import (
	"fmt"
	"math"
	"time"

	"rmqbench/results"
)

// maxRounds is beyond which more rounds tell little more: four times as many see half as small a change.
const maxRounds = 40

// Fit is how many rounds fit into budget, if a measurement takes so long; under what so many metrics take to tell anything it is an
// error that says what would do.
func Fit(budget, turn time.Duration, again bool, metrics int, alpha float64) (int, error) {
	turns := time.Duration(2)
	if again {
		turns = 3
	}
	need := results.RoundsNeeded(max(metrics, 1), alpha, true)
	rounds := int(min(budget/(turns*max(turn, time.Millisecond)), maxRounds))
	if rounds >= need {
		return rounds, nil
	}
	whole := time.Duration(math.Ceil((turns*turn*time.Duration(need)).Seconds()*1.1)) * time.Second
	return 0, &BudgetError{Need: whole, Why: fmt.Sprintf("one measurement takes %s, and %d rounds of %d are the least for %d metrics",
		turn.Round(100*time.Millisecond), need, turns, metrics)}
}

// BudgetError is a budget that is too small.
type BudgetError struct {
	Need time.Duration
	Why  string
}

func (e *BudgetError) Error() string { return fmt.Sprintf("%s: give %s", e.Why, e.Need) }
