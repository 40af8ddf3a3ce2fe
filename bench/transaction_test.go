package bench

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/broker"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// TestRunTransactions: the run stays until the broker has asked for every end that was left open, and what was not rolled back
// is what consumers get.
func TestRunTransactions(t *testing.T) {
	const check = 50 * time.Millisecond
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
	if in := stored(t, c, "T"); in != ends.Committed+ends.CheckedBack {
		t.Errorf("%d stored: %+v", in, ends)
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
