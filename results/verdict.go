package results

import (
	"slices"
)

// Verdict is what numbers are worth.
type Verdict string

const (
	Valid            Verdict = "VALID"
	Suspect          Verdict = "SUSPECT"           // the machine or the generator may have coloured them
	GeneratorLimited Verdict = "GENERATOR_LIMITED" // they say "at least" and nothing more
	Partial          Verdict = "PARTIAL"           // cut short, or a part is lost
	Invalid          Verdict = "INVALID"           // they contradict themselves, or measured nothing
)

// fromBest orders the verdicts.
var fromBest = []Verdict{Valid, Suspect, GeneratorLimited, Partial, Invalid}

// worse returns the worse of two.
func worse(a, b Verdict) Verdict {
	if slices.Index(fromBest, b) > slices.Index(fromBest, a) {
		return b
	}
	return a
}

// Evidence is one line beside a verdict.
type Evidence struct {
	Code    string   `json:"code"`           // stable, for programs
	Case    string   `json:"case,omitempty"` // in a run's evidence: whose line it is
	Verdict Verdict  `json:"verdict"`        // what this line alone would make it; VALID is for information
	Text    string   `json:"text"`
	Value   *float64 `json:"value,omitempty"`
	Limit   *float64 `json:"limit,omitempty"` // what Value is held to
}
