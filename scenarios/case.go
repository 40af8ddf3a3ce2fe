package scenarios

import "fmt"

// Cases gives the runs of s in file order. Without a list of cases that is one, named after its load.
func (s *Scenario) Cases() []Case {
	if len(s.cases) == 0 {
		lone := *s
		lone.origin = nil
		return []Case{{Name: s.Load.label(), Scenario: lone}}
	}
	return s.cases
}

// label names a load in a few letters: sync 64, async 1024, oneway 10k/s.
func (l *Workload) label() string {
	switch {
	case l.OpenLoop():
		last := l.Stages[len(l.Stages)-1]
		return fmt.Sprintf("%s %s", l.Way(), rateSpan{last.Rate, last.To})
	case l.Mode == Async:
		return fmt.Sprintf("%s %d", l.Mode, l.InFlight)
	}
	return fmt.Sprintf("%s %s", l.Way(), l.Workers)
}

// nameDifferences sets the Params of cases.
func nameDifferences(cases []Case) {
	texts := make([]map[string]string, len(cases))
	count := map[string]map[string]int{} // path to text to the number of cases that have it
	for i := range cases {
		texts[i] = map[string]string{}
		flatten("", showFields(caseFields, &cases[i].Scenario), texts[i])
		for path, text := range texts[i] {
			if count[path] == nil {
				count[path] = map[string]int{}
			}
			count[path][text]++
		}
	}
	for i := range cases {
		for path, text := range texts[i] {
			if count[path][text] == len(cases) {
				delete(texts[i], path)
			}
		}
		if len(cases) > 1 {
			cases[i].Params = texts[i]
		}
	}
}

// flatten puts the text of every field that is no mapping into texts.
func flatten(prefix string, keys []*shown, texts map[string]string) {
	for _, s := range keys {
		if s.shape == mapping {
			flatten(prefix+s.key+".", s.keys, texts)
		} else {
			texts[prefix+s.key] = s.line()
		}
	}
}
