//go:build !race

// What is counted here is done by one goroutine at a time: the race detector finds nothing, and takes ten minutes and two gigabytes for it.

package bench

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/producer"
	"rmqbench/results"
)

// long is whether tests may take minutes (SAMPLES=long).
func long() bool { return os.Getenv("SAMPLES") == "long" }

// heap is what is in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// the memory of a recorder doesn't depend on how many samples it has taken, two million or a hundred, and each is counted
// once in all that is kept of them.
func TestR26_ManySamples(t *testing.T) {
	n := 2_000_000
	if long() {
		n = 100_000_000
	}
	const queues, oneIn = 8, 1000 // of so many sends one is ambiguous
	p := planOf(t, loadOf(t, "workers: 1, stages: [{for: 1h, rate: 100k/s}]"))
	r := newRecorder(p)
	b := r.buffer()
	res, lost := &producer.SendResult{Attempts: 1, Broker: "b"}, &producer.SendError{Err: errHurried, Ambiguous: true}
	var line series
	var heaps []int64 // at each tenth
	for i := range n {
		due := int64(i) * 10_000
		s := sample{due: due, called: due + 100, done: due + 1_000 + int64(i%oneIn)*1000, free: true}
		if i%oneIn == oneIn-1 {
			r.record(b, s, &producer.SendResult{}, lost)
		} else {
			res.QueueID = int32(i % queues)
			r.record(b, s, res, nil)
		}
		if i%25_000 == 0 { // each 250 ms, as the watch does
			r.look()
			if line.due(due) {
				interval, err := r.collect()
				if err != nil {
					t.Fatal(err)
				}
				line.add(due, interval, nil)
				r.ledger.endInterval()
			}
		}
		if (i+1)%(n/10) == 0 {
			heaps = append(heaps, heap())
		}
	}
	interval, err := r.finish()
	if err != nil {
		t.Fatal(err)
	}
	line.add(int64(n)*10_000, interval, nil)
	if grown := slices.Max(heaps) - heaps[0]; grown > 4<<20 {
		t.Errorf("%d samples: the heap grew by %d bytes: %v", n, grown, heaps)
	}
	bad := int64(n / oneIn)
	good := int64(n) - bad
	total := &r.total[0]
	if c := &total.counts; c.Attempted != int64(n) || c.Acknowledged != good || c.Ambiguous != bad {
		t.Errorf("of %d samples %+v", n, c)
	}
	for name, h := range map[string]*results.Histogram{"response": total.response, "service": total.service, "delay": total.delay} {
		if h.Count() != good {
			t.Errorf("%s has %d samples of %d", name, h.Count(), good)
		}
	}
	if got := total.unsuccessful[ambiguous].Count(); got != bad || total.late.Count() != int64(n) {
		t.Errorf("%d ambiguous of %d, %d delays of %d", got, bad, total.late.Count(), n)
	}
	if want := int64(n) * (900 + 1000*(oneIn-1)/2); total.callTime != want {
		t.Errorf("the calls took %d ns together, want %d", total.callTime, want)
	}
	counted := map[int32]int64{}
	for q, k := range r.ledger.acknowledged() {
		counted[q.ID] = k
	}
	for q := range queues {
		want := int64(n / queues)
		if (oneIn-1)%queues == q%queues { // where the ambiguous ones would have gone
			want -= bad
		}
		if counted[int32(q)] != want {
			t.Errorf("queue %d took %d, want %d", q, counted[int32(q)], want)
		}
	}
	if sum := results.Sum(line.points); sum.Attempted != int64(n) || sum.Successes != good {
		t.Errorf("the series' %d intervals sum to %+v", len(line.points), sum)
	}
	t.Logf("%d samples, all counts exact, %d lines of a series; the heap after each tenth, MiB: %s", n, len(line.points), mebibytes(heaps))
	runtime.KeepAlive(r)
}

func mebibytes(heaps []int64) string {
	var all []string
	for _, h := range heaps {
		all = append(all, strconv.FormatFloat(float64(h)/(1<<20), 'f', 2, 64))
	}
	return strings.Join(all, " ")
}

// a day, or a few hours of it, in virtual time: memory and goroutines stay, and every send is counted.
func TestR27_Hours(t *testing.T) {
	hours := 2
	if long() {
		hours = 24
	}
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.service = time.Millisecond
		c := loadOf(t, "workers: 4, stages: [{for: "+(time.Duration(hours)*time.Hour).String()+", rate: 1/s}]")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		type reading struct {
			heap       int64
			goroutines int
		}
		var readings []reading
		go func() { // each half hour, between two sends
			for {
				select {
				case <-ctx.Done():
					return
				case <-time.After(30 * time.Minute):
				}
				readings = append(readings, reading{heap(), runtime.NumGoroutine()})
			}
		}()
		m, err := drive(ctx, planOf(t, c), f, timerWaiter{}, watcher{})
		cancel()
		synctest.Wait()
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := m.record(c)
		if err != nil {
			t.Fatal(err)
		}
		if want := int64(hours) * 3600; out.Acknowledged != want || out.Offered != want || out.Response.Count != want || out.Generator.Pauses != 0 {
			t.Errorf("%d h: %+v", hours, out.Counts)
		}
		first, last := readings[0], readings[len(readings)-1]
		t.Logf("%d h in virtual time: %d sends, all counted; heap %.2f MiB at first and %.2f at last, %d goroutines and %d", hours, out.Acknowledged,
			float64(first.heap)/(1<<20), float64(last.heap)/(1<<20), first.goroutines, last.goroutines)
		if slope := (last.heap - first.heap) / int64(max(hours-1, 1)); slope > 1<<20 || last.goroutines > first.goroutines {
			t.Errorf("%d bytes an hour, %d goroutines at first, %d at last", slope, first.goroutines, last.goroutines)
		}
	})
}
