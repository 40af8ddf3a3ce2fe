package scenarios

import (
	"fmt"
	"strings"
	"testing"
)

// TestTopics: what the topics of a case are called and how usual they are, what flags make of them, and that a rendered scenario is
// read back as it was.
func TestTopics(t *testing.T) {
	for name, tt := range map[string]struct {
		topic string
		flags []Override
		want  string
	}{
		"one":                       {"{queues_per_broker: 2}", nil, "[{RMQBENCH_A 1}]"},
		"one counted":               {"{count: 1}", nil, "[{RMQBENCH_A 1}]"},
		"three":                     {"{count: 3}", nil, "[{RMQBENCH_A_00 1} {RMQBENCH_A_01 1} {RMQBENCH_A_02 1}]"},
		"three of a name":           {"{name: T, count: 3}", nil, "[{T_00 1} {T_01 1} {T_02 1}]"},
		"by weight":                 {"{weights: {U: 3, T: 1}}", nil, "[{U 3} {T 1}]"},
		"one by weight":             {"{weights: {U: 3}}", nil, "[{U 3}]"},
		"a flag renames":            {"{name: T, count: 2}", []Override{{"topic.name", "V", "-t"}}, "[{V_00 1} {V_01 1}]"},
		"a flag counts":             {"{name: T, count: 2}", []Override{{"topic.count", "3", "--set"}}, "[{T_00 1} {T_01 1} {T_02 1}]"},
		"a flag instead of weights": {"{weights: {U: 3, T: 1}}", []Override{{"topic.name", "V", "-t"}}, "[{V 1}]"},
		"a count instead of them":   {"{weights: {U: 3, T: 1}}", []Override{{"topic.count", "2", "--set"}}, "[{RMQBENCH_A_00 1} {RMQBENCH_A_01 1}]"},
	} {
		s, err := Parse("a.yaml", []byte("version: 1\nname: a\ntopic: "+tt.topic+"\n"), tt.flags...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := fmt.Sprint(s.Topic.All()); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		var text strings.Builder
		if err := s.Render(&text); err != nil {
			t.Fatal(err)
		}
		again, err := Parse("again.yaml", []byte(text.String()))
		if err != nil {
			t.Fatalf("%s: %v of\n%s", name, err, text.String())
		}
		if got := fmt.Sprint(again.Cases()[0].Topic.All()); got != tt.want {
			t.Errorf("%s: rendered and read back %s, want %s", name, got, tt.want)
		}
	}
	s, err := Parse("a.yaml", []byte("version: 1\nname: a\nmatrix: {topic.count: [1, 12]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if cases := s.Cases(); len(cases) != 2 || cases[1].Topic.All()[11].Key != "RMQBENCH_A_11" || cases[1].Params["topic.count"] != "12" {
		t.Errorf("%+v", cases)
	}
}
