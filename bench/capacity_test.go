package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// queue is a sender with one server behind a queue without end, for virtual time.
type queue struct {
	service time.Duration
	refuses int // sends in the queue from which on the broker is busy; 0: none

	mu     sync.Mutex // protects following
	free   time.Time  // when the server has served what came so far
	length int
}

func (q *queue) Send(ctx context.Context, m *producer.Message, _ ...producer.SendOption) (producer.SendResult, error) {
	q.mu.Lock()
	now := time.Now()
	if q.refuses > 0 && q.length >= q.refuses {
		q.mu.Unlock()
		return producer.SendResult{Attempts: 1}, &producer.SendError{Topic: m.Topic, Attempts: 1,
			Err: remoting.NewBrokerError("b:1", remoting.SystemBusy, "[TIMEOUT_CLEAN_QUEUE]broker busy")}
	}
	q.length++
	if q.free.Before(now) {
		q.free = now
	}
	q.free = q.free.Add(q.service)
	wait := q.free.Sub(now)
	q.mu.Unlock()
	time.Sleep(wait)
	q.mu.Lock()
	q.length--
	q.mu.Unlock()
	return producer.SendResult{Attempts: 1, Broker: queueBroker}, nil
}

// queueBroker is the name of a queue's broker.
const queueBroker = "broker-c"

// brokers are what it says of itself, the same each time, so that two searches see the same.
func (q *queue) brokers() []results.BrokerPoint {
	return []results.BrokerPoint{{Broker: queueBroker, SendQueue: new(int64(7))}}
}

func (q *queue) SendOneway(ctx context.Context, m *producer.Message, opts ...producer.SendOption) (producer.SendResult, error) {
	return q.Send(ctx, m, opts...)
}

func (q *queue) SendAsync(ctx context.Context, m *producer.Message, callback func(producer.SendResult, error), opts ...producer.SendOption) error {
	go func() { callback(q.Send(ctx, m, opts...)) }()
	return nil
}

// searchOf searches in virtual time, by timers.
func searchOf(ctx context.Context, t *testing.T, text string, o CapacityOptions, sender Sender) *results.Run {
	t.Helper()
	return searchScenario(ctx, t, scenario(t, text), o, sender)
}

func searchScenario(ctx context.Context, t *testing.T, s *scenarios.Scenario, o CapacityOptions, sender Sender) *results.Run {
	t.Helper()
	c, err := searchable(s)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := json.Marshal(s.Resolved())
	if err != nil {
		t.Fatal(err)
	}
	run := &results.Run{Name: "test", Scenario: resolved}
	o = o.withDefaults()
	h := newHunt(run, c, &o)
	h.ends = time.Now().Add(o.Budget)
	run.Capacity = h.record
	if o.Resume != nil {
		q := &quest{runner: &runner{run: run}}
		if err := q.resumes(o.Resume); err != nil {
			t.Fatal(err)
		}
		if err := q.resume(h, q.before); err != nil {
			t.Fatal(err)
		}
	}
	look := watcher{}
	if q, ok := sender.(*queue); ok {
		look.brokers = q.brokers
		run.Target.Brokers = []results.Broker{{Name: queueBroker, Settings: map[string]string{"sendMessageThreadPoolNums": "1"}}}
	}
	err = h.search(ctx, func(ctx context.Context, c *scenarios.Case, _ int) (*measurement, error) {
		return drive(ctx, planOf(t, c), sender, timerWaiter{}, look)
	})
	if err != nil {
		t.Fatal(err)
	}
	results.Judge(run)
	wantSums(t, run)
	return run
}

// TestCapacityOfAQueue: with a constant schedule a server of 1 ms holds any rate under 1,000/s at 1 ms, and none over it.
func TestCapacityOfAQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		run := searchOf(t.Context(), t, "load: {stages: [{for: 1s, rate: 300/s}]}\nslo: [p90<10ms]\n",
			CapacityOptions{Step: 4 * time.Second, Confirm: 8 * time.Second, Rounds: 2}, &queue{service: time.Millisecond})
		c := run.Capacity
		if c.Ended != results.EndedFound || c.RatePerSecond == nil || *c.RatePerSecond < 980 || *c.RatePerSecond > 1002 {
			t.Fatalf("%+v", c)
		}
		if len(run.Cases) < 2 || len(c.Rounds) != 2 || c.LowPerSecond == nil || c.AtLeast || results.CapacityStatus(run) != 0 && run.Verdict == results.Valid {
			t.Errorf("%d cases, %s, %+v", len(run.Cases), run.Verdict, c)
		}
		if l := c.Limit; l == nil || l.Kind != "queueing" || l.Broker != queueBroker || l.Setting != "sendMessageThreadPoolNums" || !strings.Contains(l.Text, "1.00 ms without the queue") {
			t.Errorf("limit %+v", l)
		}
		for _, want := range []string{"Holds ", "/s at p90<10ms, errors<1% (95 %: ", "limit: sendMessageThreadPoolNums on broker-c (1, for which 7 sends waited on average)"} {
			if got := c.Sentence(true); !strings.Contains(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		}
	})
}

