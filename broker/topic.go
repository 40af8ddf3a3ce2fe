package broker

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// topic is one topic and its queues on one broker. It is guarded by its broker's mu.
type topic struct {
	message.TopicConfig
	sendable bool     // by its name
	queues   []*queue // by id; shorter than WriteQueues, or nil at a place, while nothing is stored there
	puts     rate
}

// queue finds a queue to put something into; id >= 0.
func (t *topic) queue(id int32) *queue {
	for int(id) >= len(t.queues) {
		t.queues = append(t.queues, nil)
	}
	if t.queues[id] == nil {
		t.queues[id] = new(queue)
	}
	return t.queues[id]
}

// offsets are those of a queue that perhaps never held anything.
func (t *topic) offsets(id int32) (q queue) {
	if id >= 0 && int(id) < len(t.queues) && t.queues[id] != nil {
		q = *t.queues[id]
	}
	return q
}

// createSystemTopics makes the topics that a real broker has from the start and that a client may ask for.
func (b *Broker) createSystemTopics() {
	rw := message.PermRead | message.PermWrite
	for _, t := range []struct {
		name   string
		queues int
		perm   message.Perm
	}{
		{"SELF_TEST_TOPIC", 1, rw},
		{"BenchmarkTest", 1024, rw},
		{"OFFSET_MOVED_EVENT", 1, rw},
		{message.ScheduleTopic, len(b.opts.DelayLevels), rw},
		{timerTopic, 1, rw},
		{message.HalfTopic, 1, rw},
		{message.OpHalfTopic, 1, rw},
		{checkMaxTopic, 1, rw},
		{b.opts.Cluster + "_REPLY_TOPIC", 1, rw},
		{b.opts.Cluster, 16, rw | message.PermInherit},
		{b.name, 1, rw | message.PermInherit},
	} {
		b.putTopic(message.TopicConfig{Name: t.name, ReadQueues: t.queues, WriteQueues: t.queues, Perm: t.perm})
	}
	if !b.opts.NoAutoCreate {
		n := b.opts.QueuesPerTopic
		b.putTopic(message.TopicConfig{Name: message.DefaultTopic, ReadQueues: n, WriteQueues: n, Perm: rw | message.PermInherit})
	}
}

// putTopic makes a topic or changes its configuration. Under mu.
func (b *Broker) putTopic(c message.TopicConfig) *topic {
	t := b.topics[c.Name]
	if t == nil {
		t = &topic{sendable: !message.SendForbidden(c.Name), puts: newRate(topicRateSeconds)}
		b.topics[c.Name] = t
	}
	if c.FilterType == "" {
		c.FilterType = "SINGLE_TAG"
	}
	t.TopicConfig = c
	return t
}

// autoCreate makes the topic of a send as the default topic it names allows; nil if it doesn't. Under mu.
func (b *Broker) autoCreate(name, model string, queues int32) *topic {
	if strings.HasPrefix(name, message.RetryPrefix) {
		return b.putTopic(message.TopicConfig{Name: name, ReadQueues: 1, WriteQueues: 1, Perm: message.PermRead | message.PermWrite})
	}
	t := b.topics[model]
	if t == nil || t.Perm&message.PermInherit == 0 || len(b.topics) >= maxTopics {
		return nil
	}
	n := max(0, min(int(queues), t.WriteQueues))
	return b.putTopic(message.TopicConfig{Name: name, ReadQueues: n, WriteQueues: n, Perm: t.Perm &^ message.PermInherit, TopicSysFlag: t.TopicSysFlag})
}

// maxTopics bounds what senders can make a broker create.
const maxTopics = 100_000

func (b *Broker) topicConfig(name string) (message.TopicConfig, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.topics[name]; t != nil {
		return t.TopicConfig, true
	}
	return message.TopicConfig{}, false
}

