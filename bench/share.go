package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// Share makes a run one of several on other machines, or in other processes, which send one schedule together: of the slots i
// it takes those with i mod Of = Index. Each computes the whole schedule, so that nobody has to hand it out.
type Share struct {
	Index, Of int
	Host      string // a name for people: the pod's or the machine's

	// Begin says when all shares begin their first case. It is asked when everything is ready, and may wait for the others; an
	// error ends the run before anything is sent.
	Begin func(ctx context.Context) (time.Time, error)
}

// ShareError is a scenario that can't be shared; nothing was sent.
type ShareError struct{ Msg string }

func (e *ShareError) Error() string { return e.Msg }

// betweenCases is how long after the end of a case's schedule the next one begins for all shares: the drain, and what it takes to
// get ready.
const betweenCases = drainFor + 10*time.Second

// between is that, or what a test has instead.
func (o *Options) between() time.Duration { return cmp.Or(o.apart, betweenCases) }

// shareable is an error unless cases can be sent by several.
func shareable(cases []scenarios.Case) error {
	for i := range cases {
		c := &cases[i]
		refuse := func(format string, args ...any) error {
			return &ShareError{fmt.Sprintf("--shard: case %s: ", c.Name) + fmt.Sprintf(format, args...)}
		}
		switch last := c.Load.Stages[len(c.Load.Stages)-1]; {
		case !c.Load.OpenLoop():
			return refuse("a closed loop has no schedule to share; give a rate, such as -r 10k/s")
		case last.For == 0:
			return refuse("a count alone ends it, so nobody knows when the next case begins; give a duration, such as -d 30s")
		case c.Load.AutoWarmup():
			return refuse("warmup: auto ends at a time that nobody knows, and all begin together; give it a length, such as --warmup 10s")
		case !c.Topic.Keep:
			return refuse("topic.keep: false: the first to end would delete the topic under the others; leave it out, and delete it with rmqbench topic delete once all have ended")
		case c.Load.Ordered:
			return refuse("ordered keeps one send of each key under way, and the others send the same keys without asking; leave it out")
		case c.Verify != "":
			return refuse("verify compares what one run sent with what the topic got, and the others send to it too; leave it out")
		}
	}
	return nil
}

// share is a runner's part of a larger run.
type share struct {
	*Share
	record *results.Shard
	starts []int64 // by turn: ns after the first one begins
}

// newShare prepares a share; turns are its cases in their order, so far apart.
func newShare(o *Share, cases []scenarios.Case, turns []turn, between time.Duration) (*share, error) {
	if o.Of < 1 || o.Of > results.MaxShards || o.Index < 0 || o.Index >= o.Of {
		return nil, &ShareError{fmt.Sprintf("--shard %d/%d: the first is 0 of N, the last N-1 of N; N is at most %d", o.Index, o.Of, results.MaxShards)}
	}
	if err := shareable(cases); err != nil {
		return nil, err
	}
	s := &share{Share: o, record: &results.Shard{Index: o.Index, Of: o.Of, Host: o.Host}}
	at := int64(0)
	for _, t := range turns {
		s.starts = append(s.starts, at)
		for _, st := range cases[t.of].Load.Stages {
			at += int64(st.For)
		}
		at += int64(between)
		if cases[t.of].Load.Uses(scenarios.Transactional) {
			at += int64(settleFor)
		}
	}
	return s, nil
}

// begin asks when all begin, and how far a broker's clock is from ours.
func (s *share) begin(ctx context.Context, targets []*target) error {
	s.record.Clock = askClock(ctx, targets)
	at, err := s.Begin(ctx)
	if err != nil {
		return err
	}
	s.record.StartAt = at.UTC()
	return nil
}

// gate waits until a turn's time has come, and says how late that was.
func (s *share) gate(turn int) func(context.Context) int64 {
	return func(ctx context.Context) int64 {
		at := s.record.StartAt.Add(time.Duration(s.starts[turn]))
		waitUntil(ctx, at)
		return max(int64(time.Since(at)), 0)
	}
}

// waitUntil returns at a time of the wall clock, or when ctx ends.
func waitUntil(ctx context.Context, at time.Time) {
	for ctx.Err() == nil {
		left := time.Until(at)
		if left <= 0 {
			return
		}
		timer := time.NewTimer(min(left, time.Second)) // in steps: the wall clock may be set meanwhile
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// clockAsks is how often a broker's clock is asked: it tells whole seconds, and asking at several moments of them narrows that.
const clockAsks = 8

// askClock asks the first broker of a cluster that answers how far its clock is ahead of ours; nil: nobody says.
func askClock(ctx context.Context, targets []*target) *results.Clock {
	at := slices.IndexFunc(targets, func(t *target) bool { return t != nil && len(t.record.Brokers) > 0 })
	if at < 0 {
		return nil
	}
	t := targets[at]
	client := t.security.client(remoting.ClientOptions{})
	defer client.Close()
	admin := producer.NewAdmin(client, t.nameServers)
	for _, b := range t.record.Brokers {
		low, high, err := clockOf(ctx, admin, b.Addr)
		if err == nil {
			return &results.Clock{Of: b.Name, LowNS: low, HighNS: high}
		}
	}
	return nil
}

// clockOf narrows how far a broker's clock is ahead of ours. A broker tells its time in whole seconds: asked at several moments of
// a second, the answers overlap in less than one.
func clockOf(ctx context.Context, admin *producer.Admin, addr string) (low, high int64, err error) {
	low, high = math.MinInt64, math.MaxInt64
	for i := range clockAsks {
		asked := time.Now()
		info, err := admin.RuntimeInfo(ctx, addr)
		answered := time.Now()
		if err != nil {
			return 0, 0, err
		}
		from, to, ok := clockOff(info, asked, answered)
		if !ok {
			return 0, 0, errors.New("it doesn't tell when it began")
		}
		low, high = max(low, int64(from)), min(high, int64(to))
		if i < clockAsks-1 {
			waitUntil(ctx, answered.Add(time.Second/clockAsks+7*time.Millisecond))
		}
	}
	if low > high { // a clock that was set meanwhile
		return 0, 0, errors.New("its clock, or ours, was set meanwhile")
	}
	return low, high, nil
}
