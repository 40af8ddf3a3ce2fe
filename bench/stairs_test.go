package bench

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"rmqbench/producer"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// limitedSender answers at once up to a rate, and refuses every send beyond it.
type limitedSender struct{ refuses bool }

func (s limitedSender) Send(context.Context, *producer.Message, ...producer.SendOption) (producer.SendResult, error) {
	if s.refuses {
		return producer.SendResult{}, errors.New("too much")
	}
	return producer.SendResult{Broker: "b"}, nil
}

func (s limitedSender) SendOneway(ctx context.Context, m *producer.Message, _ ...producer.SendOption) (producer.SendResult, error) {
	return s.Send(ctx, m)
}

func (s limitedSender) SendAsync(ctx context.Context, m *producer.Message, callback func(producer.SendResult, error), _ ...producer.SendOption) error {
	res, err := s.Send(ctx, m)
	go callback(res, err)
	return nil
}

// climbTogether has so many shares climb the stairs of 400, 1,200 and 3,600 a second twice, on a target that takes 2,000.
func climbTogether(t *testing.T, of int) []*Report {
	t.Helper()
	s, err := scenarios.FromFlags(scenarios.Override{Path: "load.rate", Value: "400/s"}, scenarios.Override{Path: "load.workers", Value: "4"},
		scenarios.Override{Path: "slo", Value: "p50<10s,errors<1%"})
	if err != nil {
		t.Fatal(err)
	}
	begin := beginTogether(of)
	return together(t, of, func(k int) (*Report, error) {
		o := CapacityOptions{MaxRate: perSecond(3600), Steps: 3, Rounds: 2, Step: 600 * time.Millisecond}
		o.Share = &Share{Index: k, Of: of, Host: "here", Begin: begin}
		o.apart = 500 * time.Millisecond
		o.Sender = func(c *scenarios.Case) (Sender, error) {
			return limitedSender{c.Load.Stages[0].Rate.PerSecond() > 2000}, nil
		}
		return Capacity(t.Context(), s, o)
	})
}

// TestSharesClimbStairs: three shares climb the same stairs, nobody commands them, and the merge says of each what all of them together
// came to. With a share missing it has no answer.
func TestSharesClimbStairs(t *testing.T) {
	t.Parallel()
	reports := climbTogether(t, 3)
	merged := mergeShares(t, reports)
	c := merged.Run.Capacity
	if len(c.Steps) != 6 {
		t.Fatalf("%d steps", len(c.Steps))
	}
	if len(merged.Run.Lost) > 0 { // on a machine so busy that a share began a second late nothing is claimed of that step
		if c.Steps[len(c.Steps)-1].Found == results.StepHeld || results.CapacityStatus(merged.Run) != 1 {
			t.Errorf("status %d, lost %q", results.CapacityStatus(merged.Run), merged.Run.Lost)
		}
		return
	}
	highest := []float64{0, 400, 1200} // by how many rates held in both rounds
	held := 0
	for i, want := range []float64{400, 1200, 3600, 400, 1200, 3600} {
		step := &c.Steps[i]
		if step.RatePerSecond != want || step.Offered != int64(want*0.6) || step.Round != i/3 {
			t.Errorf("step %d: %v/s, round %d, offered %d; want %v", i, step.RatePerSecond, step.Round, step.Offered, want)
		}
		switch {
		case want > 2000 && (step.Found != results.StepBroke && step.Found != results.StepLimited || step.Acknowledged > 0):
			t.Errorf("%v/s is %s, acknowledged %d", want, step.Found, step.Acknowledged)
		case want < 2000 && step.Acknowledged != step.Offered:
			t.Errorf("%v/s: acknowledged %d of %d", want, step.Acknowledged, step.Offered)
		}
	}
	for held < 2 && c.Steps[held].Found == results.StepHeld && c.Steps[held+3].Found == results.StepHeld {
		held++
	}
	if held < 2 { // a machine that stood still for a moment was in no steady state: the steps say so, and the answer goes by them
		t.Logf("a busy machine: %s", c.Sentence(true))
	}
	if want := highest[held]; want > 0 && (c.RatePerSecond == nil || *c.RatePerSecond != want || len(merged.Run.Cases) != 2 || len(merged.Cases) != 2) ||
		want == 0 && c.RatePerSecond != nil {
		t.Errorf("the answer is %v with %d cases, want %v", c.RatePerSecond, len(merged.Run.Cases), want)
	}
	if c.BrokePerSecond != nil && *c.BrokePerSecond == 3600 && (c.Limit == nil || c.Limit.Kind != "errors" || !strings.Contains(c.Sentence(true), "; limit: errors, most of them: ")) {
		t.Errorf("the limit is %+v: %s", c.Limit, c.Sentence(true))
	}
	if len(merged.Run.Shards) != 3 {
		t.Errorf("%d shards", len(merged.Run.Shards))
	}
	if own := reports[0].Run.Capacity; own.Ended != results.EndedShare || own.RatePerSecond != nil || own.Steps[0].Found != "" {
		t.Errorf("a share says what only all can: %+v", own)
	}
	short := mergeShares(t, reports[:2]).Run
	if c := short.Capacity; c.RatePerSecond != nil || c.HeldPerSecond != nil || c.Ended != results.EndedInterrupted || c.Steps[0].Found != results.StepUnknown || results.CapacityStatus(short) != 1 {
		t.Errorf("without one share: %+v, status %d", c, results.CapacityStatus(short))
	}
}

func TestSettingOf(t *testing.T) {
	for reason, want := range map[string]string{
		"[TIMEOUT_CLEAN_QUEUE]": "waitTimeMillsInSendQueue",
		"[OVERLOAD]":            "sendThreadPoolQueueCapacity",
		"[of another kind]":     "",
		"OVERLOAD":              "",
		"":                      "",
	} {
		if got := SettingOf(reason); got != want {
			t.Errorf("SettingOf(%q) = %q, want %q", reason, got, want)
		}
	}
}

func TestStairs(t *testing.T) {
	got, err := stairs(1000, &CapacityOptions{MaxRate: perSecond(8000), Steps: 4, Rounds: 1, Tolerance: 0.01})
	if err != nil || len(got) != 4 || got[0] != 1000 || math.Abs(got[1]-2000) > 1 || math.Abs(got[2]-4000) > 1 || got[3] != 8000 {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := stairs(1000, &CapacityOptions{MaxRate: perSecond(8000), Steps: 1, Rounds: 1, Tolerance: 0.01}); err != nil || len(got) != 1 || got[0] != 8000 {
		t.Errorf("one step: %v, %v", got, err)
	}
	for name, tt := range map[string]struct {
		o    CapacityOptions
		want string
	}{
		"no ceiling":     {CapacityOptions{Steps: 4, Rounds: 1}, "give --max-rate"},
		"under it":       {CapacityOptions{MaxRate: perSecond(500), Steps: 4, Rounds: 1}, "would be less than 1 % apart"},
		"all but one":    {CapacityOptions{MaxRate: perSecond(1010), Steps: 4, Rounds: 1}, "would be less than 1 % apart"},
		"more than logs": {CapacityOptions{MaxRate: perSecond(5000), Steps: 20, Rounds: 4}, "at most 60 in all"},
	} {
		tt.o.Tolerance = 0.01
		if _, err := stairs(1000, &tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
