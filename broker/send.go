package broker

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// region is what a broker's region id is unless configured otherwise.
const region = "DefaultRegion"

// sending is the work space of one send, and then its reply. It borrows nothing once it holds the reply.
type sending struct {
	view   remoting.SendView
	props  sendProps
	record message.Record
	reply  remoting.SendReply
	stored []byte // properties as stored
	ids    []byte // reply.MsgID
	uniq   []byte // reply.TransactionID
}

var sendings = sync.Pool{New: func() any { return new(sending) }}

// refusal is why a send was not stored; the zero refusal is none.
type refusal struct {
	code   remoting.Code
	remark string
}

func (b *Broker) send(req *remoting.Request) {
	status := remoting.Success
	if sc := b.script.Load(); sc != nil {
		if a := sc.next(); a != nil && !stored(a.code) {
			b.refuse(req, refusal{a.code, a.remark})
			return
		} else if a != nil {
			status = a.code
		}
	}
	s := sendings.Get().(*sending)
	if err := s.view.Parse(&req.Head); err != nil {
		s.release()
		b.reply(req, answer(remoting.SystemError, err.Error()))
		return
	}
	if no := b.store(s, req); no.code != 0 {
		s.release()
		b.refuse(req, no)
		return
	}
	s.reply.Code = status
	s.reply.Serialize = b.opts.serialization(&req.Head)
	s.reply.Language, s.reply.Version = remoting.Go, claimedVersion
	s.reply.TraceOn, s.reply.Region = true, region
	b.pacer.reply(req, time.Duration(b.pacer.service.Load()), &s.reply, nil, s)
}

// refuse answers a send that is not stored.
func (b *Broker) refuse(req *remoting.Request, no refusal) {
	b.reply(req, answer(no.code, no.remark, remoting.Field{Key: "TRACE_ON", Value: "true"}, remoting.Field{Key: "MSG_REGION", Value: region}))
}

// release gives the work space back, without what it borrowed.
func (s *sending) release() {
	s.view = remoting.SendView{}
	s.props = sendProps{}
	s.record = message.Record{}
	sendings.Put(s)
}

// sendProps are the properties of a message that a broker acts on. They borrow from the properties string.
type sendProps struct {
	unique    []byte
	transient bool // some are not stored
	detour    bool // one of the following is there

	transaction   bool // TRAN_MSG is true
	delay         []byte
	timerDeliver  []byte
	timerDelaySec []byte
	timerDelayMS  []byte
	recalls       []byte // recallKey
}

func (p *sendProps) timed() bool {
	return p.timerDeliver != nil || p.timerDelaySec != nil || p.timerDelayMS != nil
}

// read goes through a properties string once, by the rules of [message.DecodeProperties].
func (p *sendProps) read(encoded []byte) {
	*p = sendProps{}
	for rest := encoded; len(rest) > 0; {
		var pair []byte
		if end := bytes.IndexByte(rest, 2); end < 0 {
			pair, rest = rest, nil
		} else {
			pair, rest = rest[:end], rest[end+1:]
		}
		cut := bytes.IndexByte(pair, 1)
		if cut <= 0 || cut == len(pair)-1 {
			continue
		}
		key, value := pair[:cut], pair[cut+1:]
		switch string(key) {
		case message.PropertyUniqueKey:
			p.unique = value
		case message.PropertyTransactionPrepared:
			p.transaction = string(value) == "true"
			p.detour = p.detour || p.transaction
		case message.PropertyDelay:
			p.delay, p.detour = value, true
		case message.PropertyTimerDeliverMS:
			p.timerDeliver, p.detour = value, true
		case message.PropertyTimerDelaySec:
			p.timerDelaySec, p.detour = value, true
		case message.PropertyTimerDelayMS:
			p.timerDelayMS, p.detour = value, true
		case message.PropertyTimerDelUniqKey:
			p.recalls = value
		case message.PropertyPopCheckPoint:
			p.transient = true
		default:
			p.transient = p.transient || bytes.HasPrefix(key, []byte(message.PropertyTransientPrefix))
		}
	}
}

