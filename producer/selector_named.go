package producer

import (
	"fmt"
	"strings"
)

// selectors are those that have a name.
var selectors = []struct {
	name string
	make func(rooms []string) Selector
}{
	{"round_robin", func([]string) Selector { return RoundRobin() }},
	{"random", func([]string) Selector { return Random() }},
	{"hash", func([]string) Selector { return Hash() }},
	{"machine_room", func(rooms []string) Selector { return MachineRoom(rooms...) }},
	{"least_in_flight", func([]string) Selector { return LeastInFlight() }},
	{"power_of_two", func([]string) Selector { return PowerOfTwo() }},
	{"consistent_hash", func([]string) Selector { return ConsistentHash() }},
	{"sticky", func([]string) Selector { return Sticky(0, 0) }},
}

// SelectorNames are the names that [SelectorNamed] knows.
func SelectorNames() []string {
	names := make([]string, len(selectors))
	for i := range selectors {
		names[i] = selectors[i].name
	}
	return names
}

// SelectorNamed makes the selector that scenarios and flags call so. Only machine_room looks at rooms.
func SelectorNamed(name string, rooms ...string) (Selector, error) {
	for _, s := range selectors {
		if s.name == name {
			return s.make(rooms), nil
		}
	}
	return nil, fmt.Errorf("selector %q is none of %s", name, strings.Join(SelectorNames(), ", "))
}
