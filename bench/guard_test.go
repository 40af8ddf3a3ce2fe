package bench

import (
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/results"
)

// TestGuard feeds a guard of 5 % for 5 s with what ends in each quarter of a second.
func TestGuard(t *testing.T) {
	steady := func(n, bad int64) func(int) (int64, int64) { return func(int) (int64, int64) { return n, bad } }
	from, until := func(at int, bad int64) func(int) (int64, int64) {
		return func(i int) (int64, int64) {
			if i < at {
				return 100, 0
			}
			return 100, bad
		}
	}, func(i, at int, bad int64) int64 {
		if i < at {
			return bad
		}
		return 0
	}
	for name, tt := range map[string]struct {
		ended func(quarter int) (n, bad int64)
		want  time.Duration // when it stops; 0: never, in a minute
	}{
		"no errors":               {steady(100, 0), 0},
		"at the limit":            {steady(100, 5), 0},
		"over it":                 {steady(100, 6), 5 * time.Second},
		"all":                     {steady(100, 100), 5 * time.Second},
		"from 10 s on":            {from(40, 20), 15 * time.Second},
		"4 s of all":              {func(i int) (int64, int64) { return 100, until(i, 16, 100) }, 0},
		"again and again for 3 s": {func(i int) (int64, int64) { return 100, until(i%24, 12, 100) }, 0},
		"nothing ends":            {steady(0, 0), 0},
		"bursts of timeouts": {func(i int) (int64, int64) { // 64 workers wait for 3 s each
			if i%12 != 11 {
				return 0, 0
			}
			return 64, 64
		}, 6 * time.Second},
		"1/s, half of them": {func(i int) (int64, int64) {
			if i%4 != 0 {
				return 0, 0
			}
			return 1, int64(i / 4 % 2)
		}, 7250 * time.Millisecond},
		"4/s, one in 30": {func(i int) (int64, int64) {
			if i%30 == 0 {
				return 1, 1
			}
			return 1, 0
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuard()
			var n, bad int64
			for i := range 240 {
				more, worse := tt.ended(i)
				n, bad = n+more, bad+worse
				now := time.Duration(i+1) * time.Second / 4
				if why := g.look(int64(now), n, bad); why != nil {
					if now != tt.want {
						t.Errorf("stopped after %v, want %v: %s", now, tt.want, why.why)
					}
					return
				}
			}
			if tt.want != 0 {
				t.Errorf("never stopped, want after %v", tt.want)
			}
		})
	}
}

// TestR46_GuardStopsTheRun: off loopback a run whose sends fail ends by itself, and the cases that would have followed aren't begun.
func TestR46_GuardStopsTheRun(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{})
	text := on(c.NameServer()) + "topic: {name: T, create: if_absent}\n" +
		"load: {workers: 4, stages: [{for: 2m, rate: 400/s}]}\ncases:\n  - {name: one}\n  - {name: two}\n"
	c.Brokers()[0].Answer(0.2, remoting.SystemBusy, broker.BusyTimeout)
	began := time.Now()
	report, err := Run(t.Context(), scenario(t, text), Options{abroad: true})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("took %v", took)
	}
	run := report.Run
	wantSums(t, run)
	if run.StoppedBy != results.StoppedByGuard || run.Verdict != results.Partial || results.ExitStatus(run, true) != 3 || len(run.Cases) != 2 {
		t.Errorf("stopped by %q (%s), %s, exit status %d, %d cases", run.StoppedBy, run.CutShort, run.Verdict, results.ExitStatus(run, true), len(run.Cases))
	}
	one, two := &run.Cases[0], &run.Cases[1]
	if one.StoppedBy != results.StoppedByGuard || one.Refused == 0 || one.Acknowledged == 0 || two.Attempted != 0 || two.Verdict != results.Partial {
		t.Errorf("the cases: %q %+v, %q %+v", one.CutShort, one.Counts, two.CutShort, two.Counts)
	}
}

// TestNoGuard: neither on loopback nor where it was turned off.
func TestNoGuard(t *testing.T) {
	c := loadOf(t, "stages: [{for: 1s}]")
	for _, tt := range []struct {
		local, off bool
		want       int
	}{{false, false, 1}, {true, false, 0}, {false, true, 0}} {
		if s := newStops(c, &target{local: tt.local}, &Options{NoGuard: tt.off}); len(s.guards) != tt.want {
			t.Errorf("local %v, off %v: %d guards", tt.local, tt.off, len(s.guards))
		}
	}
}

// TestStops: a scenario's own limits end a case, and it alone.
func TestStops(t *testing.T) {
	for name, tt := range map[string]struct {
		load, slo string
		answer    func(n int64) (producer.SendResult, error)
		by        string
		at        time.Duration // about; 0: it isn't stopped
	}{
		"errors": {"stop: {errors: 10%, for: 2s}", "", func(n int64) (producer.SendResult, error) {
			if n%5 == 0 {
				return producer.SendResult{Attempts: 1}, &producer.SendError{Err: remoting.NewBrokerError("", remoting.SystemBusy, "")}
			}
			return producer.SendResult{Attempts: 1}, nil
		}, results.StoppedByErrors, 2 * time.Second},
		"few errors": {"stop: {errors: 30%, for: 2s}", "", func(n int64) (producer.SendResult, error) {
			if n%5 == 0 {
				return producer.SendResult{Attempts: 1}, &producer.SendError{Err: remoting.NewBrokerError("", remoting.SystemBusy, "")}
			}
			return producer.SendResult{Attempts: 1}, nil
		}, "", 0},
		"objective":                    {"stop: {slo: true, grace: 3s}", "slo: [mean<100us]", nil, results.StoppedByObjective, 3 * time.Second},
		"objective that holds":         {"stop: {slo: true, grace: 3s}", "slo: [mean<10ms]", nil, "", 0},
		"objective that can't be told": {"stop: {slo: true, grace: 3s}", "slo: [p99.99<10ms]", nil, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.service, f.answer = time.Millisecond, tt.answer
				c := &parse(t, "load: {workers: 8, stages: [{for: 20s, rate: 100/s}], "+tt.load+"}\n"+tt.slo)[0]
				stops := newStops(c, &target{local: true}, &Options{})
				m, err := drive(t.Context(), planOf(t, c), f, timerWaiter{}, watcher{stops: stops, review: reviewOf(c, stops)})
				if err != nil {
					t.Fatal(err)
				}
				out, _, err := m.record(c)
				if err != nil {
					t.Fatal(err)
				}
				run := &results.Run{Cases: []results.Case{out}}
				results.Judge(run)
				wantSums(t, run)
				took := time.Duration(out.ElapsedNS)
				if tt.at == 0 {
					tt.at = 20 * time.Second
				}
				if out.StoppedBy != tt.by || took < tt.at-10*time.Millisecond || took > tt.at+1100*time.Millisecond {
					t.Errorf("stopped by %q (%s) after %v, want %q after %v", out.StoppedBy, out.CutShort, took, tt.by, tt.at)
				}
				if want := map[bool]int{true: 3, false: 0}[tt.by != ""]; tt.by != "" && results.ExitStatus(run, true) != want {
					t.Errorf("exit status %d, want %d", results.ExitStatus(run, true), want)
				}
			})
		})
	}
}
