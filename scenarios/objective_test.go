package scenarios

import (
	"strings"
	"testing"
)

func TestParseObjectives(t *testing.T) {
	for text, want := range map[string]struct {
		canonical, unit string
		limit           float64
	}{
		"p99<10ms":       {"p99<10ms", "ns", 1e7},
		" p99.9 < 1.5 s": {"p99.9<1500ms", "ns", 1.5e9},
		"max<=2s":        {"max<2s", "ns", 2e9},
		"errors<0.1%":    {"errors<0.1%", "share", 0.001},
		"errors<100%":    {"errors<100%", "share", 1},
		"errors<0.007%":  {"errors<0.007%", "share", 0.00007},
		"rate>2500/s":    {"rate>2500/s", "per_second", 2500},
		"rate > 60k/m":   {"rate>1k/s", "per_second", 1000},
	} {
		got, err := ParseObjectives(text)
		if err != nil || len(got) != 1 {
			t.Errorf("%q: %v, %v", text, got, err)
			continue
		}
		o := got[0]
		if o.String() != want.canonical || o.Metric.Unit != want.unit || o.Limit < want.limit*(1-1e-12) || o.Limit > want.limit*(1+1e-12) {
			t.Errorf("%q is %s, limit %v %s; want %+v", text, o, o.Limit, o.Metric.Unit, want)
		}
		if again, err := ParseObjectives(o.String()); err != nil || again[0] != o {
			t.Errorf("%s is read back as %v, %v", o, again, err)
		}
	}
}

func TestObjectiveErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":             "must be a metric and its limit, like p99<10ms",
		"p99":          "must be a metric and its limit, like p99<10ms",
		"p95<10ms":     "nearest: p9",
		"eror<1%":      "nearest: errors",
		"p99<10":       "write 10s",
		"p99<0s":       "must be more than 0",
		"p99>10ms":     "write p99<10ms",
		"rate<5/s":     "write rate>1k/s",
		"errors<0.001": "must be a percentage like 0.1%",
		"errors<0%":    "must be over 0%",
		"errors<101%":  "at most 100%",
		"p99<1ms,":     "must be a metric",
	} {
		if got, err := ParseObjectives(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, %v; want %q", text, got, err, want)
		}
	}
}

// A case may demand something else than the scenario.
func TestObjectivesOfCases(t *testing.T) {
	s, err := Parse("f.yaml", []byte("version: 1\nname: a\nslo: [p99<10ms, errors<1%]\ncases:\n  - {name: one}\n  - {name: two, slo: max<1s}\n"))
	if err != nil {
		t.Fatal(err)
	}
	cases := s.Cases()
	if len(cases[0].SLO) != 2 || len(cases[1].SLO) != 1 || cases[1].SLO[0].String() != "max<1s" || cases[0].Params["slo"] == "" {
		t.Errorf("%v, %v, %v", cases[0].SLO, cases[1].SLO, cases[0].Params)
	}
	if _, err := Parse("f.yaml", []byte("version: 1\nname: a\nslo: [p99<10ms, p97<1s]\n")); err == nil || !strings.Contains(err.Error(), "f.yaml:3:17") {
		t.Errorf("%v", err)
	}
}
