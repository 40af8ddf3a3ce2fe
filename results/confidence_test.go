package results

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestConfideCovers makes many runs of known quantiles, of sends that are independent and of such that follow one another, and counts
// how often the interval holds the truth. A naive interval of the followers would hold it far less often.
func TestConfideCovers(t *testing.T) {
	const runs, batches, each = 200, 20, 2000
	for name, follow := range map[string]float64{"independent": 0, "neighbours alike": 0.9} {
		random := rand.New(rand.NewPCG(3, 4))
		truth := 1e6 + 1e5*2.3263 // p99 of a normal distribution
		var held int
		for range runs {
			list := make([]*Packed, batches)
			all := NewHistogram()
			x := random.NormFloat64()
			for i := range list {
				list[i] = &Packed{}
				for range each {
					x = follow*x + math.Sqrt(1-follow*follow)*random.NormFloat64()
					ns := int64(1e6 + 1e5*x)
					list[i].Record(ns)
					all.Record(ns)
				}
			}
			l := Summarize(all)
			l.Confide(list)
			ci, ok := l.CI95["p99"]
			if !ok {
				t.Fatalf("no interval of %+v", l)
			}
			if float64(ci[0]) <= truth && truth <= float64(ci[1]) {
				held++
			}
		}
		if held < runs*89/100 || held == runs {
			t.Errorf("%s: %d of %d intervals hold the truth", name, held, runs)
		}
	}
}

func TestConfideNeedsBatches(t *testing.T) {
	batchesOf := func(batches, each int) (*Latency, []*Packed) {
		var list []*Packed
		all := NewHistogram()
		for i := range batches {
			p := &Packed{}
			for j := range each {
				p.Record(int64(i*1000 + j))
				all.Record(int64(i*1000 + j))
			}
			list = append(list, p)
		}
		return Summarize(all), list
	}
	for name, tt := range map[string]struct {
		batches, each int
		p50, p99      bool
	}{
		"plenty":                   {20, 1000, true, true},
		"9 batches":                {9, 10_000, false, false},
		"small ones put together":  {40, 500, true, true},
		"too small for p99":        {12, 900, true, false},
		"nothing claimed, no more": {20, 4, false, false},
	} {
		l, list := batchesOf(tt.batches, tt.each)
		l.Confide(list)
		_, p50 := l.CI95["p50"]
		_, p99 := l.CI95["p99"]
		if p50 != tt.p50 || p99 != tt.p99 {
			t.Errorf("%s: %+v", name, l.CI95)
		}
	}
	(*Latency)(nil).Confide(nil)
}

func TestStudentT(t *testing.T) {
	for df, want := range map[float64]float64{9: 2.262157, 10: 2.228139, 19: 2.093024, 39: 2.022691, 1e6: 1.959966} {
		if got := StudentT(df); math.Abs(got-want) > 3e-4 {
			t.Errorf("%v: %v, want %v", df, got, want)
		}
	}
}
