package results

import (
	"strings"
	"testing"
)

func TestNeed(t *testing.T) {
	with := func(rate, low, high float64, brokers ...string) CapacityPart {
		return CapacityPart{Brokers: brokers, Capacity: Capacity{RatePerSecond: &rate, LowPerSecond: &low, HighPerSecond: &high}}
	}
	for name, tt := range map[string]struct {
		c        Capacity
		brokers  int
		headroom float64
		count    int64 // 0: no answer
		want     string
	}{
		"linear": {Capacity{RatePerSecond: new(100e3), Parts: []CapacityPart{with(51e3, 50e3, 52e3, "b")}}, 2, 0.3, 6,
			"200k/s with 30.0 % left free takes 6 brokers: each holds 50.0k/s of what 2 hold together, and capacity is taken to grow with their number (checked: with 2 each holds 98.0 % of its share with 1)."},
		"within noise": {Capacity{RatePerSecond: new(90e3), LowPerSecond: new(80e3), HighPerSecond: new(99e3), Parts: []CapacityPart{with(50e3, 49e3, 51e3, "b")}}, 2, 0, 5, "(checked: "},
		"not linear":   {Capacity{RatePerSecond: new(60e3), Parts: []CapacityPart{with(50e3, 49e3, 51e3, "b")}}, 2, 0, 7, "WRONGLY: with 2 each holds only 60.0 % of its share with 1"},
		"one broker":   {Capacity{RatePerSecond: new(50e3)}, 1, 0, 4, "200k/s takes 4 brokers: one holds 50.0k/s, and capacity is taken to grow with their number (not checked: that takes a second broker)."},
		"a floor":      {Capacity{RatePerSecond: new(100e3), AtLeast: true, Parts: []CapacityPart{with(51e3, 50e3, 52e3, "b")}}, 2, 0, 4, "at most 4 brokers: each holds 50.0k/s of what 2 hold together, and capacity is taken to grow with their number (not checked: an answer was only a floor)"},
		"the fewest":   {Capacity{RatePerSecond: new(400e3), Parts: []CapacityPart{with(10e3, 1, 1, "a", "b", "c"), with(200e3, 1, 1, "c", "d")}}, 4, 0, 2, "with 4 each holds 100.0 % of its share with 2"},
		"no answer":    {Capacity{}, 2, 0, 0, "200k/s: no answer"},
	} {
		tt.c.Reckon(200e3, tt.headroom, tt.brokers)
		n := tt.c.Need
		if n.Brokers == nil != (tt.count == 0) || n.Brokers != nil && *n.Brokers != tt.count {
			t.Errorf("%s: %+v", name, n)
		}
		if got := n.Sentence(); !strings.Contains(got, tt.want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, tt.want)
		}
	}
}

func TestPartsInTheSentence(t *testing.T) {
	for want, p := range map[string]CapacityPart{
		"Holds 412k/s at p99<10ms (95 %: 405k–418k/s), 371k/s with one broker lost; limit: L; disk +58 GiB a replica.":                {Lost: []string{"b"}, Capacity: Capacity{RatePerSecond: new(371e3), BytesOut: 20 << 30}},
		"Holds 412k/s at p99<10ms (95 %: 405k–418k/s), at least 371k/s with 2 brokers lost; limit: L; disk +38 GiB a replica.":        {Lost: []string{"a", "b"}, Capacity: Capacity{RatePerSecond: new(371e3), AtLeast: true}},
		"Holds 412k/s at p99<10ms (95 %: 405k–418k/s), 300k/s with one broker lost, not confirmed; limit: L; disk +38 GiB a replica.": {Lost: []string{"b"}, Capacity: Capacity{HeldPerSecond: new(300e3)}},
		"Holds 412k/s at p99<10ms (95 %: 405k–418k/s), no answer with one broker lost; limit: L; disk +38 GiB a replica.":             {Lost: []string{"b"}},
		"Holds 412k/s at p99<10ms (95 %: 405k–418k/s); limit: L; disk +38 GiB a replica.":                                             {Brokers: []string{"b"}, Capacity: Capacity{RatePerSecond: new(371e3)}},
	} {
		c := Capacity{Objectives: []string{"p99<10ms"}, RatePerSecond: new(412e3), LowPerSecond: new(405e3), HighPerSecond: new(418e3), Limit: &CapacityLimit{Text: "L"}, BytesOut: 38 << 30, Parts: []CapacityPart{p}}
		if got := c.Sentence(false); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}
