package bench

import (
	"context"
	"slices"
	"strings"
	"testing"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting/message"
	"rmqbench/results"
)

// TestTidy: of the topics that a run created those go that were not to be kept, and no other; what stays is told.
func TestTidy(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{})
	for name, tt := range map[string]struct {
		topic, there string
		before       string // a topic that is there before the run
	}{
		"kept":             {"{name: A}", "A", ""},
		"not to be kept":   {"{name: B, keep: false}", "", ""},
		"was there before": {"{name: C, keep: false}", "C", "C"},
		"one of two":       {"{weights: {D: 1, E: 1}, keep: false}", "E", "E"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.before != "" {
				if _, err := CreateTopic(t.Context(), TopicOptions{NameServers: []string{c.NameServer()}}, producer.Topic{Name: tt.before, Queues: 8}); err != nil {
					t.Fatal(err)
				}
			}
			s := scenario(t, on(c.NameServer())+"topic: "+tt.topic+"\nload: {workers: 2, count: 100}")
			var told []string
			report, err := Run(t.Context(), s, Options{Tell: func(line string) { told = append(told, line) }})
			if err != nil {
				t.Fatal(err)
			}
			wantSums(t, report.Run)
			for _, topic := range s.Topic.All() {
				_, err := route(t, c.NameServer(), topic.Key)
				if there := topic.Key == tt.there; there != (err == nil) || err != nil && !producer.UnknownTopic(err) {
					t.Errorf("topic %s after the run: %v", topic.Key, err)
				}
				deleted := slices.ContainsFunc(told, func(line string) bool {
					return strings.Contains(line, "topic "+topic.Key+", which this run created, is deleted")
				})
				if deleted != (topic.Key != tt.there) {
					t.Errorf("told: %q", told)
				}
			}
		})
	}
}

// TestTidyFails: what stays is what was to be kept, and what can't be deleted, which is told with the reason.
func TestTidyFails(t *testing.T) {
	c := cluster(t, broker.Options{})
	on := &target{nameServers: []string{c.NameServer()}, record: results.Target{Cluster: c.Name()}, made: []madeTopic{{"KEPT", true}, {"NEVER_MADE", false}}}
	var warned []string
	if got := on.tidy(t.Context(), nil, func(line string) { warned = append(warned, line) }); !slices.Equal(got, []string{"KEPT", "NEVER_MADE"}) {
		t.Errorf("%q stay", got)
	}
	if len(warned) != 1 || !strings.Contains(warned[0], "topic NEVER_MADE, which this run created, was not deleted") ||
		!strings.HasSuffix(warned[0], "delete it with: rmqbench topic delete NEVER_MADE -n "+c.NameServer()+" -c DefaultCluster --yes-delete NEVER_MADE") {
		t.Errorf("%q", warned)
	}
	warned = nil
	on.made = []madeTopic{{"RMQBENCH_KEPT", true}}
	r := &runner{Options: Options{Warn: func(line string) { warned = append(warned, line) }}, targets: []*target{nil, on, on}}
	for range 2 {
		r.giveUp(t.Context())
	}
	if want := "topic RMQBENCH_KEPT, which this run created, is still there; delete it with: rmqbench topic delete RMQBENCH_KEPT -n " + c.NameServer() + " -c DefaultCluster"; !slices.Equal(warned, []string{want}) {
		t.Errorf("%q, want %q", warned, want)
	}
}

// TestTidyAfterAnError: a run that fails once it has created a topic deletes it all the same, and no other.
func TestTidyAfterAnError(t *testing.T) {
	c := cluster(t, broker.Options{})
	for _, b := range c.Brokers() {
		if err := b.PutTopic(message.TopicConfig{Name: "READ_ONLY", ReadQueues: 1, WriteQueues: 1, Perm: message.PermRead}); err != nil {
			t.Fatal(err)
		}
	}
	for name, run := range map[string]func() error{
		"no case can be run": func() error {
			_, err := Run(t.Context(), scenario(t, on(c.NameServer())+"topic: {weights: {MADE: 1, READ_ONLY: 1}, keep: false}\nload: {workers: 1, count: 10}"), Options{})
			return err
		},
		"a search": func() error {
			_, err := Capacity(t.Context(), scenario(t, on(c.NameServer())+"topic: {name: MADE, keep: false}\nload: {stages: [{for: 1s, rate: 100/s}]}\nslo: [p99<1s]"), CapacityOptions{Lose: 1})
			return err
		},
	} {
		if err := run(); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := route(t, c.NameServer(), "MADE"); !producer.UnknownTopic(err) {
			t.Errorf("%s: topic MADE: %v", name, err)
		}
		if _, err := route(t, c.NameServer(), "READ_ONLY"); err != nil {
			t.Errorf("%s: topic READ_ONLY: %v", name, err)
		}
	}
}

// TestTopicType: a topic that is created is of the type that was asked for, and one of another type is left alone.
func TestTopicType(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{})
	run := func(topic string) error {
		_, err := Run(t.Context(), scenario(t, on(c.NameServer())+"topic: "+topic+"\nload: {workers: 1, count: 10}"), Options{})
		return err
	}
	if err := run("{name: T, type: transaction}"); err != nil {
		t.Fatal(err)
	}
	o := TopicOptions{NameServers: []string{c.NameServer()}}
	admin, done := o.admin()
	defer done()
	for _, b := range c.Brokers() {
		if is, err := admin.TopicTypeAt(t.Context(), b.Addr(), "T"); err != nil || is != producer.TransactionTopic {
			t.Errorf("%s has it as %q, %v", b.Name(), is, err)
		}
	}
	for topic, want := range map[string]string{
		"{name: T}":                    "",
		"{name: T, type: transaction}": "",
		"{name: T, type: delay}":       "topic T is of type TRANSACTION on broker-0, and topic.type is delay: an existing topic is never altered; name another with -t",
	} {
		if err := run(topic); want == "" && err != nil || want != "" && (err == nil || err.Error() != want || !isDanger(err)) {
			t.Errorf("%s: %v, want %q", topic, err, want)
		}
	}
}

// TestInterruptedPreflight: a run that is interrupted while it looks at a cluster ends as one that never began a case.
func TestInterruptedPreflight(t *testing.T) {
	c := cluster(t, broker.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	report, err := Run(ctx, scenario(t, on(c.NameServer())+"load: {workers: 1, count: 10}"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r := report.Run; r.CutShort != results.Interrupted || len(r.Cases) != 1 || r.Cases[0].Offered != 0 || r.Verdict != results.Partial {
		t.Errorf("%+v", r)
	}
}
