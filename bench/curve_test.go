package bench

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"rmqbench/scenarios"
)

func rateOf(t testing.TB, text string) scenarios.Rate {
	t.Helper()
	r, err := scenarios.ParseRate(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFlatCurve(t *testing.T) {
	const year = int64(365 * 24 * time.Hour)
	for _, tt := range []struct {
		k    int64
		rate string
		want int64
	}{
		{0, "1k/s", 0}, {1, "1k/s", 1e6}, {999, "1k/s", 999e6}, {1, "3/s", 333_333_333}, {3, "3/s", 1e9},
		{7, "7/3s", 3e9}, {1, "60/m", 1e9}, {1, "1G/s", 1},
		{9_300_000_000, "1k/s", 9_300_000 * 1e9},             // i × 10⁹ would have overflowed
		{9_300_000_001, "1M/s", 9_300*1e9 + 1e3},             //
		{1 << 60, "1G/s", 1 << 60},                           //
		{1 << 60, "1/s", forever}, {1 << 60, "1/h", forever}, // later than there is time
		{year, "1G/s", year},
	} {
		if got := flat(rateOf(t, tt.rate)).due(tt.k); got != tt.want {
			t.Errorf("send %d at %s falls due after %d ns, want %d", tt.k, tt.rate, got, tt.want)
		}
	}
}

// sendsAt is how many sends a curve gives by a time, in arithmetic that can't overflow.
func sendsAt(c *curve, at int64) *big.Rat {
	number := func(v int64) *big.Rat { return new(big.Rat).SetInt64(v) }
	sum := new(big.Rat)
	add := func(p *piece, t int64, times int64) { // the trapezoid under the piece's line up to t
		from := new(big.Rat).SetFrac(new(big.Int).SetUint64(p.from), new(big.Int).SetUint64(c.per))
		to := new(big.Rat).SetFrac(new(big.Int).SetUint64(p.to), new(big.Int).SetUint64(c.per))
		slope := to.Sub(to, from)
		slope.Quo(slope, number(p.length))
		height := slope.Mul(slope, number(t))
		height.Quo(height, number(2))
		height.Add(height, from)
		sum.Add(sum, height.Mul(height, new(big.Rat).Mul(number(t), number(times))))
	}
	for i := range c.pieces {
		p := &c.pieces[i]
		add(p, p.length, at/c.period)
		if in := at%c.period - p.at; in > 0 {
			add(p, min(in, p.length), 1)
		}
	}
	return sum
}

// TestCurvesAgainstBigNumbers: send k falls due at the last nanosecond by which no more than k were to be made.
func TestCurvesAgainstBigNumbers(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	wild := func(limit int) int64 { return 1 + random.Int64N(1<<(1+random.IntN(limit))) }
	for i := range 3_000 {
		per := time.Duration(wild(40))
		a := scenarios.Rate{Count: min(wild(30), int64(per)), Per: per}
		b := scenarios.Rate{Count: min(wild(30), int64(per)), Per: per}
		length := wild(51) + 64
		var c *curve
		switch i % 5 {
		case 0:
			c = flat(a)
		case 1:
			c = ramp(a, b, length)
		case 2:
			c = bursts(a, b, 1+random.Int64N(length-1), length)
		case 3:
			c = sine(a, b, length)
		case 4:
			c = step(a, b, random.IntN(7), 7)
		}
		most, _ := sendsAt(c, 3*length).Float64()
		k := random.Int64N(int64(most) + 2)
		due := c.due(k)
		if due == forever {
			continue
		}
		want := new(big.Rat).SetInt64(k)
		if sendsAt(c, due).Cmp(want) > 0 || sendsAt(c, due+1).Cmp(want) <= 0 {
			t.Fatalf("send %d of %+v falls due at %d, by when there are %s", k, c, due, sendsAt(c, due).FloatString(9))
		}
		if n := c.dueBefore(due + 1); n <= k || c.due(n-1) > due || c.due(n) <= due {
			t.Fatalf("%d sends of %+v before %d, when number %d falls due", n, c, due+1, k)
		}
		if n := c.dueBefore(due); n > k {
			t.Fatalf("%d sends of %+v before %d, when number %d falls due", n, c, due, k)
		}
	}
}

// TestShapes: how many sends fall due in the parts of a stage.
func TestShapes(t *testing.T) {
	for name, tt := range map[string]struct {
		stage string
		every time.Duration
		want  []int64 // in each such stretch, give or take one
	}{
		"hold":           {"for: 3s, rate: 1k/s", time.Second, []int64{1000, 1000, 1000}},
		"ramp up":        {"for: 4s, rate: 100/s..500/s", time.Second, []int64{150, 250, 350, 450}},
		"ramp down":      {"for: 4s, rate: 500/s..100/s", time.Second, []int64{450, 350, 250, 150}},
		"staircase":      {"for: 3s, rate: 100/s..500/s, steps: 3", time.Second, []int64{100, 300, 500}},
		"stairs down":    {"for: 2s, rate: 30/m..10/m, steps: 2", time.Second, []int64{1, 1}},
		"burst":          {"for: 5s, rate: 100/s..1k/s, burst: 1s, every: 2s", time.Second, []int64{1000, 100, 1000, 100, 1000}},
		"sine":           {"for: 8s, rate: 100/s..300/s, sine: 4s", time.Second, []int64{136, 264, 264, 136, 136, 264, 264, 136}}, // 200 ∓ 200/π
		"sine from high": {"for: 4s, rate: 300/s..100/s, sine: 4s", time.Second, []int64{264, 136, 136, 264}},
		"seldom":         {"for: 6h, rate: 1/h..2/h", 2 * time.Hour, []int64{3, 3, 3}},
	} {
		p := planOf(t, loadOf(t, "stages: [{"+tt.stage+"}]"))
		got := make([]int64, len(tt.want))
		for _, c := range slots(p) {
			got[c.due/int64(tt.every)]++
		}
		for i, want := range tt.want {
			if got[i] < want-1 || got[i] > want+1 {
				t.Errorf("%s: %v sends, want %v", name, got, tt.want)
				break
			}
		}
	}
}

// TestSineIsRound: straight lines come within 0.15 % of the swing.
func TestSineIsRound(t *testing.T) {
	const period = int64(time.Minute)
	c := sine(rateOf(t, "1k/s"), rateOf(t, "5k/s"), period)
	for at := int64(0); at < period; at += period / 997 {
		w := 2 * math.Pi / float64(period)
		want := 3000e-9*float64(at) - 2000e-9*math.Sin(w*float64(at))/w
		if got := float64(c.dueBefore(at)); math.Abs(got-want) > 2+0.0015*2000*60/(2*math.Pi) {
			t.Errorf("at %d ns %v sends, want %v", at, got, want)
		}
	}
}

func BenchmarkDue(b *testing.B) {
	a, z := scenarios.Rate{Count: 1000, Per: time.Second}, scenarios.Rate{Count: 50_000, Per: time.Second}
	for name, c := range map[string]*curve{"hold": flat(z), "ramp": ramp(a, z, int64(time.Hour)), "sine": sine(a, z, int64(time.Minute))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for k := int64(0); b.Loop(); k++ {
				c.due(k % 1_000_000)
			}
		})
	}
}

// BenchmarkShare is what one of a thousand shares takes for each slot of the whole: it walks over the others'.
func BenchmarkShare(b *testing.B) {
	for _, arrivals := range []string{"constant", "poisson"} {
		b.Run(arrivals, func(b *testing.B) {
			p, err := newPlan(loadOf(b, "arrivals: "+arrivals+", stages: [{for: 1h, rate: 1000k/s}]"))
			if err != nil {
				b.Fatal(err)
			}
			p.share, p.of = 7, 1000
			at, _ := walk(p)
			from := at.index
			for b.Loop() {
				at.next()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(at.index-from), "ns/slot")
		})
	}
}
