package bench

import (
	"strings"
	"testing"

	"rmqbench/results"
	"rmqbench/scenarios"
)

// TestEveryMetricIsJudged: what a scenario may demand, the record can tell.
func TestEveryMetricIsJudged(t *testing.T) {
	var demands []string
	for _, m := range scenarios.Metrics {
		demands = append(demands, m.Name+map[string]string{"ns": "<1h", "share": "<100%", "per_second": ">1/h"}[m.Unit])
	}
	report, err := Run(t.Context(), scenario(t, "slo: ["+strings.Join(demands, ", ")+"]\nload: {stages: [{for: 300ms}]}\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := report.Run.Cases[0].SLO
	if len(got) != len(demands) {
		t.Fatalf("%d of %d objectives in the record", len(got), len(demands))
	}
	for _, o := range got {
		if (o.Met == nil || !*o.Met) && (o.Met != nil || o.Needs != results.PercentileNeeds(o.Metric) || o.Needs == 0) {
			t.Errorf("%+v", o)
		}
	}
}
