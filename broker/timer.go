package broker

import (
	"container/heap"
	"fmt"
	"slices"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// timerTopic is where timer messages wait (TimerMessageStore.java, 5.x).
const timerTopic = "rmq_sys_wheel_timer"

// maxTimerDelay is how far ahead a message may be timed (timerMaxDelaySec, MessageStoreConfig.java, 5.x).
const maxTimerDelay = 3 * 24 * time.Hour

// timers are the timer messages of a broker. They are guarded by its mu.
type timers struct {
	waiting  timerHeap
	recalled map[string]bool // by recallKey
	prune    int             // so many waiting are looked through for those whose records are gone
}

// timer is a message that waits, or the one that recalls it.
type timer struct {
	due      int64  // ms since the epoch
	physical int64  // of its record: what was stored earlier lies before what came later
	recalls  string // recallKey; "" for a message to be delivered
}

// timerHeap has the next one on top.
type timerHeap []timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	x, y := &h[i], &h[j]
	if x.due != y.due {
		return x.due < y.due
	}
	if x.recalls != "" || y.recalls != "" { // a recall holds until its slot is through
		return x.recalls == ""
	}
	return x.physical < y.physical
}
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)   { *h = append(*h, x.(timer)) }
func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	*h = (*h)[:last]
	return t
}

// deliverAt is when a message stored now is to be delivered, in ms since the epoch. It fails on what is no number, or
// further ahead than is allowed (HookUtils.transformTimerMessage, 5.3.3).
func (p *sendProps) deliverAt(now int64) (at int64, ok bool) {
	text, unit, from := p.timerDeliver, int64(1), int64(0)
	if p.timerDelayMS != nil {
		text, from = p.timerDelayMS, now
	}
	if p.timerDelaySec != nil {
		text, unit, from = p.timerDelaySec, 1000, now
	}
	n, err := remoting.ParseInt64(text)
	if err != nil || n > (now+maxTimerDelay.Milliseconds()-from)/unit {
		return 0, false
	}
	if n < 0 {
		return 0, true // long ago
	}
	return from + n*unit, true
}

// timerSlot is the time that a broker notes for a message to be delivered at: the precision's multiple before it. It
// is delivered when that slot is over (TimerMessageStore.java, 5.3.3).
func timerSlot(at, precision int64) int64 { return (at - 1) / precision * precision }

// timed is the detour of a timer message; one whose time has come already takes none. Under mu.
func (b *Broker) timed(s *sending, t *topic) (*topic, refusal) {
	if b.opts.NoTimers {
		return nil, refusal{remoting.SystemError, "accurate timer message is not enabled, timerWheelEnable is false"}
	}
	now := s.record.StoreTime
	at, ok := s.props.deliverAt(now)
	if !ok || at <= now && s.props.recalls != nil {
		return nil, refusal{remoting.MessageIllegal, fmt.Sprintf("timer message illegal, the delay time should not be bigger than the max delay %dms; or if set del msg, the delay time should be bigger than the current time", maxTimerDelay.Milliseconds())}
	}
	if at <= now {
		return t, refusal{}
	}
	slot := timerSlot(at, b.opts.TimerPrecision.Milliseconds())
	s.stored = appendProperty(s.stored, message.PropertyTimerOutMS, decimal(slot))
	s.reply.RecallHandle = []byte(message.RecallHandle{Topic: t.Name, Broker: b.name, Time: decimal(slot + 1), UniqueID: string(s.uniq)}.String())
	return b.divert(s, timerTopic, 0), refusal{}
}

// add takes a message that was stored just now, and says when it is due.
func (ts *timers) add(b *Broker, s *sending) (due int64) {
	out, _ := message.LookupProperty(s.stored, message.PropertyTimerOutMS)
	slot, _ := remoting.ParseInt64(out) // timed has written it
	t := timer{slot + b.opts.TimerPrecision.Milliseconds(), s.record.PhysicalOffset, string(s.props.recalls)}
	if t.recalls != "" {
		ts.recalled[t.recalls] = true
	}
	if len(ts.waiting) >= max(ts.prune, minPrune) {
		ts.drop(b.log.begin())
	}
	heap.Push(&ts.waiting, t)
	return t.due
}

const minPrune = 4096

