package producer

import (
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// SendOption changes one send; the zero SendOption changes nothing. Of several that say where to send, the last counts.
type SendOption struct {
	to     MessageQueue
	by     Selector
	arg    any
	placed bool // to or by says where
	within time.Duration
	timed  bool // within says for how long
	extra  *extra
}

// To sends to that queue. A sync send is tried once, an async one again on the same queue (DefaultMQProducer.send with a
// MessageQueue). A queue of another topic, or one that the topic's route doesn't have, is a [*QueueError].
func To(q MessageQueue) SendOption { return SendOption{to: q, placed: true} }

// By lets sel pick the queue, with arg; retries are those of [To] (DefaultMQProducer.send with a MessageQueueSelector). A
// selector that picks none is a [*SelectorError].
func By(sel Selector, arg any) SendOption { return SendOption{by: sel, arg: arg, placed: true} }

// Within is the send's timeout instead of Options.SendTimeout, retries included. 0 or less is up at once.
func Within(d time.Duration) SendOption { return SendOption{within: d, timed: true} }

// extra is what the client itself adds to a message: how a half message, a question or an answer differs from any other
// send.
type extra struct {
	properties message.Properties   // valid by making; after those that every message has, before the application's
	sysFlag    message.SysFlag      // bits beside compression's
	code       remoting.RequestCode // SendReplyMessageV2 for an answer; 0: as every message
	msgType    MsgType              // what hooks are told; 0: what the message's own fields say
	undelayed  bool                 // leave the message's delay out, as half messages do
}

// with sends a message as the client's own.
func with(e *extra) SendOption { return SendOption{extra: e} }

// apply takes what the options say into the send; timeout is what they leave.
func (s *send) apply(opts []SendOption, timeout time.Duration) time.Duration {
	for i := range opts {
		o := &opts[i]
		if o.placed {
			s.to, s.by, s.arg, s.placed = o.to, o.by, o.arg, true
		}
		if o.timed {
			timeout = o.within
		}
		if o.extra != nil {
			s.extra = o.extra
		}
	}
	return timeout
}
