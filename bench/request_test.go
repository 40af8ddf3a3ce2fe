package bench

import (
	"context"
	"strings"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/scenarios"
)

// TestRunRequests: every request is answered by the harness itself, on a closed and an open loop, and it is known where it was.
func TestRunRequests(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2})
	report, err := Run(t.Context(), scenario(t, on(c.NameServer())+"topic: {name: ASKED, queues_per_broker: 2}\nverify: offsets\nload: {mode: request, workers: 16}\n"+
		"cases:\n  - {name: closed, load: {count: 800}}\n  - {name: open, load: {stages: [{for: 500ms, rate: 1k/s}]}}"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	for i, want := range []int64{800, 500} {
		r := &report.Run.Cases[i]
		if r.Acknowledged != want || r.Attempted != want || r.Response == nil || *r.Response.P50 <= 0 {
			t.Errorf("%s: %+v, errors %v", r.Name, r.Counts, r.Errors)
		}
		if a := r.Replier; a == nil || a.Replied < want || a.Unreplied != 0 || a.Fault != "" {
			t.Errorf("%s: replier %+v", r.Name, a)
		}
		if v := r.Verify; v == nil || v.Unverified != "" || v.Stored != want || v.Missing != 0 || len(r.Queues) != 4 {
			t.Errorf("%s: verified %+v, %d queues", r.Name, v, len(r.Queues))
		}
	}
}

// TestReplierLeavesOthersAlone: requests that aren't of the run's client are not answered, nor is what was there before.
func TestReplierLeavesOthersAlone(t *testing.T) {
	c := cluster(t, broker.Options{})
	ca := &parse(t, on(c.NameServer())+"topic: {name: MIXED}\nload: {mode: request}")[0]
	targets, err := preflight(t.Context(), []scenarios.Case{*ca}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	st, err := newStand(t.Context(), ca, targets[0], 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer st.close()
	stranger := producer.New(producer.Options{NameServers: []string{c.NameServer()}, Group: "stranger", InstanceName: "stranger"})
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Shutdown() }()
	m := &producer.Message{Topic: "MIXED", Body: []byte("who is there?")}
	_, err = stranger.Request(t.Context(), m, producer.Within(300*time.Millisecond))
	if o, cause := classify(&producer.SendResult{}, err, false); o != ambiguous || cause != "no reply" {
		t.Errorf("%v: %v, %s", err, o, cause)
	}
	if res, err := st.sender.Send(t.Context(), m); err != nil || res.Broker != c.Brokers()[0].Name() {
		t.Errorf("%+v %v", res, err)
	}
	if got := st.replier.end(); got.Pulled != 1 || got.Replied != 1 {
		t.Errorf("%+v", got)
	}
}

// TestRequestCutOff: a request that the drain ends may have been stored.
func TestRequestCutOff(t *testing.T) {
	c := cluster(t, broker.Options{})
	p := producer.New(producer.Options{NameServers: []string{c.NameServer()}, Group: "cut", InstanceName: "cut"})
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Shutdown() }()
	if _, err := p.CreateTopic(t.Context(), producer.Topic{Name: "CUT", Queues: 1}); err != nil {
		t.Fatal(err)
	}
	for _, why := range []error{errDrained, errHurried} {
		ctx, cut := context.WithCancelCause(t.Context())
		time.AfterFunc(50*time.Millisecond, func() { cut(why) })
		_, err := (&requests{p}).Send(ctx, &producer.Message{Topic: "CUT", Body: []byte("?")})
		if o, cause := classify(&producer.SendResult{}, err, false); o != ambiguous || !strings.HasPrefix(cause, "cut off") {
			t.Errorf("%v: %v, %s", err, o, cause)
		}
	}
}

func TestReplyBody(t *testing.T) {
	q := producer.MessageQueue{Broker: "broker a", ID: 7}
	if got, offset, ok := parseReply(appendReply(nil, q, 1<<40)); got != q || offset != 1<<40 || !ok {
		t.Errorf("%v %d %v", got, offset, ok)
	}
	for _, body := range []string{"", "ok", "rmqbench ", "rmqbench 1", "rmqbench 1 2", "rmqbench x 2 b", "rmqbench 1 x b", "rmqbench -1 2 b", "rmqbench 99999999999 2 b"} {
		if q, _, ok := parseReply([]byte(body)); ok {
			t.Errorf("%q: %v", body, q)
		}
	}
}