// drop forgets the messages before a physical offset, which the log no longer has. Recalls stay: they are to be undone.
func (ts *timers) drop(begin int64) {
	ts.waiting = slices.DeleteFunc(ts.waiting, func(t timer) bool { return t.physical < begin && t.recalls == "" })
	heap.Init(&ts.waiting)
	ts.prune = 2 * len(ts.waiting)
}

// recallKey names a message to whoever recalls it (TimerMessageStore.buildDeleteKey).
func recallKey(topic, id string) string { return topic + "+" + id }

// deliverTimers is as deliverDelayed. A recalled message is passed over; the one that recalled it, last in the slot, ends
// that. Under mu.
func (b *Broker) deliverTimers(now int64, left *int) (next int64) {
	ts := &b.timers
	for ; len(ts.waiting) > 0; *left-- {
		if ts.waiting[0].due > now {
			return ts.waiting[0].due
		}
		if *left == 0 {
			return now
		}
		t := heap.Pop(&ts.waiting).(timer)
		if t.recalls != "" {
			delete(ts.recalled, t.recalls)
			continue
		}
		r, _, ok := b.record(t.physical)
		if !ok {
			continue
		}
		props := message.DecodeProperties(r.EncodedProperties)
		topic, _ := props.Get(message.PropertyRealTopic)
		id, _ := props.Get(message.PropertyUniqueKey)
		if ts.recalled[recallKey(topic, id)] {
			continue
		}
		props.Set(message.PropertyTimerEnqueueMS, decimal(r.StoreTime))
		props.Set(message.PropertyTimerDequeueMS, decimal(now))
		b.release(&r, props)
	}
	return never
}

// recall is RECALL_MESSAGE: a message to the timers that takes back another (RecallMessageProcessor.java, 5.3.3).
func (b *Broker) recall(f *fields, req *remoting.Request) *remoting.Command {
	topic, text := f.text("topic"), f.text("recallHandle")
	if f.err != nil {
		return f.or(nil)
	}
	refuse := func(code remoting.Code, remark string) *remoting.Command {
		return answer(code, remark, remoting.Field{Key: "MSG_REGION", Value: region})
	}
	if b.opts.NoRecall {
		return refuse(remoting.NoPermission, "recall failed, operation is forbidden")
	}
	if _, ok := b.topicConfig(topic); !ok {
		return refuse(remoting.TopicNotExist, "recall failed, the topic["+topic+"] not exist")
	}
	h, err := message.ParseRecallHandle(text)
	if err != nil {
		return refuse(remoting.IllegalOperation, "recall handle is invalid")
	}
	now := time.Now().UnixMilli()
	at, err := remoting.ParseInt64([]byte(h.Time))
	switch {
	case h.Topic != topic:
		return refuse(remoting.IllegalOperation, "recall failed, topic not match")
	case h.Broker != b.name:
		return refuse(remoting.IllegalOperation, "recall failed, broker service not available")
	case err != nil || at <= now || at-now >= maxTimerDelay.Milliseconds():
		return refuse(remoting.IllegalOperation, "recall failed, timestamp invalid")
	}
	var s sending
	s.view.Topic = []byte(topic)
	s.view.Properties = message.AppendProperties(nil, message.Properties{
		{Key: message.PropertyTags, Value: "_RECALL_TAG_"},
		{Key: message.PropertyTimerDelUniqKey, Value: recallKey(topic, h.UniqueID)},
		{Key: message.PropertyUniqueKey, Value: h.UniqueID},
		{Key: message.PropertyTimerDeliverMS, Value: h.Time},
		{Key: message.PropertyBornTimestamp, Value: decimal(now)},
		{Key: message.PropertyProducerGroup, Value: f.optional("producerGroup")},
	})
	s.view.BornTimestamp = now
	s.props.read(s.view.Properties)
	b.mu.Lock()
	defer b.mu.Unlock()
	t, no := b.target(&s, peer(req.Conn))
	if t != nil {
		s.record.Body = []byte("0")
		no = b.storeOne(&s, t)
	}
	if no.code != 0 {
		return refuse(remoting.SystemError, "recall failed, execute error")
	}
	return answer(remoting.Success, remarkOfChange, remoting.Field{Key: "MSG_REGION", Value: region}, remoting.Field{Key: "msgId", Value: h.UniqueID})
}
