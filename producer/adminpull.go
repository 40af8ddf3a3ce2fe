package producer

import (
	"context"
	"strconv"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// Pulled is what a queue holds from an offset on.
type Pulled struct {
	Messages []*Received // in the queue's order; none: there is nothing there
	Next     int64       // where to go on: after these, or where the queue begins or ends if it holds nothing there
	Min, Max int64       // the queue's first offset, and the one that its next message will get
}

// pullGroup is the consumer group that pulls name; brokers make it known to themselves (autoCreateSubscriptionGroup).
const pullGroup = "RMQBENCH_READER"

// Bits of PULL_MESSAGE's sysFlag (PullSysFlag.java).
const (
	pullSuspend      = 1 << 1
	pullSubscription = 1 << 2
)

// Pull reads up to most messages of a queue from an offset on, without being its consumer: no offset is committed. Where there
// is none yet, it waits for one as long as patience says; none is no error (PULL_MESSAGE, PullMessageProcessor.java). The
// broker bounds most, by default to 32 messages that it has in memory and 8 that it hasn't.
func (a *Admin) Pull(ctx context.Context, broker string, q MessageQueue, from int64, most int, patience time.Duration) (*Pulled, error) {
	flags := pullSubscription
	if patience > 0 {
		flags |= pullSuspend
	}
	req := remoting.NewRequest(remoting.PullMessage, append(queueFields(q.Topic, int(q.ID)),
		field("consumerGroup", pullGroup), field("queueOffset", strconv.FormatInt(from, 10)), field("maxMsgNums", strconv.Itoa(most)),
		field("sysFlag", strconv.Itoa(flags)), field("commitOffset", "0"), field("suspendTimeoutMillis", strconv.FormatInt(patience.Milliseconds(), 10)),
		field("subscription", "*"), field("subVersion", "0"), field("expressionType", "TAG"))...)
	req.Serialize = a.Serialize
	reply, err := a.Client.Invoke(ctx, broker, req, patience+a.timeout())
	if err != nil {
		return nil, err
	}
	switch code := reply.Response(); code {
	case remoting.Success, remoting.PullNotFound, remoting.PullRetryNow, remoting.PullOffsetMoved:
	default:
		return nil, remoting.NewBrokerError(broker, code, reply.Remark)
	}
	p := &Pulled{}
	for _, f := range []struct {
		name string
		into *int64
	}{{"nextBeginOffset", &p.Next}, {"minOffset", &p.Min}, {"maxOffset", &p.Max}} {
		if *f.into, err = numberIn(reply, broker, req, f.name); err != nil {
			return nil, err
		}
	}
	if reply.Response() != remoting.Success {
		return p, nil
	}
	for rest := reply.Body; len(rest) > 0; {
		r, n, err := message.DecodeRecord(rest)
		if err == nil {
			var m *Received
			if m, err = NewReceived(r); err == nil {
				p.Messages, rest = append(p.Messages, m), rest[n:]
				continue
			}
		}
		return nil, &AnswerError{Addr: broker, Request: remoting.PullMessage, Err: err}
	}
	return p, nil
}
