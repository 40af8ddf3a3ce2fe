package broker

import (
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// delayLevels are what a client means by its levels 1 to 18 (messageDelayLevel, MessageStoreConfig.java, 4.5.1 and 5.4.0).
var delayLevels = []time.Duration{
	time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute,
	5 * time.Minute, 6 * time.Minute, 7 * time.Minute, 8 * time.Minute, 9 * time.Minute, 10 * time.Minute, 20 * time.Minute,
	30 * time.Minute, time.Hour, 2 * time.Hour,
}

// detour finds where a message has to wait that isn't for its topic yet: half, delayed or timed. A nil topic is a
// refusal. Under mu.
func (b *Broker) detour(s *sending, t *topic) (*topic, refusal) {
	p := &s.props
	if p.transaction {
		return b.half(s)
	}
	if level, err := remoting.ParseInt32(p.delay); err == nil && level > 0 {
		if p.timed() {
			for _, key := range [...]string{message.PropertyTimerDeliverMS, message.PropertyTimerDelaySec, message.PropertyTimerDelayMS} {
				s.stored = []byte(message.DeleteProperty(string(s.stored), key)) // a level wins (HookUtils.checkIfTimerMessage)
			}
		}
		return b.divert(s, message.ScheduleTopic, min(level, int32(len(b.opts.DelayLevels)))-1), refusal{}
	}
	if p.timed() {
		return b.timed(s, t)
	}
	return t, refusal{}
}

// divert makes the record one of another topic, and notes where it was for. Under mu.
func (b *Broker) divert(s *sending, topic string, queue int32) *topic {
	r := &s.record
	s.stored = appendProperty(s.stored, message.PropertyRealTopic, r.Topic)
	s.stored = appendProperty(s.stored, message.PropertyRealQueueID, decimal(int64(r.QueueID)))
	t := b.topics[topic]
	r.Topic, r.QueueID = t.Name, queue
	return t
}

// await makes the agenda know of a message that detour has sent elsewhere. Under mu.
func (b *Broker) await(s *sending) {
	r := &s.record
	switch r.Topic {
	case message.HalfTopic:
		b.halfStored(r)
	case message.ScheduleTopic:
		b.agenda.by(r.StoreTime + b.opts.DelayLevels[r.QueueID].Milliseconds())
	case timerTopic:
		b.agenda.by(b.timers.add(b, s))
	}
}

// deliverDelayed moves the messages of every level whose time has come to where they were for. Those of one level fall
// due in the order in which they were stored, so that its queue is all the book there is to keep. Under mu.
func (b *Broker) deliverDelayed(now int64, left *int) (next int64) {
	next = never
	for level, q := range b.topics[message.ScheduleTopic].queues {
		if q == nil {
			continue
		}
		at := &b.delayed[level]
		for *at = max(*at, q.min); *at < q.max; *at = max(*at+1, q.min) { // what is released may push out the oldest
			if *left == 0 {
				return now
			}
			r, _, ok := b.record(q.at(*at))
			if !ok {
				continue
			}
			if due := r.StoreTime + b.opts.DelayLevels[level].Milliseconds(); due > now {
				next = min(next, due)
				break
			}
			b.release(&r, message.DecodeProperties(r.EncodedProperties))
			*left--
		}
	}
	return next
}

// release puts a message that waited where it was for. Its properties keep what the detour added: brokers write them as
// text before they take that out again (ScheduleMessageService.messageTimeUp, TimerMessageStore.convertMessage, 5.3.3). One
// whose topic was deleted meanwhile goes with it. Under mu.
func (b *Broker) release(r *message.Record, props message.Properties) {
	if t, queue := b.meant(props); t != nil {
		b.again(r, t, queue, props)
	}
}

// meant is the topic and queue that a message was for before its detour; nil if that topic is gone. Under mu.
func (b *Broker) meant(props message.Properties) (*topic, int32) {
	name, _ := props.Get(message.PropertyRealTopic)
	number, _ := props.Get(message.PropertyRealQueueID)
	queue, err := remoting.ParseInt32([]byte(number))
	if err != nil || queue < 0 || queue >= message.MaxRouteQueues {
		return nil, 0
	}
	return b.topics[name], queue
}

// again stores a message anew, elsewhere and with other properties, and reports whether they fit. r then says where it
// is. Under mu.
func (b *Broker) again(r *message.Record, t *topic, queue int32, props message.Properties) bool {
	if message.PropertiesLen(props) > message.MaxPropertiesLen {
		return false
	}
	r.Topic, r.QueueID = t.Name, queue
	r.StoreTime, r.StoreHost = time.Now().UnixMilli(), b.where.Load().host
	r.Body = append([]byte(nil), r.Body...) // put may drop what it lies in, and write over it
	r.EncodedProperties = message.AppendProperties(nil, props)
	b.put(t, r)
	return true
}
