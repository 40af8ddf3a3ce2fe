package scenarios

import "errors"

// Override fixes one field in every case, as a flag does.
type Override struct {
	Path   string // of the field: load.workers; also load.duration, load.rate and load.warmup, which change the stages
	Value  string // as typed
	Source string // what an error names: -w, or "--set load.workers"
}

// Load reads the scenario that ref names: a shipped one's name, or a file's path (with a / or ending in .yaml or .yml).
func Load(ref string, overrides ...Override) (*Scenario, error) {
	return nil, errors.New("not written yet")
}

// FromFlags makes a scenario of one case from overrides on defaults: no warm-up, 10 s measured.
func FromFlags(overrides ...Override) (*Scenario, error) { return nil, errors.New("not written yet") }

// Cases gives the runs of s in file order; at least one.
func (s *Scenario) Cases() []Case { return s.cases }

// Resolved gives s with all its cases as data for run.json.
func (s *Scenario) Resolved() any { return nil }

// Info describes a shipped scenario.
type Info struct{ Name, Description string }

// Shipped lists the scenarios that come with rmqbench, by name.
func Shipped() []Info { return nil }

// Source gives the text of a shipped scenario.
func Source(name string) ([]byte, error) { return nil, errors.New("not written yet") }
