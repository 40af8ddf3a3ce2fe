package broker

import (
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// checkMaxTopic is where half messages end that nobody ever decided on (TopicValidator.java, 5.4.0).
const checkMaxTopic = "TRANS_CHECK_MAX_TIME_TOPIC"

// transactions say which half messages are open, by their offset in the half topic, whose one queue holds them in the
// order in which they came. They are guarded by the broker's mu.
//
// A half message is open until it is committed, rolled back, given up, or written anew for a check: its successor then
// is. Who ends an open one by the offsets of its predecessor, as a slow producer does, delivers the message and leaves
// the successor open, to be checked and perhaps delivered again, as with RocketMQ.
type transactions struct {
	first  int64              // none before it is open
	closed map[int64]struct{} // those after first that aren't

	pass, end int64 // where the check under way is, and where it ends; pass == end: none is under way
	next      int64 // ms since the epoch: when the next one begins
}

// close ends what is open at an offset.
func (x *transactions) close(offset int64) {
	if offset < x.first {
		return
	}
	x.closed[offset] = struct{}{}
	for {
		if _, ok := x.closed[x.first]; !ok {
			return
		}
		delete(x.closed, x.first)
		x.first++
	}
}

func (x *transactions) open(offset int64) bool {
	_, closed := x.closed[offset]
	return offset >= x.first && !closed
}

// nextBeat is the first time after now at which open messages are checked. Under mu.
func (b *Broker) nextBeat(now int64) int64 {
	every := b.opts.CheckInterval.Milliseconds()
	return now + every - (now-b.started.UnixMilli())%every
}

// halfStored is called once a half message lies in its topic. Under mu.
func (b *Broker) halfStored(r *message.Record) {
	if x := &b.transactions; x.first == r.QueueOffset { // it is the only open one
		x.next = b.nextBeat(r.StoreTime)
		b.agenda.by(x.next)
	}
}

// half is the detour of a half message (TransactionalMessageBridge.parseHalfMessageInner, 5.3.3). Under mu.
func (b *Broker) half(s *sending) (*topic, refusal) {
	if b.opts.NoTransactions {
		return nil, refusal{remoting.NoPermission, "the broker[" + b.Addr() + "] sending transaction message is forbidden"}
	}
	s.stored = appendProperty(s.stored, message.PropertyTransactionID, s.uniq)
	s.record.SysFlag = s.record.SysFlag.WithTransaction(0)
	return b.divert(s, message.HalfTopic, 0), refusal{}
}

// endTransaction is END_TRANSACTION (EndTransactionProcessor.java, 5.3.3). What a producer can't decide yet has no
// answer: nil.
func (b *Broker) endTransaction(f *fields) *remoting.Command {
	group, offset, physical := f.text("producerGroup"), f.long("tranStateTableOffset"), f.long("commitLogOffset")
	verdict := message.SysFlag(f.int("commitOrRollback"))
	f.text("msgId")
	if f.err != nil {
		return f.or(nil)
	}
	if verdict != message.FlagCommit && verdict != message.FlagRollback {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r, _, ok := b.record(physical)
	if !ok || r.Topic != message.HalfTopic {
		return answer(remoting.SystemError, "Find prepared transaction message failed")
	}
	props := message.DecodeProperties(r.EncodedProperties)
	if b.tooLate(f, &r, props) {
		return answer(remoting.IllegalOperation, "")
	}
	if of, _ := props.Get(message.PropertyProducerGroup); of != group {
		return answer(remoting.SystemError, "The producer group wrong")
	}
	if r.QueueOffset != offset {
		return answer(remoting.SystemError, "The transaction state table offset wrong")
	}
	if verdict == message.FlagCommit {
		r.SysFlag = r.SysFlag.WithTransaction(message.FlagCommit)
		r.PreparedOffset = physical
		if t, queue := b.meant(props); t != nil {
			props.Delete(message.PropertyRealTopic) // 5.4.0 does; 4.x leaves them
			props.Delete(message.PropertyRealQueueID)
			b.again(&r, t, queue, props)
		}
	}
	b.closeHalf(offset)
	return answer(remoting.Success, "")
}

// tooLate says that a producer decides by itself on a message that has its own time before the first check, and after
// that time: it has to wait to be asked.
func (b *Broker) tooLate(f *fields, r *message.Record, props message.Properties) bool {
	_, own := props.Get(message.PropertyCheckImmunityTime)
	return own && f.optional("fromTransactionCheck") != "true" && time.Now().UnixMilli()-r.BornTime > b.checkAfter(props)
}

// checkAfter is how old a half message is before it is checked for the first time, in ms.
func (b *Broker) checkAfter(props message.Properties) int64 {
	if own, ok := props.Get(message.PropertyCheckImmunityTime); ok {
		if s, err := remoting.ParseInt32([]byte(own)); err == nil && s != -1 {
			return int64(s) * 1000
		}
	}
	return b.opts.CheckAfter.Milliseconds()
}

// closeHalf ends a half message, and says so in the topic that a real broker would read it from again. Under mu.
func (b *Broker) closeHalf(offset int64) {
	host := b.where.Load().host
	now := time.Now().UnixMilli()
	b.put(b.topics[message.OpHalfTopic], &message.Record{Topic: message.OpHalfTopic, BornTime: now, BornHost: host, StoreTime: now, StoreHost: host,
		Body: []byte(decimal(offset) + ","), EncodedProperties: message.AppendProperties(nil, message.Properties{{Key: message.PropertyTags, Value: "d"}})})
	b.transactions.close(offset)
}

// check is a question to a producer group about a half message.
type check struct {
	group   string
	request *remoting.Command
}

// checkTransactions goes through the open half messages once an interval, and gathers what is to be asked
// (TransactionalMessageServiceImpl.check, 5.3.3). Under mu.
func (b *Broker) checkTransactions(now int64, left *int, checks *[]check) (next int64) {
	x := &b.transactions
	queues := b.topics[message.HalfTopic].queues
	if len(queues) == 0 {
		return never
	}
	q := queues[0]
	if x.pass == x.end {
		if x.first >= q.max {
			return never
		}
		if x.next > now {
			return x.next
		}
		x.pass, x.end = x.first, q.max // what is written anew meanwhile waits for the next one
	}
	for ; x.pass < x.end; x.pass++ {
		if !x.open(x.pass) {
			continue
		}
		if *left == 0 {
			return now
		}
		*left--
		if x.pass < q.min {
			x.close(x.pass) // dropped with the oldest records
			continue
		}
		b.checkHalf(now, x.pass, q.at(x.pass), checks)
	}
	x.next = b.nextBeat(now)
	if x.first >= q.max {
		return never
	}
	return x.next
}

// checkHalf looks at one open half message: it is too young, is given up, or is written anew and asked about. Under mu.
func (b *Broker) checkHalf(now, offset, physical int64, checks *[]check) {
	x := &b.transactions
	r, _, ok := b.record(physical)
	if !ok {
		x.close(offset)
		return
	}
	props := message.DecodeProperties(r.EncodedProperties)
	text, _ := props.Get(message.PropertyTransactionCheckTimes)
	times, _ := remoting.ParseInt32([]byte(text)) // 0 before the first
	if int(times) >= b.opts.CheckMax {
		b.again(&r, b.topics[checkMaxTopic], 0, props)
		x.close(offset)
		return
	}
	if age := now - r.BornTime; 0 <= age && age <= b.checkAfter(props) {
		return
	}
	props.Set(message.PropertyTransactionCheckTimes, decimal(int64(times)+1))
	r.Flag, r.ReconsumeTimes = 0, 0 // forgotten by TransactionalMessageBridge.renewHalfMessageInner
	if b.again(&r, b.topics[message.HalfTopic], 0, props) {
		*checks = append(*checks, b.newCheck(r, props))
	}
	x.close(offset)
}

// newCheck is CHECK_TRANSACTION_STATE about a half message that was written anew just now
// (AbstractTransactionalMessageCheckListener.sendCheckMessage, 5.3.3).
func (b *Broker) newCheck(r message.Record, props message.Properties) check {
	id, _ := props.Get(message.PropertyUniqueKey)
	group, _ := props.Get(message.PropertyProducerGroup)
	request := &remoting.Command{Serialize: remoting.JSON, Code: int32(remoting.CheckTransactionState), Language: remoting.Go, Version: claimedVersion, Flag: remoting.FlagOneway,
		Ext: []remoting.Field{{Key: "topic", Value: r.Topic}, longField("commitLogOffset", r.PhysicalOffset), longField("tranStateTableOffset", r.QueueOffset),
			{Key: "offsetMsgId", Value: r.OffsetID().String()}, {Key: "msgId", Value: id}, {Key: "transactionId", Value: id}, {Key: "bname", Value: b.name}}}
	r.Topic, _ = props.Get(message.PropertyRealTopic)
	queue, _ := props.Get(message.PropertyRealQueueID)
	r.QueueID, _ = remoting.ParseInt32([]byte(queue)) // divert has written it
	props.Set(message.PropertyWaitStoreOK, "false")
	r.EncodedProperties = message.AppendProperties(nil, props)
	body, err := message.AppendRecord(nil, &r)
	if err == nil { // else its properties are full: asked without it, a producer can't answer, and is asked again
		request.Body = body
	}
	return check{group, request}
}

// checkTimeout is how long a check may take to be written.
const checkTimeout = 3 * time.Second

// ask sends a check to one of the group's producers. Where there is none it is lost; the message's next check comes.
func (b *Broker) ask(c *check) {
	if conn := b.clients.producer(c.group); conn != nil {
		_ = conn.Start(&remoting.Call{Receiver: noAnswer{}, Oneway: true}, c.request, c.request.Body, remoting.Nanotime()+int64(checkTimeout)) // as lost
	}
}

// noAnswer is the receiver of a oneway request.
type noAnswer struct{}

func (noAnswer) Receive(*remoting.Head, []byte) {}
func (noAnswer) Done(error)                     {}