// store checks a send as a broker does, in its order, and stores what it brings. s.reply then says where.
func (b *Broker) store(s *sending, req *remoting.Request) refusal {
	s.props.read(s.view.Properties)
	batch := s.view.Batch || remoting.RequestCode(req.Head.Code) == remoting.SendBatchMessage

	b.mu.Lock()
	defer b.mu.Unlock()
	t, no := b.target(s, peer(req.Conn))
	if t == nil {
		return no
	}
	s.record.Body = req.Body
	if batch {
		return b.storeBatch(s, t, req.Body)
	}
	return b.storeOne(s, t)
}

// target finds the topic and queue that a send is for, and begins its record and reply. A nil topic is a refusal.
// Under mu.
func (b *Broker) target(s *sending, from netip.AddrPort) (*topic, refusal) {
	v := &s.view
	t := b.topics[string(v.Topic)]
	if t == nil || !t.sendable {
		var no refusal
		if t, no = b.newTopic(string(v.Topic), string(v.DefaultTopic), v.DefaultQueueNums); t == nil {
			return nil, no
		}
	}
	if int(v.QueueID) >= max(t.ReadQueues, t.WriteQueues) {
		return nil, refusal{remoting.InvalidParameter, fmt.Sprintf("request queueId[%d] is illegal, %s Producer: %s", v.QueueID, describe(&t.TopicConfig), from)}
	}
	queueID := v.QueueID
	if queueID < 0 {
		queueID = int32(rand.IntN(max(t.WriteQueues, 1)))
	}
	s.reply.QueueID, s.reply.RecallHandle = queueID, nil
	s.record = message.Record{Topic: t.Name, QueueID: queueID, Flag: v.Flag, SysFlag: message.SysFlag(v.SysFlag), BornTime: v.BornTimestamp, BornHost: from,
		StoreTime: time.Now().UnixMilli(), StoreHost: b.where.Load().host, ReconsumeTimes: v.ReconsumeTimes}
	return t, refusal{}
}

// peer is the other end of a connection.
func peer(c *remoting.Conn) netip.AddrPort {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort()
	}
	return netip.AddrPort{}
}

// newTopic is for a send to a topic that is unknown, or forbidden. Under mu.
func (b *Broker) newTopic(name, model string, queues int32) (*topic, refusal) {
	if remark := badTopicName(name); remark != "" {
		return nil, refusal{remoting.InvalidParameter, remark}
	}
	if message.SendForbidden(name) {
		return nil, refusal{remoting.NoPermission, "Sending message to topic[" + name + "] is forbidden."}
	}
	if t := b.autoCreate(name, model, queues); t != nil {
		return t, refusal{}
	}
	return nil, refusal{remoting.TopicNotExist, "topic[" + name + "] not exist, apply first please!" + faq}
}

// illegal is a message that is too large.
func (b *Broker) illegal() refusal {
	return refusal{remoting.MessageIllegal, fmt.Sprintf("the message is illegal, maybe msg body or properties length not matched. msg body length limit %dB, msg properties length limit 32KB.", b.opts.MaxMessageSize)}
}

// storeOne stores a message that came alone. Under mu.
func (b *Broker) storeOne(s *sending, t *topic) refusal {
	v, p, r := &s.view, &s.props, &s.record
	s.stored = b.storedProperties(s.stored[:0], v.Properties, p)
	if p.unique != nil {
		s.uniq = append(s.uniq[:0], p.unique...)
	} else {
		s.uniq = b.ids.Next().AppendHex(s.uniq[:0])
		s.stored = appendProperty(s.stored, message.PropertyUniqueKey, s.uniq)
	}
	if p.detour {
		var no refusal
		if t, no = b.detour(s, t); t == nil {
			return no
		}
	}
	if len(r.Body) > b.opts.MaxMessageSize || len(s.stored) > message.MaxPropertiesLen {
		return b.illegal()
	}
	r.EncodedProperties = s.stored
	b.put(t, r)
	if p.detour {
		b.await(s)
	}
	s.ids = r.OffsetID().AppendHex(s.ids[:0])
	s.reply.QueueOffset, s.reply.MsgID, s.reply.TransactionID = r.QueueOffset, s.ids, s.uniq
	return refusal{}
}