func (b *Broker) eachTopic(f func(name string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name := range b.topics {
		f(name)
	}
}

// badTopicName is a broker's remark about a name that it doesn't take, or "".
func badTopicName(name string) string {
	err := message.CheckBrokerTopic(name)
	if err == nil {
		return ""
	}
	var bad *message.NameError
	switch {
	case strings.TrimSpace(name) == "":
		return "The specified topic is blank."
	case errors.As(err, &bad) && len(name) > message.MaxTopicLen && message.CheckTopic(name[:message.MaxTopicLen]) == nil:
		return "The specified topic is longer than topic max length."
	}
	return "The specified topic: " + name + ", contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$"
}

// updateTopic is UPDATE_AND_CREATE_TOPIC.
func (b *Broker) updateTopic(f *fields) *remoting.Command {
	c := message.TopicConfig{Name: f.text("topic"), ReadQueues: int(f.int("readQueueNums")), WriteQueues: int(f.int("writeQueueNums")),
		Perm: message.Perm(f.int("perm")), Order: f.optional("order") == "true", FilterType: f.optional("topicFilterType")}
	if f.optional("topicSysFlag") != "" {
		c.TopicSysFlag = int(f.int("topicSysFlag"))
	}
	attributes := f.optional("attributes")
	if f.err != nil {
		return f.or(nil)
	}
	return b.changeTopic(c, attributes)
}

// remarkOfChange is what 5.x says to a change of topic that succeeded.
const remarkOfChange = "not set any response code"

// changeTopic makes or changes a topic. attributes are changes to those it has: +key=value and -key, with commas between.
func (b *Broker) changeTopic(c message.TopicConfig, attributes string) *remoting.Command {
	if remark := badTopicName(c.Name); remark != "" {
		return answer(remoting.InvalidParameter, remark)
	}
	if message.IsSystemTopic(c.Name) {
		return answer(remoting.InvalidParameter, "The topic["+c.Name+"] is conflict with system topic.")
	}
	if c.ReadQueues < 0 || c.WriteQueues < 0 || max(c.ReadQueues, c.WriteQueues) > message.MaxRouteQueues {
		return answer(remoting.InvalidParameter, fmt.Sprintf("a topic has at most %d queues", message.MaxRouteQueues))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c.Attributes = maps.Clone(c.Attributes)
	if old := b.topics[c.Name]; old != nil {
		c.Attributes = maps.Clone(old.Attributes)
	} else if len(b.topics) >= maxTopics {
		return answer(remoting.SystemError, fmt.Sprintf("the broker has %d topics already", maxTopics))
	}
	for change := range strings.SplitSeq(attributes, ",") {
		key, value, set := strings.Cut(change, "=")
		if name, ok := strings.CutPrefix(key, "+"); ok && set {
			if c.Attributes == nil {
				c.Attributes = map[string]string{}
			}
			c.Attributes[name] = value
		} else if name, ok := strings.CutPrefix(key, "-"); ok {
			delete(c.Attributes, name)
		}
	}
	b.putTopic(c)
	return answer(remoting.Success, remarkOfChange)
}

// PutTopic makes a topic on this broker, or changes its queues, permissions and order; what lies in a queue stays. Fewer
// queues or another permission show in the next route that a client asks for, as after mqadmin's updateTopic. The error
// is a broker's remark: an illegal name, a system topic, a number of queues that can't be.
func (b *Broker) PutTopic(c message.TopicConfig) error { return failure(b.changeTopic(c, "")) }

// DeleteTopic takes a topic off this broker, with all that lies in it; that is none, too. The error is as PutTopic's.
func (b *Broker) DeleteTopic(name string) error { return failure(b.dropTopic(name)) }

// failure is an answer of ours as an error.
func failure(a *remoting.Command) error {
	if a.Response() == remoting.Success {
		return nil
	}
	return fmt.Errorf("broker: %v: %s", a.Response(), a.Remark)
}

func (b *Broker) deleteTopic(f *fields) *remoting.Command {
	name := f.text("topic")
	if f.err != nil {
		return f.or(nil)
	}
	return b.dropTopic(name)
}

func (b *Broker) dropTopic(name string) *remoting.Command {
	if remark := badTopicName(name); remark != "" {
		return answer(remoting.InvalidParameter, remark)
	}
	if message.IsSystemTopic(name) {
		return answer(remoting.InvalidParameter, "The topic["+name+"] is conflict with system topic.")
	}
	b.mu.Lock()
	delete(b.topics, name)
	b.mu.Unlock()
	return answer(remoting.Success, "")
}

func (b *Broker) getTopicConfig(f *fields) *remoting.Command {
	name := f.text("topic")
	c, ok := b.topicConfig(name)
	if f.err == nil && !ok {
		return answer(remoting.TopicNotExist, "No topic in this broker. topic: "+name)
	}
	return f.or(answerBody(c.AppendJSON(nil)))
}

// describe is how a broker's remarks print a topic (TopicConfig.toString).
func describe(c *message.TopicConfig) string {
	perm := []byte("---")
	if c.Perm&message.PermRead != 0 {
		perm[0] = 'R'
	}
	if c.Perm&message.PermWrite != 0 {
		perm[1] = 'W'
	}
	if c.Perm&message.PermInherit != 0 {
		perm[2] = 'X'
	}
	var attributes []string
	for _, key := range slices.Sorted(maps.Keys(c.Attributes)) {
		attributes = append(attributes, key+"="+c.Attributes[key])
	}
	return fmt.Sprintf("TopicConfig [topicName=%s, readQueueNums=%d, writeQueueNums=%d, perm=%s, topicFilterType=%s, topicSysFlag=%d, order=%t, attributes={%s}]",
		c.Name, c.ReadQueues, c.WriteQueues, perm, c.FilterType, c.TopicSysFlag, c.Order, strings.Join(attributes, ", "))
}
