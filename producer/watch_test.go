package producer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rmqbench/internal/peer"
	"rmqbench/remoting"
)

// onlooker is a selector that picks the first queue and writes down what it is told.
type onlooker struct {
	mu     sync.Mutex // protects all
	lists  [][]MessageQueue
	open   map[MessageQueue]int // attempts under way
	began  int
	ended  []error
	slower time.Duration // the longest attempt
	odd    []string
}

func (w *onlooker) Select(queues []MessageQueue, _ *Message, _ any) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lists = append(w.lists, slices.Clone(queues))
	return 0, nil
}

func (w *onlooker) Began(q MessageQueue) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		w.open = map[MessageQueue]int{}
	}
	w.open[q]++
	w.began++
}

func (w *onlooker) Ended(q MessageQueue, took time.Duration, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open[q]--; w.open[q] < 0 || took < 0 {
		w.odd = append(w.odd, q.String())
	}
	w.ended = append(w.ended, err)
	w.slower = max(w.slower, took)
}

// check compares what a watcher has been told with the attempts that there were, and those of them that failed.
func (w *onlooker) check(t *testing.T, attempts, failed int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	bad := 0
	for _, err := range w.ended {
		if err != nil {
			bad++
		}
	}
	if w.began != attempts || len(w.ended) != attempts || bad != failed || len(w.odd) > 0 {
		t.Errorf("%d began, %d ended, %d failed, want %d and %d; odd: %v", w.began, len(w.ended), bad, attempts, failed, w.odd)
	}
}

// A producer's own selector picks each attempt's queue: of all for the first one, of the other brokers' for a retry.
func TestR50_SelectorOption(t *testing.T) {
	s := newStage(t, refusing(remoting.SystemError), nil)
	all := []MessageQueue{{"T", "b0", 0}, {"T", "b0", 1}, {"T", "b1", 0}, {"T", "b1", 1}}
	for kind, want := range map[string]struct{ attempts, failed int }{"sync": {2, 1}, "async": {1, 1}, "oneway": {1, 0}} {
		w := &onlooker{}
		p := s.producer(t, Options{Selector: w, InstanceName: t.Name() + kind})
		res, err := kinds(t, p)[kind](t.Context(), text("T", "x"))
		if kind == "sync" && (err != nil || res.Broker != "b1" || res.QueueID != 0 || res.Attempts != 2) {
			t.Errorf("%s: %+v %v", kind, res, err)
		}
		w.check(t, want.attempts, want.failed)
		if !slices.Equal(w.lists[0], all) || len(w.lists) > 1 && !slices.Equal(w.lists[1], all[2:]) {
			t.Errorf("%s: picked from %v", kind, w.lists)
		}
	}
	w := &onlooker{}
	p := s.producer(t, Options{Selector: SelectorFunc(func([]MessageQueue, *Message, any) (int, error) { t.Error("asked"); return 0, nil })})
	if _, err := p.Send(t.Context(), text("T", "x"), To(all[3])); err != nil {
		t.Error(err)
	}
	_, err := p.Send(t.Context(), text("T", "x"), By(w, nil))
	if se := sendError(t, err); se.Attempts != 1 {
		t.Errorf("%+v", se)
	}
	w.check(t, 1, 1)
}

// Queues are given as an order configuration has them, or else by broker and id.
func TestSelectorsSeeOneOrder(t *testing.T) {
	s := newStage(t, nil, nil)
	conf := "b1:2;b0:1"
	s.names.mu.Lock()
	r := s.names.routes["T"]
	slices.Reverse(r.Queues)
	slices.Reverse(r.Brokers)
	ordered := *r
	ordered.OrderTopicConf = &conf
	s.names.routes["O"] = &ordered
	s.names.mu.Unlock()
	w := &onlooker{}
	p := s.producer(t, Options{Selector: w})
	for topic, want := range map[string][]MessageQueue{
		"T": {{"T", "b0", 0}, {"T", "b0", 1}, {"T", "b1", 0}, {"T", "b1", 1}},
		"O": {{"O", "b1", 0}, {"O", "b1", 1}, {"O", "b0", 0}},
	} {
		w.lists = nil
		if _, err := p.Send(t.Context(), text(topic, "x")); err != nil || !slices.Equal(w.lists[0], want) {
			t.Errorf("%s: %v %v", topic, w.lists, err)
		}
	}
}