// storeBatch stores the messages of a batch in one queue, next to each other, or none of them. Under mu.
func (b *Broker) storeBatch(s *sending, t *topic, body []byte) refusal {
	level, _ := remoting.ParseInt32(s.props.delay)
	if len(body) > b.opts.MaxMessageSize || level > 0 || s.record.SysFlag.Transaction() != 0 { // CommitLog.asyncPutMessages, 5.3.3
		return b.illegal()
	}
	if bytes.HasPrefix(s.view.Topic, []byte(message.RetryPrefix)) {
		return refusal{remoting.MessageIllegal, "batch request does not support retry group"}
	}
	n := 0
	for _, err := range message.Batch(body) {
		if err != nil {
			return refusal{remoting.SystemError, err.Error()}
		}
		n++
	}
	if n == 0 {
		return refusal{remoting.SystemError, "a batch without a message"}
	}
	s.ids = s.ids[:0]
	r := &s.record
	for m, _ := range message.Batch(body) { // checked above
		r.Flag, r.Body, r.EncodedProperties = m.Flag, m.Body, m.EncodedProperties
		b.put(t, r)
		if len(s.ids) > 0 {
			s.ids = append(s.ids, ',')
		} else {
			s.reply.QueueOffset = r.QueueOffset
		}
		s.ids = r.OffsetID().AppendHex(s.ids)
	}
	s.reply.MsgID, s.reply.TransactionID = s.ids, nil
	if s.props.unique != nil {
		s.uniq = append(s.uniq[:0], s.props.unique...)
		s.reply.TransactionID = s.uniq
	}
	return refusal{}
}

// storedProperties appends what a broker keeps of a message's properties, and what it adds to them.
func (b *Broker) storedProperties(dst, encoded []byte, p *sendProps) []byte {
	if p.transient {
		kept := message.DecodeProperties(encoded)
		all := append(message.Properties(nil), kept...)
		for _, pair := range all {
			if pair.Key == message.PropertyPopCheckPoint || len(pair.Key) >= len(message.PropertyTransientPrefix) && pair.Key[:len(message.PropertyTransientPrefix)] == message.PropertyTransientPrefix {
				kept.Delete(pair.Key)
			}
		}
		dst = message.AppendProperties(dst, kept)
	} else {
		dst = append(dst, encoded...)
	}
	if len(dst) > 0 && dst[len(dst)-1] != 2 {
		dst = append(dst, 2)
	}
	dst = append(dst, "MSG_REGION\x01"+region+"\x02TRACE_ON\x01true\x02CLUSTER\x01"...)
	dst = append(dst, b.opts.Cluster...)
	return append(dst, 2)
}

// decimal is how a number stands in properties and ext fields.
func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func appendProperty[T string | []byte](dst []byte, key string, value T) []byte {
	dst = append(dst, key...)
	dst = append(dst, 1)
	dst = append(dst, value...)
	return append(dst, 2)
}

// put appends a record to the log and to its queue, and fills in where. Under mu.
func (b *Broker) put(t *topic, r *message.Record) {
	q := t.queue(r.QueueID)
	size := recordOverhead + len(r.Topic) + len(r.Body) + len(r.EncodedProperties)
	if b.log.room(size) {
		b.dropOld()
	}
	r.QueueOffset, r.PhysicalOffset = q.max, b.log.end
	last := &b.log.chunks[len(b.log.chunks)-1]
	data, err := message.AppendRecord(last.data, r)
	if err != nil {
		panic(err) // its lengths were checked
	}
	b.log.end += int64(len(data) - len(last.data))
	b.bytes += int64(len(data) - len(last.data))
	if b.opts.Arrived != nil {
		b.arrived(r, len(data)-len(last.data))
	}
	last.data = data
	q.append(r.PhysicalOffset)
	q.updated = r.StoreTime
	if b.suspended != nil {
		b.agenda.by(r.StoreTime) // a pull may wait for it
	}
	b.total++
	b.puts.add(r.StoreTime/1000, 1)
	t.puts.add(r.StoreTime/1000, 1)
}

// recordOverhead is the most that a record takes beside its topic, body and properties: two IPv6 hosts, and two bytes
// for the topic's length.
const recordOverhead = 91 + 12 + 12 + 1

// dropOld makes every queue forget what the log has dropped. Under mu.
func (b *Broker) dropOld() {
	begin := b.log.begin()
	for _, t := range b.topics {
		for _, q := range t.queues {
			if q != nil {
				q.dropBefore(begin)
			}
		}
	}
}
