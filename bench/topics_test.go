package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting/message"
	"rmqbench/results"
)

// TestTopicsAreAFunctionOfTheIndex: which topic a message goes to follows from seed and index, comes as often as its weight says, is in
// the schedule's hash, and is the same for all messages of a batch; clients and shares that take turns see every topic.
func TestTopicsAreAFunctionOfTheIndex(t *testing.T) {
	const n = 20_000
	const rate = "load: {stages: [{for: 20s, rate: 1k/s}]}"
	c := &parse(t, "topic: {weights: {U: 1, T: 3, V: 4}}\n"+rate)[0]
	p, again := planOf(t, c), planOf(t, c)
	var counts [3]int
	var ofTurn [2][3]int
	w := worker{load: &load{plan: p}}
	p.mould.begin(&w.message)
	for i := range int64(n) {
		s := w.sampleOf(&w.message, slot{index: i}, false)
		if want := p.mould.topics[s.topic]; int(s.topic) != again.mould.topicOf(i) || w.message.Topic != want {
			t.Fatalf("message %d is sent to %s, and of topic %d, %s", i, w.message.Topic, s.topic, want)
		}
		counts[s.topic]++
		ofTurn[i%2][s.topic]++
	}
	for k, share := range []float64{0.125, 0.375, 0.5} {
		if off := math.Abs(float64(counts[k]) - share*n); off > 5*math.Sqrt(n*share*(1-share)) {
			t.Errorf("%d to topic %d, want about %v", counts[k], k, share*n)
		}
		for turn := range ofTurn {
			if off := math.Abs(float64(ofTurn[turn][k]) - share*n/2); off > 5*math.Sqrt(n/2*share*(1-share)) {
				t.Errorf("turn %d: %d to topic %d, want about %v", turn, ofTurn[turn][k], k, share*n/2)
			}
		}
	}
	hashes := map[string]bool{p.scheduleHash(): true}
	for _, topic := range []string{"topic: {name: T}\n", "topic: {name: T, count: 3}\n", "topic: {weights: {U: 2, T: 3, V: 4}}\n"} {
		hashes[planOf(t, &parse(t, topic+rate)[0]).scheduleHash()] = true
	}
	p.share, p.of = 1, 3
	if len(hashes) != 4 || p.scheduleHash() != again.scheduleHash() {
		t.Errorf("%d different hashes of 4 schedules, or a share's is another", len(hashes))
	}
	batches, err := Schedule(&parse(t, "topic: {count: 3}\nload: {mode: batch, batch: 4, stages: [{for: 1s, rate: 1k/s}]}")[0])
	if err != nil {
		t.Fatal(err)
	}
	topics := map[string]int{}
	var last Due
	for d := range batches {
		if d.Index%4 != 0 && d.Topic != last.Topic {
			t.Fatalf("message %d goes to %s, and those before it in its batch to %s", d.Index, d.Topic, last.Topic)
		}
		topics[d.Topic]++
		last = d
	}
	if len(topics) != 3 {
		t.Errorf("topics %v", topics)
	}
}

// TestRunTopics sends to three topics in every mode and reads all of it back: each topic got what the schedule says, the figures by
// queue, topic and broker sum to the case's, and weights are no skew.
func TestRunTopics(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2})
	text := on(c.NameServer()) + "topic: {queues_per_broker: 2, weights: {U: 1, T: 3, V: 4}}\nverify: bodies\nmessage: {keys: {distinct: 20}}\n" +
		"load: {workers: 4, stages: [{for: 50ms, warmup: true}, {for: 10m}], count: 1200}\n" +
		"cases:\n  - {name: sync, load: {ordered: true}, producer: {selector: hash}}\n  - {name: async, load: {mode: async, in_flight: 64}}\n  - {name: batch, load: {mode: batch, batch: 8}}\n" +
		"  - {name: request, load: {mode: request, count: 200}}\n" +
		"  - {name: two clients, producer: {instances: 2, selector: sticky}}\n" +
		"  - {name: open, load: {stages: [{for: 2s, rate: 1k/s}], count: 2000}}\n"
	s := scenario(t, text)
	report, err := Run(t.Context(), s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantSums(t, report.Run)
	if got := strings.Join(report.Run.Target.Topics, " "); got != "U T V" || report.Run.Target.Topic != "" || *report.Run.Target.Queues != 12 {
		t.Errorf("target %+v", report.Run.Target)
	}
	for i, sc := range s.Cases() {
		got := &report.Run.Cases[i]
		if v := got.Verify; v == nil || v.Unverified != "" || v.Missing+v.Unexplained != 0 || v.Bodies.Missing+v.Bodies.Corrupt+v.Bodies.Duplicates+v.Bodies.Unexplained+v.Bodies.Foreign+v.Bodies.Unread != 0 {
			t.Errorf("%s: %+v", got.Name, v)
			continue
		}
		sums := map[string]int64{}
		var queues []string
		for _, q := range got.Queues {
			sums[q.Topic] += q.Acknowledged
			queues = append(queues, fmt.Sprintf("%s/%s/%d", q.Topic, q.Broker, *q.Queue))
		}
		if len(queues) != 12 || !slices.IsSorted(queues) {
			t.Errorf("%s: queues %v", got.Name, queues)
		}
		if len(got.Topics) != 3 || len(got.Brokers) != 2 {
			t.Fatalf("%s: topics %+v, brokers %+v", got.Name, got.Topics, got.Brokers)
		}
		for j, topic := range []string{"T", "U", "V"} {
			if row := got.Topics[j]; row.Topic != topic || row.Acknowledged != sums[topic] || row.Acknowledged == 0 || row.Broker != "" {
				t.Errorf("%s: topic %+v, its queues %d", got.Name, row, sums[topic])
			}
		}
		if got.Name == "sync" && (got.Keys.InTwoQueues != 0 || got.Keys.Used != 60 || got.Keys.OrderBreaks != 0) {
			t.Errorf("%s: 20 keys of three topics, by hash: %+v", got.Name, got.Keys)
		}
		if got.Name == "batch" && (got.Skew.MaxOverMean > 1.5 || *got.Skew.Chi2P < 1e-6) {
			t.Errorf("%s: round robin within each topic has the skew %+v", got.Name, got.Skew)
		}
		if got.Name != "open" || got.Acknowledged != 2000 {
			continue
		}
		scheduled, err := Schedule(&sc)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int64{}
		for d := range scheduled {
			want[d.Topic]++
		}
		for topic, n := range want {
			if sums[topic] != n {
				t.Errorf("%s: topic %s got %d, the schedule has %d", got.Name, topic, sums[topic], n)
			}
		}
		for _, p := range report.Series {
			if p.Case == got.Name && len(p.Queues) != 12 {
				t.Errorf("%s: an interval of %d queues", got.Name, len(p.Queues))
			}
		}
	}
}