// TestCapacityOfABusyBroker: refusals are fast, and the answer says which setting governs them.
func TestCapacityOfABusyBroker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		run := searchOf(t.Context(), t, "load: {stages: [{for: 1s, rate: 300/s}]}\nslo: [p90<1s, errors<0.1%]\n",
			CapacityOptions{Step: 4 * time.Second, Confirm: 8 * time.Second, Rounds: 1}, &queue{service: time.Millisecond, refuses: 10})
		c := run.Capacity
		if c.RatePerSecond == nil || *c.RatePerSecond < 980 || *c.RatePerSecond > 1003 || c.Limit == nil || c.Limit.Kind != "broker_busy" || c.Limit.Setting != "waitTimeMillsInSendQueue" {
			t.Errorf("%+v, limit %+v", c, c.Limit)
		}
	})
}

// TestCapacityIsNotTheGenerators: two workers that wait 10 ms for each answer make 200/s, which is no capacity.
func TestCapacityIsNotTheGenerators(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.service = 10 * time.Millisecond
		run := searchOf(t.Context(), t, "load: {workers: 2, stages: [{for: 1s, rate: 100/s}]}\nslo: [p90<30ms]\n",
			CapacityOptions{Step: 4 * time.Second, Confirm: 8 * time.Second}, f)
		c := run.Capacity
		if c.Ended != results.EndedGenerator || !c.AtLeast || results.CapacityStatus(run) != 5 {
			t.Errorf("%+v, status %d", c, results.CapacityStatus(run))
		}
		if got := c.Sentence(true); !strings.Contains(got, "Holds at least ") || !strings.Contains(got, "use -w ") {
			t.Error(got)
		}
	})
}

// TestCapacityEnds: by its budget, by an interrupt, at its ceiling, and where nothing holds.
func TestCapacityEnds(t *testing.T) {
	t.Parallel()
	short := CapacityOptions{Step: 4 * time.Second, Confirm: 8 * time.Second, Rounds: 2}
	for name, tt := range map[string]struct {
		change func(*CapacityOptions)
		slo    string
		stop   time.Duration
		ended  string
		status int
		says   string
	}{
		"budget":    {func(o *CapacityOptions) { o.Budget = 30 * time.Second }, "p90<10ms", 0, results.EndedBudget, 4, "not confirmed"},
		"ceiling":   {func(o *CapacityOptions) { o.MaxRate = scenarios.Rate{Count: 500, Per: time.Second} }, "p90<10ms", 0, results.EndedCeiling, 0, "Holds at least 500/s"},
		"nothing":   {func(o *CapacityOptions) { o.Budget = 3 * time.Hour }, "p90<1us", 0, results.EndedNothingHeld, 3, "No rate that was tried holds p90<1us"},
		"interrupt": {nil, "p90<10ms", 12 * time.Second, results.EndedInterrupted, 130, "Held 600/s"},
		"at once":   {nil, "p90<10ms", -1, results.EndedInterrupted, 130, "No answer"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := short
				if tt.change != nil {
					tt.change(&o)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				switch {
				case tt.stop > 0:
					time.AfterFunc(tt.stop, cancel)
				case tt.stop < 0:
					cancel()
				}
				run := searchOf(ctx, t, fmt.Sprintf("load: {stages: [{for: 1s, rate: 300/s}]}\nslo: ['%s']\n", tt.slo), o, &queue{service: time.Millisecond})
				c := run.Capacity
				if c.Ended != tt.ended || !strings.Contains(c.Sentence(true), tt.says) {
					t.Errorf("ended by %s, %q", c.Ended, c.Sentence(true))
				}
				if got := results.CapacityStatus(run); got != tt.status && (got != 4 || run.Verdict != results.Suspect) {
					t.Errorf("status %d, want %d: %s", got, tt.status, run.Verdict)
				}
			})
		})
	}
}

