package scenarios

import "testing"

// Whoever drives a shipped scenario on a topic of theirs gives its name, and not how many queues it has: that is taken as it is.
func TestShippedTakeATopicAsItIs(t *testing.T) {
	for _, info := range Shipped() {
		s, err := Load(info.Name, Override{Path: "target.namesrv", Value: "127.0.0.1:9876", Source: "-n"}, Override{Path: "topic.name", Value: "MINE", Source: "-t"})
		if err != nil {
			t.Fatal(info.Name, err)
		}
		for _, c := range s.Cases() {
			if c.Topic.QueuesPerBroker != 0 || c.Target.Embedded != nil || c.Topic.All()[0].Key != "MINE" {
				t.Errorf("%s, %s: %d queues a broker of %v", info.Name, c.Name, c.Topic.QueuesPerBroker, c.Topic.All())
			}
		}
		s, err = Load(info.Name)
		if err != nil {
			t.Fatal(info.Name, err)
		}
		for _, c := range s.Cases() {
			if c.Target.Embedded != nil && c.Topic.QueuesPerBroker != usualQueues {
				t.Errorf("%s, %s: %d queues a broker where it is made", info.Name, c.Name, c.Topic.QueuesPerBroker)
			}
		}
	}
}