// However an attempt ends, the watcher hears of it once.
func TestWatcher(t *testing.T) {
	t.Run("no connection", func(t *testing.T) {
		s := newStage(t, nil)
		s.names.set("T", readWrite, 2, "b0="+peer.Dead(t))
		for kind, attempts := range map[string]int{"sync": 3, "async": 3, "oneway": 1} {
			w := &onlooker{}
			p := started(t, Options{NameServers: []string{s.names.addr()}, Selector: w, InstanceName: t.Name() + kind})
			if _, err := kinds(t, p)[kind](t.Context(), text("T", "x")); err == nil {
				t.Error("sent to nobody")
			}
			w.check(t, attempts, attempts)
		}
	})
	t.Run("no answer", func(t *testing.T) {
		s := newStage(t, silent)
		w := &onlooker{}
		p := s.producer(t, Options{Selector: w})
		const timeout = 30 * time.Millisecond
		for _, kind := range []string{"sync", "async"} {
			if _, err := kinds(t, p)[kind](t.Context(), text("T", "x"), Within(timeout)); err == nil {
				t.Error("no error")
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(timeout, cancel)
		if _, err := p.Send(ctx, text("T", "x")); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		w.check(t, 3, 3)
		if w.slower < timeout/2 {
			t.Errorf("the longest took %v", w.slower)
		}
	})
	t.Run("stored, but not well", func(t *testing.T) {
		s := newStage(t, stored(remoting.FlushDiskTimeout))
		w := &onlooker{}
		p := s.producer(t, Options{Selector: w, RetryNotOK: true})
		if _, err := p.Send(t.Context(), text("T", "x")); err != nil {
			t.Error(err)
		}
		w.check(t, 3, 0)
	})
	t.Run("executor full", func(t *testing.T) {
		s := newStage(t, nil)
		w := &onlooker{}
		p := started(t, Options{NameServers: []string{s.names.addr()}, Selector: w})
		if _, err := p.instance.routes.find(t.Context(), "T", "", 0); err != nil {
			t.Fatal(err)
		}
		p.instance.async.room = 0
		err := p.SendAsync(t.Context(), text("T", "x"), func(SendResult, error) { t.Error("called back") })
		if !errors.Is(err, ErrExecutorFull) {
			t.Error(err)
		}
		w.check(t, 1, 1)
	})
	t.Run("time is up while it waits", func(t *testing.T) {
		s := newStage(t, nil)
		w := &onlooker{}
		p := started(t, Options{NameServers: []string{s.names.addr()}, Selector: w})
		if _, err := p.instance.routes.find(t.Context(), "T", "", 0); err != nil {
			t.Fatal(err)
		}
		if _, err := sendAsync(t, p, t.Context(), text("T", "x"), Within(time.Nanosecond)); !errors.Is(err, ErrCallTimeout) {
			t.Error(err)
		}
		w.check(t, 0, 0) // it was up before there was an attempt
	})
	t.Run("many, some cut off", func(t *testing.T) {
		s := newStage(t, nil, nil)
		for _, b := range s.brokers {
			b.script = func(n int64, r *remoting.Request) {
				if n%40 == 0 {
					cut(n, r)
				} else {
					stored(remoting.Success)(n, r)
				}
			}
		}
		least := LeastInFlight()
		p := s.producer(t, Options{Selector: least, SendTimeout: 5 * time.Second})
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 50 {
					_, _ = p.Send(t.Context(), text("T", "x")) // some are cut off for good
				}
			})
		}
		for range 400 {
			all.Add(1)
			if err := p.SendAsync(t.Context(), text("T", "x"), func(SendResult, error) { all.Done() }); err != nil {
				all.Done()
			}
		}
		all.Wait()
		for _, broker := range []string{"b0", "b1"} {
			if n := least.(*leastInFlight).of(broker).Load(); n != 0 {
				t.Errorf("%d under way on %s when all have ended", n, broker)
			}
		}
	})
}

