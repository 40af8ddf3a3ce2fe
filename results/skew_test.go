package results

import (
	"math"
	"testing"
)

func TestSkewOf(t *testing.T) {
	for name, tt := range map[string]struct {
		counts     []int64
		over, gini float64
		p          float64 // below 0: none
	}{
		"even":           {[]int64{100, 100, 100, 100}, 1, 0, 1},
		"all in one":     {[]int64{400, 0, 0, 0}, 4, 0.75, 0},
		"1 to 3":         {[]int64{10, 30}, 1.5, 0.25, 0.001565},       // chi² 10, df 1
		"like chance":    {[]int64{90, 100, 110}, 1.1, 0.0444, 0.3679}, // chi² 2, df 2: e⁻¹
		"too few for p":  {[]int64{1, 2, 3}, 1.5, 0.2222, -1},
		"two, one empty": {[]int64{0, 100}, 2, 0.5, 0},
	} {
		s := SkewOf(tt.counts)
		if math.Abs(s.MaxOverMean-tt.over) > 1e-9 || math.Abs(s.Gini-tt.gini) > 1e-4 || (s.Chi2P == nil) != (tt.p < 0) ||
			s.Chi2P != nil && math.Abs(*s.Chi2P-tt.p) > 1e-4 {
			t.Errorf("%s: %+v", name, s)
		}
	}
	for _, none := range [][]int64{nil, {7}, {0, 0}} {
		if s := SkewOf(none); s != nil {
			t.Errorf("%v: %+v", none, s)
		}
	}
}

// TestChi2Above holds it to printed tables and, where there is one, to the closed form.
func TestChi2Above(t *testing.T) {
	for _, tt := range []struct {
		x    float64
		df   int
		want float64
	}{
		{3.841459, 1, 0.05}, {6.634897, 1, 0.01}, {18.307038, 10, 0.05}, {3.940299, 10, 0.95}, {24.321886, 7, 0.001},
		{124.342113, 100, 0.05}, {77.929465, 100, 0.95}, {0, 5, 1}, {1074.679449, 1000, 0.05},
	} {
		if got := chi2Above(tt.x, tt.df); math.Abs(got-tt.want) > 1e-6 {
			t.Errorf("%v with %d degrees: %v, want %v", tt.x, tt.df, got, tt.want)
		}
	}
	for x := 0.1; x < 200; x *= 1.3 {
		if got, want := chi2Above(x, 4), math.Exp(-x/2)*(1+x/2); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v with 4 degrees: %v, want %v", x, got, want)
		}
	}
}
