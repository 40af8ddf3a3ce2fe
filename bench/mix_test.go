package bench

import (
	"cmp"
	"math"
	"strings"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/results"
	"rmqbench/scenarios"
)

const mixed = "message: {keys: {distinct: 50}}\nload: {mix: [" +
	"{name: small, weight: 7, message: {size: 100B, tags: 3, properties: {a: b}}}, " +
	"{name: big, weight: 2, mode: oneway, message: {size: {uniform: [1KiB, 4KiB]}}}, " +
	"{name: paid, mode: transaction, message: {size: 300B}}], "

// TestMixIsAFunctionOfTheIndex: which kind a message is of follows from seed and index, comes as often as its weight says, and
// is in the schedule's hash; what one kind has the message of another one doesn't keep.
func TestMixIsAFunctionOfTheIndex(t *testing.T) {
	const n = 20_000
	c := &parse(t, mixed+"stages: [{for: 20s, rate: 1k/s}]}")[0]
	p, again := planOf(t, c), planOf(t, c)
	var counts [3]int
	w := worker{load: &load{plan: p}}
	p.mould.begin(&w.message)
	for i := range int64(n) {
		k := p.mould.kindOf(i)
		counts[k]++
		if k != again.mould.kindOf(i) {
			t.Fatalf("message %d is of two kinds", i)
		}
		s := w.sampleOf(&w.message, slot{index: i}, false)
		small, size := k == 0, len(w.message.Body)
		if int(s.kind) != k || int(s.size) != size || (w.message.Tags != "") != small || (len(w.message.Properties) == 1) != small || len(w.message.Keys) != 1 {
			t.Fatalf("message %d of kind %d: %+v, %+v", i, k, s, w.message)
		}
		if small && size != 100 || k == 1 && (size < 1024 || size > 4096) || k == 2 && size != 300 {
			t.Fatalf("message %d of kind %d has %d bytes", i, k, size)
		}
	}
	for k, share := range []float64{0.7, 0.2, 0.1} {
		if off := math.Abs(float64(counts[k]) - share*n); off > 5*math.Sqrt(n*share*(1-share)) {
			t.Errorf("%d of kind %d, want about %v", counts[k], k, share*n)
		}
	}
	other := planOf(t, &parse(t, strings.Replace(mixed, "name: paid, mode: transaction", "name: free, mode: transaction", 1)+"stages: [{for: 20s, rate: 1k/s}]}")[0])
	hash := p.scheduleHash()
	p.share, p.of = 1, 3
	if hash != again.scheduleHash() || hash != p.scheduleHash() || hash == other.scheduleHash() {
		t.Errorf("hashes %s, %s, %s, other %s", hash, again.scheduleHash(), p.scheduleHash(), other.scheduleHash())
	}
}

const openStages = "count: 600, stages: [{for: 200ms, rate: 1k/s, warmup: true}, {for: 200ms, rate: 1k/s}, {for: 2s, rate: 500/s}]"

