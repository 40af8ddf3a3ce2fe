package bench

import (
	"math/rand/v2"
	"reflect"
	"runtime"
	"sync"
	"testing"

	"rmqbench/producer"
	"rmqbench/results"
)

// TestRecorderLosesNothing: what many goroutines record, with their own buffers or shared ones, adds up to what one
// recorder with one shard would hold.
func TestRecorderLosesNothing(t *testing.T) {
	const goroutines, each = 16, 5000
	for _, load := range []string{"workers: 16, stages: [{for: 1s, rate: 1k/s, warmup: true}, {for: 4s, rate: 1k/s}]", "workers: 16, mode: async, stages: [{for: 5s}]",
		"workers: 16, mode: oneway, stages: [{for: 1s, rate: 1k/s}]"} {
		p := planOf(t, loadOf(t, load))
		many, one := newRecorder(p), newRecorder(p)
		one.shards, one.shared = one.shards[:1], nil
		alone := &sampleBuffer{}
		one.buffers = append(one.buffers, alone)
		var oneMu sync.Mutex
		stop := make(chan struct{})
		var watching, all sync.WaitGroup
		watching.Go(func() {
			for last := int64(0); ; {
				select {
				case <-stop:
					return
				default:
				}
				c := many.progress()
				ended, well := c.Attempted, c.Successes()
				if _, err := many.collect(); err != nil {
					t.Error(err)
				}
				if ended < last || well > ended {
					t.Errorf("progress went from %d to %d, %d of them well", last, ended, well)
				}
				last = ended
				runtime.Gosched()
			}
		})
		for g := range goroutines {
			all.Go(func() {
				random := rand.New(rand.NewPCG(uint64(g), 7))
				own, shared := many.buffer(), &many.shared[g%len(many.shared)]
				for range each {
					s := sample{due: random.Int64N(5e9), stage: int16(random.IntN(len(p.stages))), free: random.IntN(2) == 0}
					s.called = s.due + random.Int64N(1e6)
					s.done = s.called + random.Int64N(1<<random.IntN(34))
					res, err := producer.SendResult{Attempts: 1 + random.IntN(2), Ambiguous: random.IntN(2)}, error(nil)
					switch random.IntN(50) {
					case 0:
						err = &producer.SendError{Err: errDrained, Ambiguous: true}
					case 1:
						res.Status = producer.SlaveNotAvailable
					}
					if g%2 == 0 {
						many.record(own, s, &res, err)
					} else {
						many.recordShared(shared, s, &res, err)
					}
					oneMu.Lock()
					one.record(alone, s, &res, err)
					oneMu.Unlock()
				}
			})
		}
		all.Wait()
		close(stop)
		watching.Wait()
		if _, err := many.finish(); err != nil {
			t.Fatal(err)
		}
		if _, err := one.finish(); err != nil {
			t.Fatal(err)
		}
		got, want := many.snapshot(), one.snapshot()
		var attempted int64
		for i := range want {
			attempted += got[i].counts.Attempted
			wantTally(t, &got[i], &want[i])
		}
		if attempted != goroutines*each {
			t.Errorf("%s: %d recorded of %d", load, attempted, goroutines*each)
		}
	}
}

// wantTally compares two tallies whole, every bucket of their histograms too.
func wantTally(t *testing.T, got, want *tally) {
	t.Helper()
	if !reflect.DeepEqual(got.counts, want.counts) {
		t.Errorf("counts %+v, want %+v", got.counts, want.counts)
	}
	if got.retries != want.retries || got.ambiguous != want.ambiguous || got.callTime != want.callTime || got.lastDone != want.lastDone {
		t.Errorf("retries %d, ambiguous %d, call time %d, last %d; want %d, %d, %d, %d", got.retries, got.ambiguous, got.callTime, got.lastDone,
			want.retries, want.ambiguous, want.callTime, want.lastDone)
	}
	for name, h := range map[string][2]*results.Histogram{"response": {got.response, want.response}, "service": {got.service, want.service}, "delay": {got.delay, want.delay},
		"late": {got.late, want.late}, "first": {got.first, want.first}, "last": {got.last, want.last},
		"ambiguous": {got.unsuccessful[ambiguous], want.unsuccessful[ambiguous]}, "weak": {got.unsuccessful[weak], want.unsuccessful[weak]}} {
		if !reflect.DeepEqual(h[0], h[1]) {
			t.Errorf("%s: the histograms differ: %+v and %+v", name, results.Summarize(h[0]), results.Summarize(h[1]))
		}
	}
}

func TestZeros(t *testing.T) {
	for _, n := range []int64{0, 1, 2, 3, 64, 999_999, 3_000_000_000} {
		if h := zeros(n); h.Count() != n || h.Max() != 0 || h.Mean() != 0 || h.Clamped() != 0 {
			t.Errorf("%d zeros: %d durations up to %d", n, h.Count(), h.Max())
		}
	}
}
