package results

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"rmqbench/internal/golden"
)

// swept are points of a curve at 1 to 1,024 workers, so many rounds, with noise of that share.
func swept(curve func(n float64) float64, rounds int, noise float64, seed uint64) []SweepPoint {
	r := rand.New(rand.NewPCG(seed, 1))
	var points []SweepPoint
	for n := 1; n <= 1024; n *= 2 {
		for range rounds {
			points = append(points, SweepPoint{Workers: n, PerSecond: curve(float64(n)) * math.Exp(noise*r.NormFloat64())})
		}
	}
	return points
}

func usl(lambda, sigma, kappa float64) func(float64) float64 {
	u := &USL{Lambda: Estimate{Value: lambda}, Sigma: Estimate{Value: sigma}, Kappa: Estimate{Value: kappa}}
	return u.At
}

// TestFitUSLExactly: without noise it finds what the curve was made of.
func TestFitUSLExactly(t *testing.T) {
	for _, want := range [][3]float64{{1000, 0.03, 1e-4}, {12_345, 0.2, 1e-6}, {5, 0.5, 1e-3}, {1000, 0.03, 0}, {1000, 0, 0}, {1000, 0, 1e-5}} {
		u, err := FitUSL(swept(usl(want[0], want[1], want[2]), 1, 0, 1))
		if err != nil {
			t.Errorf("%v: %v", want, err)
			continue
		}
		for i, got := range []float64{u.Lambda.Value, u.Sigma.Value, u.Kappa.Value} {
			if math.Abs(got-want[i]) > 1e-6*want[i]+1e-9 {
				t.Errorf("%v: %+v", want, u)
			}
		}
	}
}

// TestFitUSLCovers: of 300 sweeps with 3 % of noise about 95 % of the intervals hold the truth.
func TestFitUSLCovers(t *testing.T) {
	const sweeps, lambda, sigma, kappa = 300, 1000.0, 0.03, 1e-4
	held := [3]int{}
	for seed := range uint64(sweeps) {
		u, err := FitUSL(swept(usl(lambda, sigma, kappa), 3, 0.03, seed))
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range []Estimate{u.Lambda, u.Sigma, u.Kappa} {
			if truth := []float64{lambda, sigma, kappa}[i]; e.Low <= truth && truth <= e.High {
				held[i]++
			}
		}
		if peak := math.Sqrt((1 - sigma) / kappa); u.PeakWorkers == nil || math.Abs(*u.PeakWorkers/peak-1) > 0.15 {
			t.Errorf("seed %d: the peak is at %v, not %v", seed, u.PeakWorkers, peak)
		}
	}
	for i, n := range held {
		if share := float64(n) / sweeps; share < 0.91 || share > 0.99 {
			t.Errorf("value %d: %.1f %% of the intervals hold it", i, 100*share)
		}
	}
}

// TestFitUSLRefuses: a curve that isn't one of the law gets no values.
func TestFitUSLRefuses(t *testing.T) {
	fine := usl(1000, 0.03, 1e-4)
	for name, tt := range map[string]struct {
		points []SweepPoint
		want   string
	}{
		"a cliff": {swept(func(n float64) float64 {
			if n > 64 {
				return fine(n) / 4
			}
			return fine(n)
		}, 3, 0.01, 1), "off it by"},
		"a square root": {swept(func(n float64) float64 { return 1000 * math.Sqrt(n) }, 3, 0.01, 1), "off it by"},
		"batches help":  {swept(func(n float64) float64 { return 1000 * math.Pow(n, 1.5) }, 3, 0.01, 1), "off it by"},
		"a saw":         {swept(func(n float64) float64 { return fine(n) * (1 + 0.4*math.Mod(math.Log2(n), 2)) }, 3, 0.01, 1), "off it by"},
		"noise":         {swept(fine, 3, 0.4, 1), "off it by"},
		"too few":       {swept(fine, 3, 0, 1)[:15], "5 numbers of workers were measured, and it takes 6"},
		"nothing":       {nil, "0 numbers"},
	} {
		if u, err := FitUSL(tt.points); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}
	left := swept(fine, 1, 0, 1)
	left[10].PerSecond, left[10].Left = 1, "errors"
	if _, err := FitUSL(left); err != nil {
		t.Errorf("what is left out counts: %v", err)
	}
}

func TestWriteSweep(t *testing.T) {
	r := &Run{Name: "workers", Sweep: &Sweep{Points: swept(usl(1000, 0.03, 1e-4), 1, 0.02, 7)}}
	for _, p := range r.Sweep.Points {
		c := closedCase("w", "sync", 20_000, 1000, 2000)
		c.Generator.Workers, c.Generator.CPUQuotaShare, c.Generator.GCCPUShare = p.Workers, nil, new(0.07)
		r.Cases = append(r.Cases, c)
	}
	r.Sweep.Points[10].Left = "the cap"
	r.Sweep.Settle()
	Judge(r)
	var out strings.Builder
	if err := WriteSweep(&out, r); err != nil {
		t.Fatal(err)
	}
	r.Sweep.Points = nil
	r.Sweep.Settle()
	out.WriteString(r.Sweep.Sentence() + "\n")
	if SweepStatus(r) != exitInconclusive {
		t.Errorf("status %d", SweepStatus(r))
	}
	flat := &Sweep{Points: swept(usl(1000, 0.03, 0), 1, 0.001, 7)}
	flat.Settle()
	out.WriteString(flat.Sentence() + "\n")
	short := &Sweep{Points: swept(usl(1000, 0.03, 1e-4), 1, 0.001, 7)}
	for i := range short.Points { // the peak is at 98
		if short.Points[i].Workers > 64 {
			short.Points[i].Left = "the cap"
		}
	}
	short.Settle()
	out.WriteString(short.Sentence() + "\n")
	golden.Compare(t, "sweep.txt", out.String())
}