// touchy is a watcher that panics.
type touchy struct{ SelectorFunc }

func (touchy) Began(MessageQueue)                       { panic("began") }
func (touchy) Ended(MessageQueue, time.Duration, error) { panic("ended") }

// selectors that panic, err or pick what isn't there fail their own send, of a producer's own selector too; a
// watcher that panics fails none.
func TestR50_Selectors(t *testing.T) {
	s := newStage(t, nil, nil)
	mine := errors.New("mine")
	for name, tt := range map[string]struct {
		sel   Selector
		ok    func(*SelectorError) bool // nil: the send is well
		panic string
	}{
		"panics": {SelectorFunc(func([]MessageQueue, *Message, any) (int, error) { panic("oh") }),
			func(e *SelectorError) bool { return e.Panic != nil && e.Panic.Value == "oh" }, "panic in a selector: oh"},
		"errs":                   {SelectorFunc(func([]MessageQueue, *Message, any) (int, error) { return 0, mine }), func(e *SelectorError) bool { return errors.Is(e, mine) }, ""},
		"below":                  {SelectorFunc(func([]MessageQueue, *Message, any) (int, error) { return -1, nil }), func(e *SelectorError) bool { return e.Index == -1 && e.Queues == 4 }, ""},
		"above":                  {SelectorFunc(func(q []MessageQueue, _ *Message, _ any) (int, error) { return len(q), nil }), func(e *SelectorError) bool { return e.Index == 4 && e.Queues == 4 }, ""},
		"panics when it is told": {touchy{func([]MessageQueue, *Message, any) (int, error) { return 0, nil }}, nil, "panic in a selector: began"},
	} {
		t.Run(name, func(t *testing.T) {
			p := s.producer(t, Options{Selector: tt.sel})
			for kind, send := range kinds(t, p) {
				_, err := send(t.Context(), text("T", "x"))
				if tt.ok == nil {
					if err != nil {
						t.Errorf("%s: %v", kind, err)
					}
					continue
				}
				se, ok := errors.AsType[*SelectorError](err)
				if !ok || !tt.ok(se) || sendError(t, err).Attempts != 0 {
					t.Errorf("%s: %v", kind, err)
				}
				if _, err := send(t.Context(), text("T", "x"), To(MessageQueue{"T", "b1", 0})); err != nil {
					t.Errorf("%s: another send: %v", kind, err)
				}
			}
			if got := p.FirstPanic(); (got == nil) != (tt.panic == "") || got != nil && !strings.HasPrefix(got.Error(), tt.panic) {
				t.Errorf("first panic: %v", got)
			}
		})
	}
}

// a selector that blocks holds its own send up, and no other.
func TestR50_SelectorBlocks(t *testing.T) {
	s := newStage(t, nil)
	entered, leave := make(chan struct{}), make(chan struct{})
	p := s.producer(t, Options{Selector: SelectorFunc(func(_ []MessageQueue, m *Message, _ any) (int, error) {
		if m.Tags == "slow" {
			close(entered)
			<-leave
		}
		return 0, nil
	})})
	slow := make(chan error)
	go func() {
		_, err := p.Send(t.Context(), &Message{Topic: "T", Body: []byte("x"), Tags: "slow"})
		slow <- err
	}()
	<-entered
	for kind, send := range kinds(t, p) {
		if _, err := send(t.Context(), text("T", "x")); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	close(leave)
	if err := <-slow; err != nil {
		t.Error(err)
	}
}
