package results

import (
	"math"
	"strings"
	"testing"
	"time"

	"rmqbench/internal/golden"
)

// selectorRun is a comparison of three selectors in so many rounds. One of three brokers is slow from 0.3 s on for 1.6 s; robin
// doesn't notice, avoiding leaves it after 1 s for the rest of the time, and hash is as robin, but keeps keys together.
func selectorRun(t *testing.T, rounds int) *Run {
	t.Helper()
	const bin, bins = 50_000_000, 70
	run := &Run{Name: "selectors", Target: Target{Embedded: true}}
	var logs []TaggedHistogram
	for round := 1; round <= rounds; round++ {
		for i, name := range []string{"round_robin", "avoiding", "hash"} {
			worst := []time.Duration{1500, 900, 1500}[i]*time.Millisecond + time.Duration(round*(i+1))*3*time.Millisecond
			if i == 2 { // round by round a little more or less than the first
				worst = 1500*time.Millisecond + time.Duration(3*round+[]int{2, -2}[round%2])*time.Millisecond
			}
			c, hs := roundOf(name, round, 4000, time.Millisecond, worst)
			c.Params = map[string]string{"producer.selector": name}
			c.Queues = nil
			for b := range 3 {
				for q := range int32(3) {
					share := Share{Broker: []string{"a", "b", "c"}[b], Queue: new(q), Acknowledged: 500}
					if q < 2 {
						share.BeforeChange = new(200 + 100*int64(i)*int64(q))
					}
					c.Queues = append(c.Queues, share)
				}
			}
			c.Queues[0].Acknowledged -= 500 // 4,000 in all
			c.Events = []Event{{Kind: "service_time", Text: "service_time: 6ms", Broker: "a", AtNS: 300e6, LengthNS: 1600e6},
				{Kind: "topic", Text: "queues_per_broker: 3", AtNS: 2e9}}
			for _, b := range []string{"a", "b", "c"} {
				p := Pulse{Broker: b, BinNS: bin}
				for at := range bins {
					n := int64(20)
					if away := name == "avoiding" && at >= 26 && at < 48; away {
						n = map[string]int64{"a": 0, "b": 30, "c": 30}[b]
					}
					p.Sends = append(p.Sends, n)
				}
				c.Pulse = append(c.Pulse, p)
			}
			c.Keys = &Keys{Used: 100, InTwoQueues: 100, Pairs: 3900, OrderBreaks: 3800, Change: &KeyChange{Both: 100}}
			if name == "hash" {
				c.Keys = &Keys{Used: 100, InTwoQueues: 33, Pairs: 3900, OrderBreaks: 39, Change: &KeyChange{Both: 100, InOneBefore: 100, Moved: 33}}
			}
			run.Cases, logs = append(run.Cases, c), append(logs, hs...)
		}
	}
	var err error
	if run.Pooled, err = Pool([]string{"round_robin", "avoiding", "hash"}, run.Cases, logs); err != nil {
		t.Fatal(err)
	}
	Judge(run)
	return run
}

func TestSelectors(t *testing.T) {
	s := selectorRun(t, 10).Selectors
	if s == nil || len(s.Rows) != 3 || s.Test != "signed_rank" || s.Pairs != 3 || s.Rounds != 10 || s.RoundsNeeded != 10 || len(s.Compared) != 3 {
		t.Fatalf("%+v", s)
	}
	robin, avoiding, hash := &s.Rows[0], &s.Rows[1], &s.Rows[2]
	if robin.LeftAfterNS != nil || math.Abs(*robin.SlowShare-1.0/3) > 1e-9 {
		t.Errorf("round robin left after %v, sent %v", robin.LeftAfterNS, *robin.SlowShare)
	}
	if valueOf(avoiding.LeftAfterNS) != 1e9 || valueOf(avoiding.BackAfterNS) != 500e6 || *avoiding.SlowShare >= *robin.SlowShare {
		t.Errorf("avoiding left after %d and was back after %d", valueOf(avoiding.LeftAfterNS), valueOf(avoiding.BackAfterNS))
	}
	if robin.KeysMovedShare != nil || hash.KeysMovedShare == nil || *hash.KeysMovedShare != 0.33 || *hash.OrderBreaksShare != 0.01 {
		t.Errorf("keys moved %v and %v", robin.KeysMovedShare, hash.KeysMovedShare)
	}
	if *robin.HottestOverFair != 1 || math.Abs(*hash.HottestOverFair-400/300.0) > 1e-9 || *robin.Gini != 0 {
		t.Errorf("hottest %v and %v", *robin.HottestOverFair, *hash.HottestOverFair)
	}
	if avoiding.Rank != 1 || avoiding.Tied || robin.Rank != 2 || !robin.Tied || hash.Rank != 2 || !hash.Tied {
		t.Errorf("ranks %d %v, %d %v, %d %v", robin.Rank, robin.Tied, avoiding.Rank, avoiding.Tied, hash.Rank, hash.Tied)
	}
	if c := s.Compared[0]; c.Base != "round_robin" || c.New != "avoiding" || c.Outcome != Better || c.AdjustedP >= 0.05 || valueOf(c.Share) > -0.3 || c.Smallest == nil {
		t.Errorf("compared %+v", c)
	}
	if c := s.Compared[1]; c.New != "hash" || c.Outcome != NoDifference || c.Low == nil || *c.Low > 0 || *c.High < 0 {
		t.Errorf("compared %+v", c)
	}
	for _, rounds := range []int{2, 5, 9} { // too few pairs: no rank is claimed, however clear it looks
		if s := selectorRun(t, rounds).Selectors; s.Test != "" || s.Rows[1].Rank != 0 || s.RoundsNeeded != 10 || s.Compared != nil {
			t.Errorf("with %d rounds: %+v", rounds, s)
		}
	}
}

func TestNoComparisonOfSelectors(t *testing.T) {
	run := selectorRun(t, 3)
	run.Pooled[1].Params["load.workers"] = "8"
	if compareSelectors(run) != nil {
		t.Error("cases that differ in more than the selector are compared")
	}
}

func TestSelectorTable(t *testing.T) {
	var text strings.Builder
	if err := WriteTable(&text, selectorRun(t, 10)); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "selectors.txt", text.String())
	text.Reset()
	if err := WriteTable(&text, selectorRun(t, 5)); err != nil {
		t.Fatal(err)
	}
	if want := "rank: needs 10 rounds (--repeat 10); in 5, chance alone could put 3 rows in any order\n"; !strings.Contains(text.String(), want) {
		t.Errorf("no %q in\n%s", want, &text)
	}
}
