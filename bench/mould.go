package bench

import (
	"fmt"

	"rmqbench/producer"
	"rmqbench/remoting/message"
	"rmqbench/scenarios"
)

// mould is what a case's messages are made of. All of it is ready before the run, and what message i gets is a pure
// function of seed and i.
type mould struct {
	topic      string
	bodies     [][]byte
	each       int // bytes of every body; 0: they differ
	which      draws
	keys       *keyPool // nil: none
	tags       []string
	tag        draws
	properties message.Properties
	delay      int
	roll       *roll // nil: messages have no number
}

// newMould makes the pools; an error is the scenario's fault.
func newMould(c *scenarios.Case) (*mould, error) {
	m := &c.Message
	bodies, err := makeBodies(c.Seed, m)
	if err != nil {
		return nil, scenarios.Faults{{File: "case " + c.Name, Msg: "message: " + err.Error()}}
	}
	d := &mould{topic: c.Topic.Name, bodies: bodies, which: drawsOf(c.Seed, drawBody), tag: drawsOf(c.Seed, drawTag), delay: m.DelayLevel}
	if m.Sizes == nil {
		d.each = int(m.Size)
	}
	if m.Keys != nil {
		d.keys = newKeyPool(c.Seed, m.Keys)
	}
	for i := range m.Tags {
		d.tags = append(d.tags, fmt.Sprintf("tag%d", i))
	}
	for _, p := range m.Properties {
		d.properties = append(d.properties, message.Property{Key: p.Key, Value: p.Value})
	}
	return d, nil
}

// batchOf is how many messages go in one send: so many, or as many as have about so many bytes.
func (d *mould) batchOf(l *scenarios.Workload) int {
	switch {
	case l.Mode != scenarios.Batch:
		return 1
	case l.BatchBytes == 0:
		return l.Batch
	}
	return min(max(int(int64(l.BatchBytes)/d.meanBody()), 1), scenarios.MaxBatch)
}

// meanBody is the bytes of a body, on average.
func (d *mould) meanBody() int64 {
	sum := int64(0)
	for _, b := range d.bodies {
		sum += int64(len(b))
	}
	return max(sum/int64(len(d.bodies)), 1)
}

// begin gives a message what all of them have.
func (d *mould) begin(m *producer.Message) {
	m.Topic, m.Properties, m.DelayLevel = d.topic, d.properties, d.delay
}

// noKey is the number of the key of messages that have none.
const noKey = -1

// fill gives it what message i has, and says its key's number.
func (d *mould) fill(m *producer.Message, i int64) (key int32) {
	m.Body = d.bodyOf(i)
	if d.tags != nil {
		m.Tags = d.tags[d.tag.below(i, len(d.tags))]
	}
	if key = d.keyOf(i); key != noKey {
		m.Keys = d.keys.list(key)
	}
	if d.roll != nil {
		m.Properties = append(d.properties[:len(d.properties):len(d.properties)], message.Property{Key: numberProperty, Value: d.roll.number(i)})
	}
	return key
}

// bodyOf is message i's body.
func (d *mould) bodyOf(i int64) []byte {
	if d.each > 0 {
		return d.bodies[uint64(i)%uint64(len(d.bodies))] // they are alike: no draw is needed
	}
	return d.bodies[d.which.below(i, len(d.bodies))]
}

// keyOf is the number of message i's key, noKey if messages have none.
func (d *mould) keyOf(i int64) int32 {
	if d.keys == nil {
		return noKey
	}
	return int32(d.keys.pick(i))
}
