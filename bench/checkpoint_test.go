package bench

import (
	"bytes"
	"context"
	"testing"
	"time"

	"rmqbench/results"
)

// TestR29_Checkpoints: a checkpoint is a record of its own: its sums hold, it is PARTIAL, and what comes later doesn't change it.
func TestR29_Checkpoints(t *testing.T) {
	t.Parallel()
	const text = "cases:\n  - {name: closed, load: {workers: 4, stages: [{for: 100ms, warmup: true}, {for: 700ms}]}}\n" +
		"  - {name: open, load: {mode: async, stages: [{for: 20s, rate: 1k/s}]}}\n"
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	var kept []*Report
	var encoded [][]byte
	report, err := Run(ctx, scenario(t, text), Options{Checkpoint: func(r *Report) {
		var b bytes.Buffer
		if err := results.Encode(&b, r.Run); err != nil {
			t.Error(err)
		}
		kept, encoded = append(kept, r), append(encoded, b.Bytes())
		if last := len(r.Run.Cases) - 1; r.Run.Cases[last].Name == "open" && r.Run.Cases[last].Attempted > 0 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	if len(kept) < 2 || len(report.Series) == 0 {
		t.Fatalf("%d checkpoints, %d intervals", len(kept), len(report.Series))
	}
	for i, r := range kept {
		wantSums(t, r.Run)
		if r.Run.Verdict != results.Partial || r.Run.CutShort != results.Unfinished || len(r.Series) == 0 {
			t.Errorf("checkpoint %d: %s, cut short %q, %d intervals", i, r.Run.Verdict, r.Run.CutShort, len(r.Series))
		}
		var b bytes.Buffer
		if err := results.Encode(&b, r.Run); err != nil || !bytes.Equal(b.Bytes(), encoded[i]) {
			t.Errorf("checkpoint %d has changed since (%v)", i, err)
		}
	}
	if last := kept[len(kept)-1].Run; len(last.Cases) != 2 || last.Cases[0].Verdict == results.Partial {
		t.Errorf("the last checkpoint: %+v", last.Cases)
	}
}
