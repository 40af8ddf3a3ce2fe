package bench

import (
	"context"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/producer"
)

// long is whether tests may take minutes (RELIABILITY=long).
func long() bool { return os.Getenv("RELIABILITY") == "long" }

// heap is what is in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// the memory of a recorder doesn't depend on how many samples it has taken: two million, or a hundred.
func TestR26_ManySamples(t *testing.T) {
	n := 2_000_000
	if long() {
		n = 100_000_000
	}
	p := planOf(t, loadOf(t, "workers: 1, stages: [{for: 1h, rate: 100k/s}]"))
	r := newRecorder(p)
	b := r.buffer()
	res := &producer.SendResult{Attempts: 1}
	take := func(from, to int) {
		for i := from; i < to; i++ {
			due := int64(i) * 10_000
			res.QueueID = int32(i % 8)
			r.record(b, sample{due: due, called: due + 100, done: due + 1_000 + int64(i%1000)*1000, free: true}, res, nil)
			if i%100_000 == 0 { // as the watch does
				r.look()
				if _, err := r.collect(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	take(0, n/10)
	before := heap()
	take(n/10, n)
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("%d samples: the heap grew by %d bytes", n, grown)
	}
	if _, err := r.finish(); err != nil {
		t.Fatal(err)
	}
	if got := r.total[0].counts.Acknowledged; got != int64(n) || r.total[0].response.Count() != int64(n) {
		t.Errorf("%d of %d samples", got, n)
	}
	runtime.KeepAlive(r)
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
		if slope := (last.heap - first.heap) / int64(max(hours-1, 1)); slope > 1<<20 || last.goroutines > first.goroutines {
			t.Errorf("%d bytes an hour, %d goroutines at first, %d at last", slope, first.goroutines, last.goroutines)
		}
	})
}
