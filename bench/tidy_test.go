package bench

import (
	"slices"
	"strings"
	"testing"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/results"
)

// TestTidy: of the topics that a run created those go that were not to be kept, and no other; what stays is told.
func TestTidy(t *testing.T) {
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
	target := &target{nameServers: []string{c.NameServer()}, record: results.Target{Cluster: c.Name()}, made: []madeTopic{{"KEPT", true}, {"NEVER_MADE", false}}}
	var warned []string
	if got := target.tidy(t.Context(), nil, func(line string) { warned = append(warned, line) }); !slices.Equal(got, []string{"KEPT", "NEVER_MADE"}) {
		t.Errorf("%q stay", got)
	}
	if len(warned) != 1 || !strings.Contains(warned[0], "topic NEVER_MADE, which this run created, was not deleted") {
		t.Errorf("%q", warned)
	}
}

// TestTopicType: a topic that is created is of the type that was asked for, and one of another type is left alone.
func TestTopicType(t *testing.T) {
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
