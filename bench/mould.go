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
	topics  []string // one, unless the messages are shared by several
	ofTopic weights
	topic   draws  // of several
	kinds   []kind // one, unless they are mixed
	ofKind  weights
	kind    draws    // of a mix
	keys    *keyPool // nil: none
	delay   int
	roll    *roll // nil: messages have no number
}

// kind is what messages of one kind are made of.
type kind struct {
	name         string // "" unless they are mixed
	mode         scenarios.Mode
	bodies       [][]byte
	each         int // bytes of every body; 0: they differ
	compressible float64
	which        draws
	tags         []string
	tag          draws
	properties   message.Properties
}

// newMould makes the pools; an error is the scenario's fault.
func newMould(c *scenarios.Case) (*mould, error) {
	d := &mould{delay: c.Message.DelayLevel, kind: drawsOf(c.Seed, drawKind), topic: drawsOf(c.Seed, drawTopic)}
	for _, t := range c.Topic.All() {
		d.topics = append(d.topics, t.Key)
		d.ofTopic.add(t.Value)
	}
	mix := c.Load.Mix
	if len(mix) == 0 {
		mix = []scenarios.Kind{{Weight: 1, Mode: c.Load.Mode, Message: c.Message}}
	}
	for i := range mix {
		k, err := newKind(c.Seed, &mix[i])
		if err != nil {
			where := "message: "
			if k := mix[i].Name; k != "" {
				where = "kind " + k + ": " + where
			}
			return nil, scenarios.Faults{{File: "case " + c.Name, Msg: where + err.Error()}}
		}
		d.kinds = append(d.kinds, *k)
		d.ofKind.add(mix[i].Weight)
	}
	if c.Message.Keys != nil {
		d.keys = newKeyPool(c.Seed, c.Message.Keys)
	}
	return d, nil
}

func newKind(seed uint64, of *scenarios.Kind) (*kind, error) {
	m := &of.Message
	bodies, err := makeBodies(seed, m)
	if err != nil {
		return nil, err
	}
	k := &kind{name: of.Name, mode: of.Mode, bodies: bodies, compressible: m.Compressible, which: drawsOf(seed, drawBody), tag: drawsOf(seed, drawTag)}
	if m.Sizes == nil {
		k.each = int(m.Size)
	}
	for i := range m.Tags {
		k.tags = append(k.tags, fmt.Sprintf("tag%d", i))
	}
	for _, p := range m.Properties {
		k.properties = append(k.properties, message.Property{Key: p.Key, Value: p.Value})
	}
	return k, nil
}

// weights say how usual each of several things is.
type weights struct {
	of  []int
	sum int
}

func (w *weights) add(weight int) { w.of, w.sum = append(w.of, weight), w.sum+weight }

// pick is the number of the thing that draw i means.
func (w *weights) pick(d draws, i int64) int {
	if len(w.of) == 1 {
		return 0
	}
	at, k := d.below(i, w.sum), 0
	for at >= w.of[k] {
		at -= w.of[k]
		k++
	}
	return k
}

// share is what one of them has of all.
func (w *weights) share(i int) float64 { return float64(w.of[i]) / float64(w.sum) }

// mean weighs what is known of each.
func (w *weights) mean(of func(i int) float64) (mean float64) {
	for i := range w.of {
		mean += of(i) * float64(w.of[i])
	}
	return mean / float64(w.sum)
}

// kindOf is the number of message i's kind.
func (d *mould) kindOf(i int64) int { return d.ofKind.pick(d.kind, i) }

// topicOf is the number of the topic that a send goes to whose first message is i.
func (d *mould) topicOf(i int64) int { return d.ofTopic.pick(d.topic, i) }

// mean weighs what is known of each kind by how usual it is.
func (d *mould) mean(of func(*kind) float64) float64 {
	return d.ofKind.mean(func(i int) float64 { return of(&d.kinds[i]) })
}

// each is the bytes of every body; 0: they differ.
func (d *mould) each() int {
	for i := range d.kinds {
		if d.kinds[i].each != d.kinds[0].each {
			return 0
		}
	}
	return d.kinds[0].each
}

// batchOf is how many messages go in one send: so many, or as many as have about so many bytes.
func (d *mould) batchOf(l *scenarios.Workload) int {
	switch {
	case l.Mode != scenarios.Batch:
		return 1
	case l.BatchBytes == 0:
		return l.Batch
	}
	return min(max(int(float64(l.BatchBytes)/d.meanBody()), 1), scenarios.MaxBatch)
}

// meanBody is the bytes of a body, on average.
func (d *mould) meanBody() float64 {
	return d.mean(func(k *kind) float64 {
		sum := 0
		for _, b := range k.bodies {
			sum += len(b)
		}
		return max(float64(sum)/float64(len(k.bodies)), 1)
	})
}

// begin gives a message what all of them have.
func (d *mould) begin(m *producer.Message) {
	m.Topic, m.DelayLevel = d.topics[0], d.delay
}

// noKey is the number of the key of messages that have none.
const noKey = -1

// fill gives it what message i has, and says its key's number.
func (d *mould) fill(m *producer.Message, i int64) (key int32) {
	k := &d.kinds[d.kindOf(i)]
	m.Body, m.Tags, m.Properties, m.Number = k.bodyOf(i), "", k.properties, i
	if k.tags != nil {
		m.Tags = k.tags[k.tag.below(i, len(k.tags))]
	}
	if key = d.keyOf(i); key != noKey {
		m.Keys = d.keys.list(key)
	}
	if d.roll != nil {
		m.Properties = append(k.properties[:len(k.properties):len(k.properties)], message.Property{Key: numberProperty, Value: d.roll.number(i)})
	}
	return key
}

// bodyOf is message i's body.
func (d *mould) bodyOf(i int64) []byte { return d.kinds[d.kindOf(i)].bodyOf(i) }

func (k *kind) bodyOf(i int64) []byte {
	if k.each > 0 {
		return k.bodies[uint64(i)%uint64(len(k.bodies))] // they are alike: no draw is needed
	}
	return k.bodies[k.which.below(i, len(k.bodies))]
}

// keyOf is the number of message i's key, noKey if messages have none.
func (d *mould) keyOf(i int64) int32 {
	if d.keys == nil {
		return noKey
	}
	return int32(d.keys.pick(i))
}
