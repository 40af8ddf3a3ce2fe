package producer

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/remoting"
)

// quick is a stage whose broker allocates nothing for an answer.
func quick(tb testing.TB, o Options) *Producer {
	reply := &remoting.SendReply{Serialize: remoting.RocketMQ, Language: remoting.Go, Version: remoting.Version451,
		MsgID: []byte("7F00000100002A9F0000000000000000"), TraceOn: true, Region: "DefaultRegion"}
	s := newStage(tb, func(_ int64, r *remoting.Request) { _ = r.Reply(reply, nil) })
	return s.producer(tb, o)
}

// raceDetector is set where the race detector is on, which allocates on its own.
var raceDetector bool

// A send in steady state hardly allocates, here and at the other end: the counts are of the whole process.
func TestSendAllocates(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	p := quick(t, Options{})
	choosy := quick(t, Options{Selector: LeastInFlight(), Avoid: Avoid54(), InstanceName: "choosy"})
	m := &Message{Topic: "T", Body: make([]byte, 128), Tags: "tag", Keys: []string{"key"}}
	back := make(chan error)
	callback := func(_ SendResult, err error) { back <- err }
	first := SelectorFunc(func([]MessageQueue, *Message, any) (int, error) { return 0, nil })
	for name, tt := range map[string]struct {
		most float64
		send func() error
	}{
		"sync":   {1, func() error { _, err := p.Send(t.Context(), m); return err }},
		"oneway": {1, func() error { _, err := p.SendOneway(t.Context(), m); return err }},
		"to a queue": {1, func() error {
			_, err := p.Send(t.Context(), m, To(MessageQueue{"T", "b0", 1}), Within(time.Minute))
			return err
		}},
		"by a selector":                       {1, func() error { _, err := p.Send(t.Context(), m, By(first, nil)); return err }},
		"by load, from brokers that are well": {1, func() error { _, err := choosy.Send(t.Context(), m); return err }},
		"async": {4, func() error { // alone, so that a batch of callbacks and its goroutine are its own
			if err := p.SendAsync(t.Context(), m, callback); err != nil {
				return err
			}
			return <-back
		}},
	} {
		n := testing.AllocsPerRun(2000, func() {
			if err := tt.send(); err != nil {
				t.Fatal(err)
			}
		})
		if n > tt.most {
			t.Errorf("%s: %v objects a send, at most %v", name, n, tt.most)
		}
		t.Logf("%s: %v objects a send", name, n)
	}
}

func BenchmarkSend(b *testing.B) {
	b.Run("sync/workers=1", func(b *testing.B) {
		p, m := quick(b, Options{}), &Message{Topic: "T", Body: make([]byte, 128)}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := p.Send(b.Context(), m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("sync/workers=64", func(b *testing.B) { benchmarkWorkers(b, 64) })
	b.Run("async/in flight=1024", func(b *testing.B) {
		p, m := quick(b, Options{}), &Message{Topic: "T", Body: make([]byte, 128)}
		permits := make(chan struct{}, 1024)
		var failed atomic.Int64
		callback := func(_ SendResult, err error) {
			if err != nil {
				failed.Add(1)
			}
			<-permits
		}
		b.ReportAllocs()
		for b.Loop() {
			permits <- struct{}{}
			if err := p.SendAsync(b.Context(), m, callback); err != nil {
				b.Fatal(err)
			}
		}
		for range cap(permits) { // until the last one is back
			permits <- struct{}{}
		}
		if n := failed.Load(); n > 0 {
			b.Errorf("%d failed", n)
		}
		reportWrites(b, p)
	})
}

func benchmarkWorkers(b *testing.B, workers int) {
	p := quick(b, Options{})
	b.SetParallelism(max(workers/runtime.GOMAXPROCS(0), 1))
	b.ReportAllocs()
	b.ResetTimer()
	var once sync.Once
	b.RunParallel(func(pb *testing.PB) {
		m := &Message{Topic: "T", Body: make([]byte, 128)}
		for pb.Next() {
			if _, err := p.Send(b.Context(), m); err != nil {
				once.Do(func() { b.Error(err) })
				return
			}
		}
	})
	reportWrites(b, p)
}

func reportWrites(b *testing.B, p *Producer) {
	s := p.Stats()
	b.ReportMetric(float64(s.FramesOut)/float64(max(s.Writes, 1)), "msgs/write")
	if s.StrayReplies != 0 {
		b.Error(fmt.Errorf("%d stray replies", s.StrayReplies))
	}
}
