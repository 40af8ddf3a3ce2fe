package nemesis

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"rmqbench/producer"
	"rmqbench/remoting/message"
)

// Cluster is where messages are read back.
type Cluster struct {
	Admin  *producer.Admin // on connections of its own
	Addrs  map[string]string
	Topic  string
	Queues int // the most that the topic has on any broker
}

// Ends are the offsets that the next messages get, by queue.
func (c *Cluster) Ends(ctx context.Context) (map[Place]int64, error) {
	ends := map[Place]int64{}
	for broker, addr := range c.Addrs {
		for q := range c.Queues {
			n, err := c.Admin.MaxOffset(ctx, addr, c.Topic, q)
			if err != nil {
				return nil, err
			}
			ends[Place{broker, int32(q), 0}] = n
		}
	}
	return ends, nil
}

// errDropped is a queue whose beginning its broker no longer has: nothing can be said of what lay there.
var errDropped = errors.New("its broker has dropped what was to be read")

// Read reads every queue from there on.
func (c *Cluster) Read(ctx context.Context, from map[Place]int64, h *History) ([]Stored, error) {
	var all []Stored
	for q := range maps.Keys(from) {
		for next := from[q]; ; {
			got, err := c.Admin.Pull(ctx, c.Addrs[q.Broker], producer.MessageQueue{Topic: c.Topic, Broker: q.Broker, ID: q.Queue}, next, 32, 0)
			if err != nil {
				return nil, fmt.Errorf("reading %v: %w", q, err)
			}
			if got.Min > next {
				return nil, fmt.Errorf("%v from offset %d: %w, all before %d: give it more memory", q, next, errDropped, got.Min)
			}
			for _, m := range got.Messages {
				key, _ := m.Properties.Get(message.PropertyKeys)
				n, ours := h.Number(key)
				s := Stored{Place: Place{q.Broker, m.QueueID, m.QueueOffset}, Number: n, Sum: sumRead(m)}
				if !ours {
					s.Number, s.Other = -1, key != "" && key[0] == h.Run[0]
				}
				all = append(all, s)
			}
			if len(got.Messages) == 0 {
				break
			}
			next = got.Messages[len(got.Messages)-1].QueueOffset + 1
		}
	}
	return all, nil
}