// TestRunMix: a load of three kinds on a broker, in rounds: the kinds' counts are what the indexes say, in each stage, and sum to the
// case's, what has an answer and what has none are timed apart, and the broker holds all of it.
func TestRunMix(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2})
	report, err := Run(t.Context(), scenario(t, on(c.NameServer())+"topic: {name: MIX}\nrepeat: 2\n"+mixed+"workers: 8}\n"+
		"cases:\n  - {name: closed, load: {count: 600}}\n  - {name: open, load: {"+openStages+"}}"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	var sum int64
	for _, of := range [][]results.Case{report.Run.Cases, report.Run.Pooled} {
		for i := range of {
			r := &of[i]
			times := int64(max(r.Rounds, 1))
			if r.Mode != "mixed" || len(r.Kinds) != 3 || r.Successes() != 600*times || r.Written == 0 || r.Response.Count != r.Acknowledged || r.WriteTime.Count != r.Written ||
				r.Service.Count != r.Acknowledged || r.Delay.Count != r.Acknowledged {
				t.Fatalf("%s: %+v", r.Name, r.Measured)
			}
			small, big, paid := &r.Kinds[0], &r.Kinds[1], &r.Kinds[2]
			if small.Response.Count != small.Acknowledged || big.Response != nil || big.WriteTime.Count != big.Written || big.Written != r.Written || paid.Mode != "transaction" ||
				small.Acknowledged+paid.Acknowledged != r.Acknowledged || *small.BodyBytesEach != 100 || big.BodyBytesEach != nil || *paid.BodyBytes != 300*paid.Acknowledged {
				t.Errorf("%s: %+v\n%+v\n%+v", r.Name, small, big, paid)
			}
			if r.Rounds > 0 {
				continue
			}
			sum += r.Successes()
			if r.Warmup != nil {
				sum += r.Warmup.Successes()
			}
			if r.Transactions == nil || r.Transactions.Committed < paid.Acknowledged {
				t.Errorf("%s: %+v for %d", r.Name, r.Transactions, paid.Acknowledged)
			}
			if r.Anatomy == nil {
				t.Errorf("%s: no anatomy", r.Name)
			}
		}
	}
	for i := range report.Run.Cases {
		if r := &report.Run.Cases[i]; r.OpenLoop {
			p := planOf(t, &parse(t, mixed+openStages+"}")[0])
			want := p.byKind()
			for at, more := walk(p); more; more = at.next() {
				want[at.stage][p.mould.kindOf(at.index)]++
			}
			if len(r.Stages) != 2 {
				t.Fatalf("%d stages", len(r.Stages))
			}
			for j, s := range []*results.Stage{r.Warmup, &r.Stages[0], &r.Stages[1]} {
				if s.Response.Count != s.Acknowledged || s.WriteTime.Count != s.Written {
					t.Errorf("stage %d: %+v", j, s.Measured)
				}
				for k := range want[j] {
					got := &s.Kinds[k]
					if times := cmp.Or(got.Response, got.WriteTime); got.Offered != want[j][k] || times == nil || times.Count != want[j][k] || got.ElapsedNS != s.ElapsedNS {
						t.Errorf("stage %d, kind %s: %+v, want %d", j, got.Name, got.Measured, want[j][k])
					}
				}
			}
			for k := range r.Kinds {
				if got := r.Kinds[k].Offered; got != want[1][k]+want[2][k] {
					t.Errorf("%d of kind %s fell due, want %d", got, r.Kinds[k].Name, want[1][k]+want[2][k])
				}
			}
		}
	}
	for deadline := time.Now().Add(20 * time.Second); stored(t, c, "MIX") != sum; time.Sleep(10 * time.Millisecond) { // oneway sends and commits have no answer
		if time.Now().After(deadline) {
			t.Fatalf("%d stored, %d sent", stored(t, c, "MIX"), sum)
		}
	}
	var table strings.Builder
	if err := results.WriteTable(&table, report.Run); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"\n  small · sync ", "\n  big · oneway ", "\n  paid · transaction "} {
		if strings.Count(table.String(), row) != 2 {
			t.Errorf("no two rows %q in\n%s", row, table.String())
		}
	}
	csv, _ := results.FormatNamed("csv")
	var rows strings.Builder
	if err := csv.Write(&rows, report); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{",open,1,warmup,mixed,", ",open,1,warmup kind small,sync,", ",open,2,stage 2,mixed,", ",open,2,stage 2 kind big,oneway,", ",open,2,kind paid,transaction,"} {
		if strings.Count(rows.String(), row) != 1 {
			t.Errorf("no row %q in\n%s", row, rows.String())
		}
	}
}

