package broker

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestBrokersNapSideBySide: each of three brokers with a server of 1 ms answers as many sends as one by itself does, on two processors.
// Were one kept by each that sleeps until an answer is due, the others would answer only once it woke: two thirds then.
func TestBrokersNapSideBySide(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	const workers, tries = 4, 8
	r := start(t, Options{Brokers: 3, ServiceTime: time.Millisecond})
	each := func(brokers int) float64 {
		var sent atomic.Int64
		var done sync.WaitGroup
		until := time.Now().Add(300 * time.Millisecond)
		for _, b := range r.Brokers()[:brokers] {
			for range workers {
				done.Go(func() {
					for time.Now().Before(until) {
						if _, err := r.client.Invoke(t.Context(), b.Addr(), sendCommand("T", 0, "x", ""), 10*time.Second); err != nil {
							t.Error(err) // not Fatal, which is the test's own goroutine's
							return
						}
						sent.Add(1)
					}
				})
			}
		}
		done.Wait()
		return float64(sent.Load()) / float64(brokers)
	}
	var alone, beside float64
	for range tries { // whatever else the machine does can only make it fewer
		if alone, beside = each(1), each(3); beside > 0.95*alone {
			return
		}
	}
	t.Errorf("%.0f sends each beside one another, %.0f alone", beside, alone)
}
