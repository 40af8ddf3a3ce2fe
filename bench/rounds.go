package bench

import (
	"fmt"

	"rmqbench/scenarios"
)

// turn is a case's turn to run.
type turn struct {
	of    int // the case, from 0
	round int // from 1; 0 without rounds
}

// turnsOf is the order in which so many cases run: as they are, or with rounds all of them in each, shuffled by the seed, so that
// what drifts and what a neighbour leaves behind meets all alike.
func turnsOf(cases, rounds int, seed uint64) []turn {
	if rounds <= 1 {
		turns := make([]turn, cases)
		for i := range turns {
			turns[i].of = i
		}
		return turns
	}
	var turns []turn
	which := drawsOf(seed, drawTurn)
	for round := 1; round <= rounds; round++ {
		order := make([]turn, cases)
		for i := range order { // Fisher and Yates, inside out
			j := which.below(int64(round*cases+i), i+1)
			order[i] = order[j]
			order[j] = turn{i, round}
		}
		turns = append(turns, order...)
	}
	return turns
}

// caseName names a case and its round for people.
func caseName(c *scenarios.Case, round int) string {
	if round == 0 {
		return c.Name
	}
	return fmt.Sprintf("%s, round %d", c.Name, round)
}