// TestCapacityGoesOn: a search that was interrupted and resumed from its file takes no step twice and says the same.
func TestCapacityGoesOn(t *testing.T) {
	t.Parallel()
	const text = "load: {stages: [{for: 1s, rate: 300/s}]}\nslo: [p90<10ms]\n"
	o := CapacityOptions{Step: 4 * time.Second, Confirm: 8 * time.Second, Rounds: 2}
	var whole, again *results.Run
	synctest.Test(t, func(t *testing.T) { whole = searchOf(t.Context(), t, text, o, &queue{service: time.Millisecond}) })
	for _, after := range []time.Duration{time.Second, 30 * time.Second, 70 * time.Second} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), after)
			defer cancel()
			cut := searchOf(ctx, t, text, o, &queue{service: time.Millisecond})
			var file bytes.Buffer
			if err := results.Encode(&file, cut); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, results.RunFile), file.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		})
		before, err := results.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			o := o
			o.Resume = before
			again = searchOf(t.Context(), t, text, o, &queue{service: time.Millisecond})
		})
		if got, want := again.Capacity.Sentence(true), whole.Capacity.Sentence(true); got != want {
			t.Errorf("cut after %v and %d of %d steps:\n%s\nwant\n%s", after, len(before.Capacity.Steps), len(whole.Capacity.Steps), got, want)
		}
		if len(again.Capacity.Steps) != len(whole.Capacity.Steps) || len(again.Cases) != len(whole.Cases) {
			t.Errorf("%d steps and %d cases, want %d and %d", len(again.Capacity.Steps), len(again.Cases), len(whole.Capacity.Steps), len(whole.Cases))
		}
	}
	for name, spoil := range map[string]func(*results.Run){
		"no search":        func(r *results.Run) { r.Capacity = nil },
		"another scenario": func(r *results.Run) { r.Scenario = []byte("{}") },
		"--start":          func(r *results.Run) { r.Capacity.Steps[0].RatePerSecond++ },
	} {
		before := *whole
		c := *whole.Capacity
		c.Steps = slices.Clone(c.Steps)
		before.Capacity = &c
		spoil(&before)
		o := o
		o.Resume = &before
		if _, err := Capacity(t.Context(), scenario(t, text), o); err == nil || !strings.Contains(err.Error(), "can't be resumed") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNotSearchable: what makes no sense is refused before anything is sent.
func TestNotSearchable(t *testing.T) {
	const open = "load: {stages: [{for: 1s, rate: 1k/s}]}\n"
	for text, want := range map[string]string{
		open:                                "--slo 'p99<10ms,errors<0.1%'",
		"slo: [p99<1s]\n":                   "--start",
		open + "slo: [p99<1s, rate>1k/s]\n": "the rate is what capacity looks for",
		"slo: [p99<1s]\nload: {mode: oneway, stages: [{for: 1s, rate: 1k/s}]}\n": "oneway sends have no answers",
		open + "slo: [p99<1s]\nevents: [{at: 0s, for: 1s, stall: true}]\n":       "events",
		open + "slo: [p99<1s]\ncases: [{name: one}, {name: two}]\n":              "has 2",
	} {
		_, err := Capacity(t.Context(), scenario(t, text), CapacityOptions{})
		if _, ok := errors.AsType[scenarios.Faults](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestCapacityOnASocket is a search on the embedded broker, whatever this machine lets it find.
func TestCapacityOnASocket(t *testing.T) {
	t.Parallel()
	steps := 0
	report, err := Capacity(t.Context(), scenario(t, "target: {embedded: {service_time: 1ms}}\nload: {stages: [{for: 1s, rate: 700/s}]}\nslo: [p50<1s]\n"),
		CapacityOptions{Step: time.Second, Confirm: time.Second, Rounds: 1, Tolerance: 1, Budget: time.Minute, Told: func(string, results.CapacityStep) { steps++ }})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	c := report.Run.Capacity
	if steps == 0 || len(c.Steps) != steps || c.BytesOut == 0 || len(report.Run.Cases) == 0 || len(report.Histograms) == 0 || !report.Run.Target.Embedded {
		t.Errorf("%d steps, %+v", steps, c)
	}
	if c.HeldPerSecond == nil || *c.HeldPerSecond > 1050 {
		t.Errorf("held %v of a server that makes 1,000/s: %s", c.HeldPerSecond, c.Sentence(true))
	}
}

// TestCapacityLoses is a search on three embedded brokers, once more without the busiest, and what --need makes of it.
func TestCapacityLoses(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 3})
	s := scenario(t, on(c.NameServer())+"topic: {name: T, queues_per_broker: 2}\nload: {stages: [{for: 1s, rate: 300/s}]}\nslo: [p50<1s]\n")
	withs := map[string]int{}
	o := CapacityOptions{Step: time.Second, Confirm: time.Second, Rounds: 1, Tolerance: 1, MaxRate: perSecond(300), Lose: 1, Need: perSecond(1000), Headroom: 0.5,
		Told: func(with string, _ results.CapacityStep) { withs[with]++ }}
	report, err := Capacity(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	got := report.Run.Capacity
	if len(got.Parts) != 1 || len(got.Parts[0].Lost) != 1 || len(got.Parts[0].Brokers) != 2 || got.Parts[0].Lost[0] == got.Parts[0].Brokers[0] {
		t.Fatalf("%+v", got.Parts)
	}
	part := &got.Parts[0]
	if withs[""] != len(got.Steps) || withs["without "+part.Lost[0]] != len(part.Steps) || part.BytesOut == 0 {
		t.Errorf("told %v", withs)
	}
	for i := range report.Run.Cases {
		c := &report.Run.Cases[i]
		_, without := strings.CutPrefix(c.Name, part.With()+": ")
		if slices.ContainsFunc(c.Brokers, func(b results.Share) bool { return b.Broker == part.Lost[0] }) == without || len(report.Run.Cases) < 2 {
			t.Errorf("%s: %+v", c.Name, c.Brokers)
		}
	}
	if n := got.Need; n == nil || n.MeasuredBrokers != 3 || got.RatePerSecond == nil || n.Brokers == nil || *n.Brokers != int64(math.Ceil(1000/0.5/(*got.RatePerSecond/3))) || n.Check == nil || n.Check.Few != 2 {
		t.Errorf("%+v", n)
	}
	if text := got.Sentence(false); !strings.Contains(text, " with one broker lost") {
		t.Error(text)
	}
	o.Resume = report.Run // goes the same way, without a step
	clear(withs)
	again, err := Capacity(t.Context(), s, o)
	if err != nil || len(withs) != 0 || again.Run.Capacity.Sentence(true) != got.Sentence(true) || len(again.Run.Cases) != len(report.Run.Cases) {
		t.Errorf("%v, told %v, %+v", err, withs, again)
	}
	o.Lose, o.Resume = 3, nil
	if _, err := Capacity(t.Context(), s, o); err == nil || !strings.Contains(err.Error(), "--lose 3: of 3 brokers nothing would be left") {
		t.Errorf("%v", err)
	}
}

func TestPartsOf(t *testing.T) {
	for _, tt := range []struct {
		brokers, lose, few int
		want               string
	}{
		{3, 0, 0, ""}, {1, 0, 0, ""},
		{2, 1, 1, "without a"}, {3, 1, 2, "without a"}, {4, 1, 2, "without a; with c, d only"},
		{4, 0, 2, "with c, d only"}, {2, 0, 1, "with b only"}, {4, 2, 2, "without a, b"},
	} {
		var got []string
		for _, p := range partsOf([]string{"a", "b", "c", "d"}[:tt.brokers], tt.lose, tt.few) {
			got = append(got, p.With())
		}
		if text := strings.Join(got, "; "); text != tt.want {
			t.Errorf("%+v: %s", tt, text)
		}
	}
	if got := busiest(&results.Case{Brokers: []results.Share{{Broker: "a", Acknowledged: 1}, {Broker: "c", Acknowledged: 9}}}, []string{"a", "b", "c"}); !slices.Equal(got, []string{"c", "a", "b"}) {
		t.Errorf("%v", got)
	}
}

// TestSearchOnDisks: what a search may put on a disk is the ceiling's for all of its budget, not the rate's that it begins with; without
// a ceiling nothing bounds it.
func TestSearchOnDisks(t *testing.T) {
	c := &parse(t, "message: {size: 1000B}\nload: {count: 10, stages: [{for: 1s, rate: 10/s, warmup: true}, {for: 10s, rate: 10/s}]}")[0]
	route := &message.Route{Brokers: []message.BrokerData{{Name: "a", Addrs: map[int64]string{0: "127.0.0.1:1"}}},
		Queues: []message.QueueData{{Broker: "a", ReadQueues: 2, WriteQueues: 2, Perm: message.PermRead | message.PermWrite}}}
	expected := func(o CapacityOptions) *results.Disk {
		s := &somebodys{}
		s.record.Brokers = []results.Broker{{Name: "a", Disk: &results.Disk{}}}
		most := o.withDefaults().most(c)
		if err := s.expect(&most, []*message.Route{route}, 1); err != nil {
			t.Fatal(err)
		}
		return s.record.Brokers[0].Disk
	}
	if d := expected(CapacityOptions{MaxRate: c.Load.Stages[0].Rate, Budget: 100 * time.Second}); d.ExpectedBytes == nil || *d.ExpectedBytes < 1000*1000 || *d.ExpectedBytes > 1000*1400 {
		t.Errorf("10/s of 1,000 B for 100 s: %+v", d)
	}
	if d := expected(CapacityOptions{}); !d.Unbounded || d.ExpectedBytes != nil {
		t.Errorf("without a ceiling: %+v", d)
	}
	if len(c.Load.Stages) != 2 || c.Load.Count != 10 {
		t.Error("the case itself is another")
	}
}
