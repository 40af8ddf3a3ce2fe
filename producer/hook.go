package producer

import (
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// SendHook sees each attempt of each send (SendMessageHook.java, which an async send's retries pass by). A hook that
// panics is counted (Stats.CallbackFails) and changes nothing.
type SendHook interface {
	// Before runs when the queue is chosen and the message is about to be encoded, on the goroutine that sends.
	Before(*SendContext)
	// After follows once for each Before, when the attempt has ended: on the sender's goroutine, or where an async send's
	// callback runs. The context and its Result are valid until it returns.
	After(*SendContext)
}

// CheckForbiddenHook may keep a message from being sent (CheckForbiddenHook.java). It runs before the send hooks of each
// attempt; its error ends the send with a [*ForbiddenError], and so does its panic.
type CheckForbiddenHook interface {
	CheckForbidden(*SendContext) error
}

// SendContext is one attempt of a send, as hooks see it (SendMessageContext.java and CheckForbiddenContext.java).
type SendContext struct {
	Group     string // with its namespace, if the producer has one
	Namespace string // of the first kind
	Message   *Message
	Batch     []*Message // of a batch, whose Message holds topic and wait flag only; else nil
	ID        message.UniqueID
	Queue     MessageQueue
	Addr      string // of the broker
	BornHost  string // this client's address, Options.ClientIP
	Mode      Mode
	MsgType   MsgType
	Attempt   int         // from 1
	BodyBytes int         // of the body as it goes out
	Result    *SendResult // After: what the attempt came to; nil if it failed
	Err       error       // After: why it failed
	Began     time.Time
	Ended     time.Time // After
	Values    any       // the hooks' own
}

// Mode is how a sender waits for the answer (CommunicationMode.java).
type Mode uint8

// The modes.
const (
	Sync Mode = iota
	Async
	Oneway
)

var modeNames = [...]string{"SYNC", "ASYNC", "ONEWAY"}

// String is Java's name of the mode.
func (m Mode) String() string { return modeNames[m] }

// MsgType is what a message is to hooks and traces (MessageType.java).
type MsgType uint8

// The message types; the numbers are those of trace records.
const (
	NormalMsg MsgType = iota
	HalfMsg           // a transaction's, before its end
	CommitMsg         // the end of a transaction that commits
	DelayMsg
	OrderMsg // RocketMQ's own producer never says so
)

var msgTypeNames = [...]string{"Normal_Msg", "Trans_Msg_Half", "Trans_msg_Commit", "Delay_Msg", "Order_Msg"}

// String is Java's name of the type.
func (t MsgType) String() string { return msgTypeNames[t] }

// ForbiddenError is a send that a CheckForbiddenHook refused.
type ForbiddenError struct {
	Err error // the hook's own, or its *PanicError
}

func (e *ForbiddenError) Error() string { return "forbidden by a hook: " + e.Err.Error() }

// Unwrap gives the hook's error.
func (e *ForbiddenError) Unwrap() error { return e.Err }

// before shows the attempt to the hooks; the error is a *ForbiddenError. An attempt that is put off is shown once.
func (s *send) before() error {
	if s.seen != nil {
		return nil
	}
	o := &s.out.p.opts
	c := &SendContext{Group: s.ProducerGroup, Namespace: o.Namespace, Message: s.msg,
		Queue: MessageQueue{s.msg.Topic, s.queue.broker, s.queue.id}, Addr: s.queue.addr, BornHost: o.ClientIP, Mode: s.mode(), MsgType: s.msgType(),
		Attempt: int(s.attempts), BodyBytes: len(s.body), Began: time.Now()}
	s.out.in.ids.Set(&c.ID, s.serial)
	if s.batch != nil {
		c.Batch = s.batch.list
	}
	for _, h := range o.ForbiddenHooks {
		if err := s.out.in.forbidden(h, c); err != nil {
			return &ForbiddenError{err}
		}
	}
	if len(o.SendHooks) == 0 {
		return nil
	}
	s.seen = c
	for _, h := range o.SendHooks {
		s.out.in.guard("send hook", func() { h.Before(c) })
	}
	return nil
}

// after tells the hooks how the attempt that they have seen ended.
func (s *send) after(err error) {
	c := s.seen
	s.seen = nil
	c.Err, c.Ended = err, time.Now()
	if err == nil {
		c.Result = new(SendResult)
		s.result(c.Result)
	}
	for _, h := range s.out.p.opts.SendHooks {
		s.out.in.guard("send hook", func() { h.After(c) })
	}
}

func (in *instance) forbidden(h CheckForbiddenHook, c *SendContext) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = in.panicked("hook", v)
		}
	}()
	return h.CheckForbidden(c)
}

// guard survives a panic of f.
func (in *instance) guard(where string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			_ = in.panicked(where, v) // counted
		}
	}()
	f()
}

// guardedHook survives an RPC hook's panics: of heartbeats and answers they would be on goroutines that are nobody's, and end the
// process. A request whose BeforeRequest panics isn't sent.
type guardedHook struct {
	hook remoting.RPCHook
	in   *instance
}

func (g guardedHook) BeforeRequest(addr string, req *remoting.Command) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = g.in.panicked("request hook", v)
		}
	}()
	return g.hook.BeforeRequest(addr, req)
}

func (g guardedHook) AfterResponse(addr string, req *remoting.Command, reply *remoting.Head, err error) {
	g.in.guard("request hook", func() { g.hook.AfterResponse(addr, req, reply, err) })
}

func (s *send) mode() Mode {
	switch {
	case s.Async:
		return Async
	case s.Call.Oneway:
		return Oneway
	}
	return Sync
}

// msgType is what the client made of the message, or what its fields say (DefaultMQProducerImpl.sendKernelImpl).
func (s *send) msgType() MsgType {
	switch {
	case s.extra != nil && s.extra.msgType != NormalMsg:
		return s.extra.msgType
	case s.msg.delayed():
		return DelayMsg
	}
	return NormalMsg
}
