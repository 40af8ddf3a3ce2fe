package bench

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting/message"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// TestRunTransactions: the run stays until the broker has asked for every end that was left open, and what was not rolled back
// is what consumers get.
func TestRunTransactions(t *testing.T) {
	t.Parallel()
	const check = 500 * time.Millisecond // a commit that comes later is one more, as with RocketMQ
	c := cluster(t, broker.Options{Brokers: 2, CheckAfter: check, CheckInterval: check})
	report, err := Run(t.Context(), scenario(t, on(c.NameServer())+"topic: {name: T}\n"+
		"load: {mode: transaction, workers: 8, count: 800, transaction: {rollback: 0.25, check_back: 0.25}}"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	r := &report.Run.Cases[0]
	ends := r.Transactions
	if ends == nil || r.Acknowledged != 800 || ends.Committed+ends.RolledBack+ends.CheckedBack != 800 || ends.Open != 0 {
		t.Fatalf("%+v, %+v", r.Counts, ends)
	}
	for what, n := range map[string]int64{"rolled back": ends.RolledBack, "checked back": ends.CheckedBack} {
		if n < 140 || n > 260 { // 200 ± 5 standard deviations
			t.Errorf("%d %s of 800, want a quarter", n, what)
		}
	}
	want := ends.Committed + ends.CheckedBack
	for deadline := time.Now().Add(20 * time.Second); stored(t, c, "T") < want && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) { // ends have no answer
	}
	if in := stored(t, c, "T"); in < want || in > want+ends.AskedAgain {
		t.Errorf("%d stored: %+v", in, ends)
	}
}

// TestAskedAgain: a question about a commit that the broker has been told, or has asked about before, is counted: it may deliver twice.
func TestAskedAgain(t *testing.T) {
	ends := newTransactions(&scenarios.Transaction{Rollback: 0.5, CheckBack: 0.25})
	var commits, rollbacks int64
	for i := range 64 {
		id := strconv.Itoa(i)
		m := &producer.Received{}
		m.Properties.Set(message.PropertyUniqueKey, id)
		if ends.Check(m) == producer.TransactionCommit {
			commits++
		} else {
			rollbacks++
		}
		ends.ask(id)
		ends.Check(m)
	}
	if got := ends.settle(t.Context(), 0); got.AskedAgain != commits || got.CheckedBack != 64 || commits == 0 || rollbacks == 0 {
		t.Errorf("%+v of %d commits and %d roll-backs", got, commits, rollbacks)
	}
}

// TestSettle: whoever waits for the broker's questions waits no longer than he may.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ends := newTransactions(&scenarios.Transaction{CheckBack: 1})
		began := time.Now()
		if got := ends.settle(t.Context(), time.Minute); *got != (results.Transactions{}) || time.Since(began) > 0 {
			t.Errorf("nothing to wait for: %+v after %v", got, time.Since(began))
		}
		ends.ask("one")
		if got := ends.settle(t.Context(), time.Minute); got.Open != 1 || time.Since(began) != time.Minute {
			t.Errorf("nobody asks: %+v after %v", got, time.Since(began))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got := ends.settle(ctx, time.Minute); got.Open != 1 || time.Since(began) != time.Minute {
			t.Errorf("interrupted: %+v after %v", got, time.Since(began))
		}
	})
}
