package broker

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// Limits of one read, whatever the request asks for.
const (
	maxPullMessages = 1024
	maxPullBytes    = 1 << 20 // the first message comes in any case
	maxQueryResults = 64
)

// record decodes what lies at a physical offset. It borrows from the log. Under mu.
func (b *Broker) record(physical int64) (r message.Record, raw []byte, ok bool) {
	at := b.log.at(physical)
	r, n, err := message.DecodeRecord(at)
	if err != nil || r.PhysicalOffset != physical {
		return r, nil, false
	}
	return r, at[:n], true
}

func (b *Broker) viewByID(f *fields) *remoting.Command {
	offset := f.long("offset")
	if f.err != nil {
		return f.or(nil)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	_, raw, ok := b.record(offset)
	if !ok {
		return answer(remoting.SystemError, fmt.Sprintf("can not find message by the offset, %d", offset))
	}
	return answerBody(slices.Clone(raw))
}

// pulling is a pull of the messages of one queue from an offset on.
type pulling struct {
	topic string
	queue int32
	from  int64
	most  int32
}

// Bits of a pull's sysFlag (PullSysFlag.java).
const flagSuspend = 1 << 1

// pull is PULL_MESSAGE without filters. One that finds nothing new waits for it as long as it asks for: nil.
func (b *Broker) pull(f *fields, req *remoting.Request) *remoting.Command {
	p := pulling{f.text("topic"), f.int("queueId"), f.long("queueOffset"), f.int("maxMsgNums")}
	var patience time.Duration
	if flags := f.optional("sysFlag"); flags != "" && f.int("sysFlag")&flagSuspend != 0 {
		patience = time.Duration(min(max(f.long("suspendTimeoutMillis"), 0), maxSuspend.Milliseconds())) * time.Millisecond
	}
	if f.err != nil {
		return f.or(nil)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.pulled(p)
	if a.Response() == remoting.PullNotFound && patience > 0 && len(b.suspended) < maxSuspended {
		until := time.Now().Add(patience).UnixMilli()
		b.suspended = append(b.suspended, suspended{pulling: p, to: req.Later(), serialize: b.opts.serialization(&req.Head), until: until})
		b.agenda.by(until)
		return nil
	}
	return a
}

// pulled is the answer to a pull, as things are. Under mu.
func (b *Broker) pulled(p pulling) *remoting.Command {
	t := b.topics[p.topic]
	if t == nil {
		return answer(remoting.TopicNotExist, "topic["+p.topic+"] not exist, apply first please! "+faq, noFields...)
	}
	if t.Perm&message.PermRead == 0 {
		return answer(remoting.NoPermission, "the topic["+p.topic+"] pulling message is forbidden", noFields...)
	}
	if p.queue < 0 || int(p.queue) >= t.ReadQueues {
		return answer(remoting.InvalidParameter, fmt.Sprintf("queueId[%d] is illegal, topic:[%s] topicConfig.readQueueNums:[%d]", p.queue, p.topic, t.ReadQueues), noFields...)
	}
	q := t.offsets(p.queue)
	code, status, next := remoting.Success, "FOUND", p.from
	var body []byte
	switch {
	case q.max == 0 && p.from == 0:
		code, status = remoting.PullNotFound, "NO_MESSAGE_IN_QUEUE"
	case q.max == 0:
		code, status, next = remoting.PullOffsetMoved, "NO_MESSAGE_IN_QUEUE", 0
	case p.from < q.min:
		code, status, next = remoting.PullOffsetMoved, "OFFSET_TOO_SMALL", q.min
	case p.from == q.max:
		code, status = remoting.PullNotFound, "OFFSET_OVERFLOW_ONE"
	case p.from > q.max:
		code, status, next = remoting.PullOffsetMoved, "OFFSET_OVERFLOW_BADLY", q.max
	default:
		most := int64(min(max(p.most, 1), maxPullMessages))
		for ; next < q.max && next-p.from < most; next++ {
			_, raw, ok := b.record(q.at(next))
			if !ok || len(body) > 0 && len(body)+len(raw) > maxPullBytes {
				break
			}
			body = append(body, raw...)
		}
	}
	a := answer(code, status, longField("suggestWhichBrokerId", 0), longField("nextBeginOffset", next), longField("minOffset", q.min), longField("maxOffset", q.max),
		longField("topicSysFlag", int64(t.TopicSysFlag)), longField("groupSysFlag", 0))
	a.Body = body
	return a
}

// suspended is a pull that waits for a message.
type suspended struct {
	pulling
	to        remoting.Later
	serialize remoting.Serialize
	until     int64 // ms since the epoch
}

// maxSuspended bounds what pullers can make a broker remember, and maxSuspend for how long.
const (
	maxSuspended = 10_000
	maxSuspend   = 5 * time.Minute
)

// answerPulls answers the pulls for which there is something now, or that have waited long enough, and says when the
// next one has. Under mu.
func (b *Broker) answerPulls(now int64) (next int64) {
	next = never
	b.suspended = slices.DeleteFunc(b.suspended, func(s suspended) bool {
		if t := b.topics[s.topic]; s.until > now && t != nil && t.offsets(s.queue).max == s.from {
			next = min(next, s.until)
			return false
		}
		a := b.pulled(s.pulling)
		a.Serialize = s.serialize
		b.pacer.answer(s.to, a, a.Body)
		return true
	})
	if len(b.suspended) == 0 {
		b.suspended = nil
	}
	return next
}

func longField(key string, n int64) remoting.Field {
	return remoting.Field{Key: key, Value: decimal(n)}
}

func boolField(key string, b bool) remoting.Field {
	return remoting.Field{Key: key, Value: strconv.FormatBool(b)}
}

// query looks through everything that is stored, newest first: there is no index.
func (b *Broker) query(f *fields) *remoting.Command {
	topic, key := f.text("topic"), f.text("key")
	most, from, to := f.int("maxNum"), f.long("beginTimestamp"), f.long("endTimestamp")
	unique := f.optional("_UNIQUE_KEY_QUERY") == "true"
	if f.err != nil {
		return f.or(nil)
	}
	limit := int(min(max(most, 1), maxQueryResults))
	matches := func(r *message.Record) bool {
		if r.Topic != topic || r.StoreTime < from || r.StoreTime > to {
			return false
		}
		if id, _ := message.LookupProperty(r.EncodedProperties, message.PropertyUniqueKey); string(id) == key {
			return true
		}
		keys, _ := message.LookupProperty(r.EncodedProperties, message.PropertyKeys)
		return !unique && slices.Contains(strings.Fields(string(keys)), key)
	}
	var body []byte
	var last message.Record
	n := 0
	for end := int64(-1); n < limit; {
		found, begin, newest, ok := b.scanChunk(end, matches)
		if !ok {
			break
		}
		if end < 0 {
			last = newest
		}
		end = begin
		for i := len(found) - 1; i >= 0 && n < limit && len(body) < maxPullBytes; i-- {
			body = append(body, found[i]...)
			n++
		}
	}
	if n == 0 {
		return answer(remoting.QueryNotFound, "can not find message, maybe time range not correct", longField("indexLastUpdateTimestamp", 0), longField("indexLastUpdatePhyoffset", 0))
	}
	a := answer(remoting.Success, "", longField("indexLastUpdateTimestamp", last.StoreTime), longField("indexLastUpdatePhyoffset", last.PhysicalOffset))
	a.Body = body
	return a
}

// scanChunk goes through the newest chunk that begins before a physical offset, any for -1, and copies the records
// that match. Senders wait for one chunk only.
func (b *Broker) scanChunk(before int64, matches func(*message.Record) bool) (found [][]byte, begin int64, newest message.Record, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := len(b.log.chunks) - 1; i >= 0; i-- {
		c := b.log.chunks[i]
		if before >= 0 && c.base >= before {
			continue
		}
		for at := 0; at < len(c.data); {
			r, n, err := message.DecodeRecord(c.data[at:])
			if err != nil {
				break
			}
			if matches(&r) {
				found = append(found, slices.Clone(c.data[at:at+n]))
			}
			newest = message.Record{StoreTime: r.StoreTime, PhysicalOffset: r.PhysicalOffset}
			at += n
		}
		return found, c.base, newest, true
	}
	return nil, 0, newest, false
}

// searchOffset finds by store time: the first message of that time or later, or with UPPER the last one of that time
// or earlier.
func (b *Broker) searchOffset(f *fields) *remoting.Command {
	name, id, when := f.text("topic"), f.int("queueId"), f.long("timestamp")
	upper := strings.EqualFold(f.optional("boundaryType"), "UPPER")
	if f.err != nil {
		return f.or(nil)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var q queue
	if t := b.topics[name]; t != nil {
		q = t.offsets(id)
	}
	n := sort.Search(int(q.max-q.min), func(i int) bool {
		stored := b.storeTime(&q, q.min+int64(i))
		return stored > when || !upper && stored == when
	})
	offset := q.min + int64(n)
	if upper && n > 0 && offset < q.max {
		offset--
	}
	return offsetAnswer(offset)
}

// storeTime of a message in ms since the epoch; -1 if it isn't there. Under mu.
func (b *Broker) storeTime(q *queue, offset int64) int64 {
	if offset < q.min || offset >= q.max {
		return -1
	}
	r, _, ok := b.record(q.at(offset))
	if !ok {
		return -1
	}
	return r.StoreTime
}

func (b *Broker) earliestStoreTime(f *fields) *remoting.Command {
	name, id := f.text("topic"), f.int("queueId")
	if f.err != nil {
		return f.or(nil)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	when := int64(-1)
	if t := b.topics[name]; t != nil {
		q := t.offsets(id)
		when = b.storeTime(&q, q.min)
	}
	return answer(remoting.Success, "", longField("timestamp", when))
}
