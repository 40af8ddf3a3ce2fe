package bench

import (
	"testing"
	"time"

	"rmqbench/broker"
)

// TestRunDelayed: what brokers still keep back at the end is said, with the time until which they do.
func TestRunDelayed(t *testing.T) {
	c := cluster(t, broker.Options{})
	report, err := Run(t.Context(), scenario(t, on(c.NameServer())+"topic: {name: LATER}\nmessage: {delay_level: 4}\nload: {count: 300}"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	d := report.Run.Cases[0].Delayed
	if d == nil || d.Messages != 300 || d.DelayNS != int64(30*time.Second) || d.Until.Before(report.Run.StartedAt.Add(30*time.Second)) || d.Until.After(report.Run.EndedAt.Add(32*time.Second)) {
		t.Errorf("%+v, the run was from %v to %v", d, report.Run.StartedAt, report.Run.EndedAt)
	}
}

func TestDelayBook(t *testing.T) {
	began := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	b := newDelayBook(2) // 5 s
	if got := b.pending(began); got != nil {
		t.Errorf("nothing was stored: %+v", got)
	}
	for ms := range int64(60_000) { // a thousand a second, neighbours out of order
		b.note((ms ^ 1) * int64(time.Millisecond))
	}
	got := b.pending(began)
	if got == nil || got.Messages < 5000 || got.Messages > 6000 || !got.Until.Equal(began.Add(65*time.Second)) {
		t.Errorf("%+v", got)
	}
	b.note(200 * int64(time.Second))
	if got := b.pending(began); got.Messages != 1 {
		t.Errorf("after a pause: %+v", got)
	}
	none := newDelayBook(0)
	none.note(1)
	if got := none.pending(began); got != nil {
		t.Errorf("without a delay: %+v", got)
	}
}
