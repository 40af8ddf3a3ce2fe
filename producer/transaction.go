package producer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// TransactionState is how a local transaction ended (LocalTransactionState.java). The zero state, and every other than
// the three, is TransactionUnknown.
type TransactionState uint8

// The states.
const (
	TransactionUnknown  TransactionState = iota // it has not ended: the broker asks again
	TransactionCommit                           // consumers get the message
	TransactionRollback                         // nobody gets it
)

var transactionStates = [...]string{"UNKNOW", "COMMIT_MESSAGE", "ROLLBACK_MESSAGE"} // Java's spelling

// String is Java's name of the state.
func (s TransactionState) String() string { return transactionStates[s.known()] }

func (s TransactionState) known() TransactionState {
	if int(s) < len(transactionStates) {
		return s
	}
	return TransactionUnknown
}

// flag is the state on the wire (MessageSysFlag.java).
func (s TransactionState) flag() message.SysFlag {
	return [...]message.SysFlag{0, message.FlagCommit, message.FlagRollback}[s.known()]
}

// TransactionListener is the application's side of transactions (TransactionListener.java). Its panics are counted, and
// answered as TransactionUnknown.
type TransactionListener interface {
	// Execute makes the local transaction of a message that the broker has stored and keeps from consumers until its
	// end is known. half.ID names the transaction. It runs on the goroutine of SendTransaction, whose arg it gets.
	Execute(m *Message, half SendResult, arg any) TransactionState

	// Check says how a transaction ended whose end the broker has not heard; m.ID() names it. Any producer of the group
	// may be asked, more than once, and also of transactions that have been committed: brokers of 5.x note ends up to 3 s
	// late. It runs on one of a few goroutines; up to 2,000 questions wait for those, further ones are dropped and
	// counted (Stats.ChecksDropped), for the broker asks again.
	Check(m *Received) TransactionState
}

// EndTransactionHook sees each end of a transaction before the broker is told (EndTransactionHook.java). A hook that
// panics is counted and changes nothing.
type EndTransactionHook interface {
	EndTransaction(*EndTransactionContext)
}

// EndTransactionContext is the end of a transaction (EndTransactionContext.java).
type EndTransactionContext struct {
	Group   string // with its namespace, if the producer has one
	Topic   string
	Tags    string
	Keys    []string
	ID      string // of the transaction: its message's
	Region  string // where the message that is checked is stored; "" of others
	Addr    string // of the broker
	State   TransactionState
	Checked bool // the broker asked
}

// TransactionResult is what became of a message with a local transaction (TransactionSendResult.java).
type TransactionResult struct {
	SendResult
	State  TransactionState
	Untold error // why the broker could not be told the state; it will ask. nil: the request is in the socket, unanswered
}

// ErrNoListener is a transaction without Options.Listener.
var ErrNoListener = errors.New("a transaction needs a producer with a TransactionListener")

// SendTransaction sends m as a half message, has the listener execute the local transaction, and tells the broker how that
// ended (DefaultMQProducerImpl.sendMessageInTransaction). A delay of m is left out. A half message that is stored with
// less than SEND_OK is rolled back, its transaction not executed. An error is the half message's, and as Send's: nothing
// was executed. Of a send that was retried an earlier attempt may have been stored too: its broker will ask about the same
// id, and would deliver the message a second time.
func (p *Producer) SendTransaction(ctx context.Context, m *Message, arg any, opts ...SendOption) (TransactionResult, error) {
	in, err := p.running("send")
	if err != nil {
		return TransactionResult{}, err
	}
	if p.opts.Listener == nil {
		return TransactionResult{}, &SendError{Topic: m.Topic, Err: ErrNoListener}
	}
	p.meet(ctx, in, m.Topic)
	half, err := p.Send(ctx, m, append(slices.Clip(opts), with(&p.half))...)
	if err != nil {
		return TransactionResult{SendResult: half}, err
	}
	res := TransactionResult{SendResult: half, State: TransactionRollback}
	var fault error
	if half.Status == SendOK {
		res.State, fault = in.judge(func() TransactionState { return p.opts.Listener.Execute(m, half, arg) })
	}
	id := half.ID.String()
	end := transactionEnd{
		EndTransactionContext: EndTransactionContext{Group: p.opts.Group, Topic: m.Topic, Tags: m.Tags, Keys: m.Keys, ID: id, State: res.State},
		messageID:             id, topic: message.WrapNamespace(p.opts.Namespace, m.Topic), broker: half.Broker, stateOffset: half.QueueOffset}
	if fault != nil {
		end.remark = "executeLocalTransactionBranch exception: " + fault.Error()
	}
	res.Untold = p.endHalf(context.WithoutCancel(ctx), in, half, &end)
	return res, nil
}

// halfExtra is how a half message of this group differs from others.
func halfExtra(group string) extra {
	return extra{sysFlag: message.FlagPrepared, msgType: HalfMsg, undelayed: true, properties: message.Properties{
		{Key: message.PropertyTransactionPrepared, Value: "true"}, {Key: message.PropertyProducerGroup, Value: group}}}
}

// endHalf ends the transaction at the master that the half message's broker has now.
func (p *Producer) endHalf(ctx context.Context, in *instance, half SendResult, end *transactionEnd) error {
	id, err := message.ParseOffsetID(half.OffsetID.String())
	if err != nil {
		return fmt.Errorf("end of the transaction: %w", err)
	}
	if end.Addr = in.routes.masters()[half.Broker]; end.Addr == "" {
		return fmt.Errorf("end of the transaction: broker %s is in no route any more", half.Broker)
	}
	end.logOffset = id.Offset
	return p.end(ctx, in, end, p.opts.SendTimeout)
}