// TestTopicsAreMade: of the topics of a scenario those that are missing are made, before anything is sent, and where none may be
// made each that is missing is named.
func TestTopicsAreMade(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2})
	if _, err := CreateTopic(t.Context(), TopicOptions{NameServers: []string{c.NameServer()}}, producer.Topic{Name: "T_00", Queues: 1}); err != nil {
		t.Fatal(err)
	}
	text := on(c.NameServer()) + "topic: {name: T, count: 2, create: never}\nload: {workers: 1, stages: [{}], count: 10}\n"
	if _, err := Run(t.Context(), scenario(t, text), Options{}); err == nil || !strings.Contains(err.Error(), "topic T_01 is not on cluster") {
		t.Errorf("without the leave to make it: %v", err)
	}
	report, err := Run(t.Context(), scenario(t, strings.Replace(text, "create: never", "create: if_absent", 1)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(report.Run.Cases[0].Queues); got != 2+16 {
		t.Errorf("%d queues: one a broker of the topic that was there, eight of the one that was made", got)
	}
}

// TestTopicWithoutBrokers: sends for which no broker can be chosen are an outage of their topic, and no other's.
func TestTopicWithoutBrokers(t *testing.T) {
	o := &outages{topics: []string{"T", "U"}}
	at := func(ms, topic int, broker string, came outcome) event {
		return event{broker: broker, topic: int8(topic), outcome: came, called: int64(ms) * 1e6, done: int64(ms+1) * 1e6}
	}
	o.take([]event{at(0, 0, "a", acknowledged), at(10, 1, "", failed), at(20, 0, "a", acknowledged), at(300, 1, "", failed), at(310, 1, "a", acknowledged)})
	all := o.all()
	if len(all) != 1 || all[0].Topic != "U" || all[0].Broker != "" || all[0].Failed != 2 || all[0].StartOffsetNS != int64(10*time.Millisecond) {
		t.Errorf("%+v", all)
	}
	run := &results.Run{Outages: all, Cases: []results.Case{{Name: "c"}}}
	var text strings.Builder
	if err := results.WriteTable(&text, run); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "any broker of topic U") {
		t.Errorf("%s", text.String())
	}
}

// TestTopicsOnDisks: what several topics put on a broker's disk goes by their weights, and by where their queues are.
func TestTopicsOnDisks(t *testing.T) {
	c := &parse(t, "topic: {weights: {T: 1, U: 3}}\nmessage: {size: 1000B}\nload: {stages: [{for: 10s, rate: 100/s}]}")[0]
	s := &somebodys{}
	for _, name := range []string{"a", "b"} {
		s.record.Brokers = append(s.record.Brokers, results.Broker{Name: name, Disk: &results.Disk{}})
	}
	route := func(brokers ...string) *message.Route {
		r := &message.Route{}
		for _, name := range brokers {
			r.Brokers = append(r.Brokers, message.BrokerData{Name: name, Addrs: map[int64]string{0: "127.0.0.1:1"}})
			r.Queues = append(r.Queues, message.QueueData{Broker: name, ReadQueues: 2, WriteQueues: 2, Perm: message.PermRead | message.PermWrite})
		}
		return r
	}
	if err := s.expect(c, []*message.Route{route("a"), route("a", "b")}, 1); err != nil {
		t.Fatal(err)
	}
	a, b := float64(*s.record.Brokers[0].Disk.ExpectedBytes), float64(*s.record.Brokers[1].Disk.ExpectedBytes)
	if share := a / (a + b); math.Abs(share-(0.25+0.375)) > 0.001 || a+b < 1000*1000 || a+b > 1000*1400 {
		t.Errorf("%v bytes on a, %v on b", a, b)
	}
}
