package bench

import (
	"slices"
	"strings"
	"testing"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
)

// TestVerifyBodies reads back from two real brokers what every mode sent, warm-up and compressed bodies included.
func TestVerifyBodies(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2})
	text := on(c.NameServer()) + "topic: {name: T, queues_per_broker: 2}\nverify: bodies\nmessage: {size: {uniform: [100B, 6KiB]}, compressible: 0.5, keys: {distinct: 50}, tags: 3}\n" +
		"producer: {selector: hash}\nload: {workers: 4, stages: [{for: 50ms, warmup: true}, {for: 10m}], count: 1500}\n" +
		"cases:\n  - {name: sync}\n  - {name: async, load: {mode: async, in_flight: 64}}\n  - {name: batch, load: {mode: batch, batch: 8}, producer: {selector: round_robin}}\n" +
		"  - {name: one sends a key, load: {workers: 1}}\n  - {name: open, load: {workers: 4, stages: [{for: 1s, rate: 1k/s}], count: 1000}}\n"
	report, err := Run(t.Context(), scenario(t, text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	for i := range report.Run.Cases {
		got := &report.Run.Cases[i]
		v := got.Verify
		if v == nil || v.Unverified != "" || v.Bodies == nil {
			t.Errorf("%s: %+v", got.Name, v)
			continue
		}
		n := counted(got).Acknowledged
		if b := v.Bodies; b.Acknowledged != n || b.Read != n+b.Unacknowledged || // a slow machine may leave a few without an answer
			b.Missing+b.Corrupt+b.Duplicates+b.Unexplained+b.Foreign+b.Unread != 0 {
			t.Errorf("%s: %d acknowledged, %+v", got.Name, n, b)
		}
		if got.Name == "one sends a key" && (*v.Bodies.OrderBreaks != 0 || *v.Bodies.KeysInTwoQueues != 0) {
			t.Errorf("%s: order broken %d times, %d keys in two queues", got.Name, *v.Bodies.OrderBreaks, *v.Bodies.KeysInTwoQueues)
		}
		if got.Name == "batch" && *v.Bodies.KeysInTwoQueues == 0 {
			t.Errorf("%s: round robin kept every key in its queue", got.Name)
		}
	}
}

// TestVerifyBodiesTellsLoss: what the broker has forgotten makes the run PARTIAL, what it refused isn't missed.
func TestVerifyBodiesTellsLoss(t *testing.T) {
	c := cluster(t, broker.Options{MemoryBudget: 1 << 20})
	c.Brokers()[0].Answer(0.1, remoting.SystemBusy, broker.BusyTimeout)
	text := on(c.NameServer()) + "topic: {name: T}\nverify: bodies\nmessage: {size: 4KiB}\nproducer: {compress_over: off}\nload: {workers: 4, stages: [{}], count: 1000}\n"
	report, err := Run(t.Context(), scenario(t, text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := &report.Run.Cases[0]
	if b := got.Verify.Bodies; b == nil || b.Unread == 0 || b.Read == 0 || b.Read+b.Unread != got.Acknowledged || b.Corrupt+b.Unexplained+b.Duplicates != 0 {
		t.Errorf("%d acknowledged, %+v", got.Acknowledged, b)
	}
	if report.Run.Verdict != results.Partial {
		t.Errorf("verdict %s", report.Run.Verdict)
	}
}

// TestReadBack holds each message to what became of its send.
func TestReadBack(t *testing.T) {
	c := &parse(t, "message: {keys: {distinct: 1}}")[0]
	m, err := newMould(c)
	if err != nil {
		t.Fatal(err)
	}
	r := newRoll("run-")
	m.roll = r
	q := producer.MessageQueue{Broker: "a"}
	stored := func(i int64, body string) *producer.Received {
		var sent producer.Message
		m.fill(&sent, i)
		if body != "" {
			sent.Body = []byte(body)
		}
		return &producer.Received{Record: message.Record{Body: sent.Body}, Properties: sent.Properties}
	}
	for name, tt := range map[string]struct {
		fates []outcome
		twice bool
		read  []*producer.Received
		want  results.BodyCheck
		code  string // of the evidence
	}{
		"all":                               {[]outcome{acknowledged, acknowledged}, false, []*producer.Received{stored(0, ""), stored(1, "")}, results.BodyCheck{Read: 2, Acknowledged: 2}, "bodies_verified"},
		"out of order":                      {[]outcome{acknowledged, acknowledged}, false, []*producer.Received{stored(1, ""), stored(0, "")}, results.BodyCheck{Read: 2, Acknowledged: 2, OrderBreaks: new(int64(1))}, "bodies_verified"},
		"lost":                              {[]outcome{acknowledged, acknowledged}, false, []*producer.Received{stored(0, "")}, results.BodyCheck{Read: 1, Acknowledged: 1, Missing: 1}, "bodies_missing"},
		"changed":                           {[]outcome{acknowledged}, false, []*producer.Received{stored(0, "other")}, results.BodyCheck{Read: 1, Acknowledged: 1, Corrupt: 1}, "bodies_corrupt"},
		"twice, sent once":                  {[]outcome{acknowledged}, false, []*producer.Received{stored(0, ""), stored(0, "")}, results.BodyCheck{Read: 2, Acknowledged: 1, Duplicates: 1, Unexplained: 1}, "bodies_unexplained"},
		"twice, tried twice":                {[]outcome{acknowledged}, true, []*producer.Received{stored(0, ""), stored(0, "")}, results.BodyCheck{Read: 2, Acknowledged: 1, Duplicates: 1}, "bodies_verified"},
		"ambiguous, weak, written":          {[]outcome{ambiguous, weak, written}, false, []*producer.Received{stored(0, ""), stored(1, ""), stored(2, "")}, results.BodyCheck{Read: 3, Unacknowledged: 3}, "bodies_verified"},
		"refused and not there":             {[]outcome{refused, failed, ambiguous}, false, nil, results.BodyCheck{}, "bodies_verified"},
		"refused and there":                 {[]outcome{refused}, false, []*producer.Received{stored(0, "")}, results.BodyCheck{Read: 1, Unacknowledged: 1, Unexplained: 1}, "bodies_unexplained"},
		"failed after an ambiguous attempt": {[]outcome{failed}, true, []*producer.Received{stored(0, "")}, results.BodyCheck{Read: 1, Unacknowledged: 1}, "bodies_verified"},
		"somebody else's":                   {nil, false, []*producer.Received{{Record: message.Record{Body: []byte("x")}}}, results.BodyCheck{Read: 1, Foreign: 1}, "bodies_foreign"},
	} {
		t.Run(name, func(t *testing.T) {
			r.pages, r.left = newRoll("").pages, 0
			for i, o := range tt.fates {
				r.note(int64(i), o, tt.twice)
			}
			b := &readBack{roll: r, mould: m, open: true, twoQueue: map[topicKey]producer.MessageQueue{}}
			b.check.OrderBreaks, b.check.KeysInTwoQueues = new(int64), new(int64)
			last := map[string]int64{}
			for _, m := range tt.read {
				b.take(q, m, last)
			}
			b.end()
			got := b.check
			if *got.OrderBreaks != deref(tt.want.OrderBreaks) || *got.KeysInTwoQueues != 0 {
				t.Errorf("%d order breaks", *got.OrderBreaks)
			}
			got.OrderBreaks, got.KeysInTwoQueues, tt.want.OrderBreaks = nil, nil, nil
			if got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
			run := &results.Run{Cases: []results.Case{{Mode: "sync", Verify: &results.Verification{Bodies: &b.check}}}}
			results.Judge(run)
			if !slices.ContainsFunc(run.Cases[0].Evidence, func(e results.Evidence) bool { return e.Code == tt.code && e.Text != "" }) {
				t.Errorf("no %s in %+v", tt.code, run.Cases[0].Evidence)
			}
		})
	}
}

// TestRollIsBounded: what there is no room for is counted.
func TestRollIsBounded(t *testing.T) {
	r := newRoll("")
	for i := range int64(rollPages + 3) {
		r.note(i*rollPage, acknowledged, false)
	}
	if len(r.pages) != rollPages || r.left != 3 {
		t.Errorf("%d pages, %d left out", len(r.pages), r.left)
	}
}

// TestNumbersAreOnlyGivenWhereAsked: the path of a send is as it was otherwise.
func TestNumbersAreOnlyGivenWhereAsked(t *testing.T) {
	m, err := newMould(&parse(t, "message: {properties: {a: b}}")[0])
	if err != nil {
		t.Fatal(err)
	}
	var sent producer.Message
	m.begin(&sent)
	m.fill(&sent, 7)
	if len(sent.Properties) != 1 {
		t.Errorf("%v", sent.Properties)
	}
	m.roll = newRoll("x-")
	m.fill(&sent, 71)
	if got, _ := sent.Properties.Get(numberProperty); got != "x-1z" || len(sent.Properties) != 2 || len(m.kinds[0].properties) != 1 || !strings.HasPrefix(got, m.roll.mark) {
		t.Errorf("%v of %v", sent.Properties, m.kinds[0].properties)
	}
}