// judge asks the listener; a panic is TransactionUnknown and the fault to report.
func (in *instance) judge(listener func() TransactionState) (state TransactionState, fault error) {
	defer func() {
		if v := recover(); v != nil {
			state, fault = TransactionUnknown, in.panicked("transaction listener", v)
		}
	}()
	return listener().known(), nil
}

// transactionEnd is what END_TRANSACTION says (EndTransactionRequestHeader.java, 5.4.0; older brokers pass the last three
// by).
type transactionEnd struct {
	EndTransactionContext
	stateOffset int64 // of the half message in its queue
	logOffset   int64 // of the same in the commit log, in bytes
	messageID   string
	remark      string
	topic       string // as the broker names it
	broker      string
}

// maxFault bounds what of a panic's text goes to the broker, in bytes.
const maxFault = 512

// end shows the end to the hooks and writes the request, which brokers don't answer.
func (p *Producer) end(ctx context.Context, in *instance, e *transactionEnd, timeout time.Duration) error {
	for _, h := range p.opts.EndTransactionHooks {
		in.guard("end transaction hook", func() { h.EndTransaction(&e.EndTransactionContext) })
	}
	req := remoting.NewRequest(remoting.EndTransaction,
		remoting.Field{Key: "producerGroup", Value: e.Group},
		remoting.Field{Key: "tranStateTableOffset", Value: strconv.FormatInt(e.stateOffset, 10)},
		remoting.Field{Key: "commitLogOffset", Value: strconv.FormatInt(e.logOffset, 10)},
		remoting.Field{Key: "commitOrRollback", Value: strconv.Itoa(int(e.State.flag()))},
		remoting.Field{Key: "fromTransactionCheck", Value: strconv.FormatBool(e.Checked)})
	for _, f := range []remoting.Field{{Key: "msgId", Value: e.messageID}, {Key: "transactionId", Value: e.ID}, {Key: "topic", Value: e.topic}, {Key: "bname", Value: e.broker}} {
		if f.Value != "" { // a binary header can't hold an empty one
			req.Ext = append(req.Ext, f)
		}
	}
	req.Serialize = in.admin.Serialize
	req.Remark = e.remark[:min(len(e.remark), maxFault)]
	if err := in.client.InvokeOneway(ctx, e.Addr, req, timeout); err != nil {
		return fmt.Errorf("end of the transaction: %w", err)
	}
	return nil
}

// check is a broker's question about a transaction.
type check struct {
	p      *Producer
	in     *instance
	record message.Record
	end    transactionEnd
}

// checkTimeout bounds the dial and the write of a check's answer.
const checkTimeout = 3 * time.Second

// checkTransaction takes a broker's question (CHECK_TRANSACTION_STATE, oneway). One that can't be read, or is for a group
// that isn't here, gets no answer, as in Java; the broker asks again, perhaps another.
func (in *instance) checkTransaction(req *remoting.Request) {
	record, _, err := message.DecodeRecord(bytes.Clone(req.Body))
	if err != nil {
		return
	}
	c := &check{in: in, record: record}
	group, _ := message.LookupProperty(record.EncodedProperties, message.PropertyProducerGroup)
	if c.p = in.producer(string(group)); c.p == nil || c.p.checks == nil {
		return
	}
	if !c.end.read(&req.Head) {
		return
	}
	c.end.Addr = req.Conn.Addr()
	if c.p.checks.submit(c) != nil {
		in.checksDropped.Add(1)
	}
}

// read takes what the answer repeats of the question; false: an offset is missing. The offsets are those of this
// question: before each the broker writes the half message anew.
func (e *transactionEnd) read(head *remoting.Head) bool {
	text := func(key string) string {
		v, _ := head.Get(key)
		return string(v)
	}
	var err1, err2 error
	e.stateOffset, err1 = strconv.ParseInt(text("tranStateTableOffset"), 10, 64)
	e.logOffset, err2 = strconv.ParseInt(text("commitLogOffset"), 10, 64)
	e.messageID, e.ID, e.topic, e.broker = text("offsetMsgId"), text("transactionId"), text("topic"), text("bname")
	return err1 == nil && err2 == nil
}

// run asks the listener and answers.
func (c *check) run() {
	if c.p.State() != Running {
		return
	}
	m, err := NewReceived(c.record)
	if err != nil { // asked again it would be the same
		return
	}
	m.Topic = message.UnwrapNamespace(c.p.opts.Namespace, m.Topic)
	e := &c.end
	state, fault := c.in.judge(func() TransactionState { return c.p.opts.Listener.Check(m) })
	if fault != nil {
		e.remark = "checkLocalTransactionState Exception: " + fault.Error()
	}
	if id := m.ID(); id != "" {
		e.messageID = id
	}
	e.ID = cmp.Or(e.ID, m.ID())
	keys, _ := m.Properties.Get(message.PropertyKeys)
	e.Tags, _ = m.Properties.Get(message.PropertyTags)
	e.Region, _ = m.Properties.Get(message.PropertyMessageRegion)
	e.Group, e.Topic, e.Keys, e.State, e.Checked = c.p.opts.Group, m.Topic, strings.Fields(keys), state, true
	_ = c.p.end(context.Background(), c.in, e, checkTimeout) // untold, the broker asks again
}
