package scenarios

import (
	"slices"
	"strings"
	"testing"
)

func TestTopicChangesOnACluster(t *testing.T) {
	const text = "version: 1\nname: a\ntarget: {namesrv: 'h:9876'}\nload: {stages: [{for: 5s}]}\nevents: "
	s, err := Parse("a.yaml", []byte(text+"[{at: 1s, topic: {queues_per_broker: 12}}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	e := s.Events[0]
	if e.Kind() != "topic" || e.Topic.QueuesPerBroker != 12 {
		t.Errorf("%+v", e)
	}
	var again strings.Builder
	if err := s.Render(&again); err != nil {
		t.Fatal(err)
	}
	if _, err := Parse("a.yaml", []byte(again.String())); err != nil {
		t.Errorf("%v of\n%s", err, again.String())
	}
	_, err = Parse("a.yaml", []byte(text+"[{at: 1s, for: 1s, busy: 0.5}]\n"))
	if err == nil || !strings.Contains(err.Error(), "a.yaml:5:11: events happen to the embedded broker only, and the target is h:9876") {
		t.Error(err)
	}
}

// What is shipped may be driven on a cluster; its events stay behind, and the scenario says so.
func TestShippedEventsStayBehind(t *testing.T) {
	s, err := Load("quick", Override{"target.namesrv", "h:9876", "-n"})
	if err != nil {
		t.Fatal(err)
	}
	if !s.EventsLeftOut || slices.ContainsFunc(s.Cases(), func(c Case) bool { return len(c.Events) > 0 }) {
		t.Errorf("left out: %v", s.EventsLeftOut)
	}
	if s, err = Load("quick"); err != nil || s.EventsLeftOut {
		t.Errorf("on the embedded broker: %v, %v", s.EventsLeftOut, err)
	}
}