// TestMixMerges: shares of a mixed load, merged, have the kinds of one run.
func TestMixMerges(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{})
	s := scenario(t, on(c.NameServer())+"load: {workers: 8, mix: [{name: a, weight: 2}, {name: b, mode: oneway, message: {size: 1KiB}}], stages: [{for: 100ms, rate: 500/s, warmup: true}, {for: 600ms, rate: 500/s}]}")
	merged := mergeShares(t, runShares(t, s, 2, func(int) time.Duration { return 0 }))
	wantSums(t, merged.Run)
	r := &merged.Run.Cases[0]
	var want [2]int64
	p := planOf(t, &s.Cases()[0])
	for at, more := walk(p); more; more = at.next() {
		if !p.stages[at.stage].warmup {
			want[p.mould.kindOf(at.index)]++
		}
	}
	a, b := &r.Kinds[0], &r.Kinds[1]
	if r.Offered != 300 || a.Acknowledged != want[0] || b.Written != want[1] || a.Response.Count != want[0] || b.WriteTime.Count != want[1] || r.WriteTime.Count != want[1] || r.Response.Count != want[0] {
		t.Errorf("%+v\n%+v\n%+v, want %v", r.Measured, a, b, want)
	}
	for _, s := range []*results.Stage{r.Warmup, &r.Stages[0]} {
		if a, b := s.Kinds[0], s.Kinds[1]; a.Response.Count != a.Acknowledged || b.WriteTime.Count != b.Written || a.Acknowledged+b.Written != s.Offered || a.Written+b.Acknowledged > 0 ||
			a.ElapsedNS != s.ElapsedNS || *a.MessagesPerSecond <= 0 {
			t.Errorf("%+v\n%+v", a, b)
		}
	}
	histograms, err := merged.Histograms()
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]int64{}
	for _, h := range histograms {
		of[h.Metric] = h.Histogram.Count()
	}
	if of["response"] != want[0] || of["response:a"] != want[0] || of["write_time:b"] != want[1] || of["delay:b"] != want[1] || len(of) != 9 {
		t.Errorf("%v", of)
	}
}

// TestMixWarmsUp: a warm-up that ends by itself has its kinds' figures too, and those of the case don't know them.
func TestMixWarmsUp(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{})
	report, err := Run(t.Context(), scenario(t, on(c.NameServer())+"load: {workers: 4, mix: [{name: a, weight: 2}, {name: b, mode: oneway}], stages: [{rate: 600/s, warmup: auto}, {for: 500ms, rate: 600/s}]}"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	r := &report.Run.Cases[0]
	if w := r.Warmup; r.WarmupEnd == nil || len(w.Kinds) != 2 || w.Kinds[0].Acknowledged != w.Acknowledged || w.Kinds[1].Written != w.Written || w.Acknowledged == 0 || w.Written == 0 ||
		w.Kinds[1].WriteTime.Count != w.Written {
		t.Errorf("%+v", w)
	}
	if r.Offered != 300 || r.Kinds[0].Offered+r.Kinds[1].Offered != 300 {
		t.Errorf("%+v", r.Kinds)
	}
}

// TestMixRefusals: a search for a capacity and a sweep need answers to all sends.
func TestMixRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"load: {mix: [{name: a}, {name: b, mode: oneway}], stages: [{for: 1s, rate: 1k/s}]}\nslo: [p99<10ms]": "oneway sends have no answers",
		"load: {mix: [{name: a}, {name: b, mode: oneway}]}":                                                   "oneway sends have none of",
	} {
		s := scenario(t, text)
		var err error
		if s.Load.OpenLoop() {
			_, err = Capacity(t.Context(), s, CapacityOptions{})
		} else {
			_, err = sweepable(s)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	_, err := Run(t.Context(), scenario(t, mixed+"count: 10}"), Options{Sender: func(*scenarios.Case) (Sender, error) { return nil, nil }})
	if err == nil || !strings.Contains(err.Error(), "give them a case of their own") {
		t.Errorf("%v", err)
	}
	if err := safe(&scenarios.Workload{Mix: []scenarios.Kind{{Mode: scenarios.Sync}, {Mode: scenarios.Oneway}}}, &Options{Unlimited: true}, "prod (1 master)", false); err == nil || !strings.Contains(err.Error(), "no rate: oneway") {
		t.Errorf("%v", err)
	}
}
