package producer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rmqbench/remoting"
)

// PropertyError is a property that RocketMQ's encoding can't hold, for nothing is escaped there, or that is not the
// application's to set.
type PropertyError struct {
	Key     string
	Problem string
}

func (e *PropertyError) Error() string { return fmt.Sprintf("property %q: %s", e.Key, e.Problem) }

// PropertiesSizeError is a message whose properties take too much room together.
type PropertiesSizeError struct {
	Size int // bytes
	Max  int // bytes allowed
}

func (e *PropertiesSizeError) Error() string {
	return fmt.Sprintf("properties take %d bytes, at most %d", e.Size, e.Max)
}

// RouteError says that nobody knows where a topic's queues are.
type RouteError struct {
	Topic string
	Err   error // what the name servers said last; nil if they know the topic but no queue of it can be written
}

func (e *RouteError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("no route for topic %s: no broker offers a queue that can be written", e.Topic)
	}
	return fmt.Sprintf("no route for topic %s: %v", e.Topic, e.Err)
}

// Unwrap gives what the name servers said.
func (e *RouteError) Unwrap() error { return e.Err }

// NameServerError is a question that none of the name servers answered.
type NameServerError struct {
	Addrs []string // that were asked, in this order
	Err   error    // of the last one
}

func (e *NameServerError) Error() string {
	if len(e.Addrs) == 0 {
		return "no name server given"
	}
	return fmt.Sprintf("no name server answers (asked %s): %v", strings.Join(e.Addrs, ", "), e.Err)
}

// Unwrap gives the last one's error.
func (e *NameServerError) Unwrap() error { return e.Err }

// InstanceError is a start under a client id that another producer of this process has with other settings.
type InstanceError struct {
	ClientID string
	With     string // what it has
}

func (e *InstanceError) Error() string {
	return fmt.Sprintf("client id %s is in use with %s; give this producer an InstanceName of its own", e.ClientID, e.With)
}

// GroupError is a start of a group that another producer of the same client id has.
type GroupError struct{ Group, ClientID string }

func (e *GroupError) Error() string {
	return fmt.Sprintf("producer group %s has been started before in client %s; use another group or instance name", e.Group, e.ClientID)
}

// SendError is a send that failed: after its retries, or at once where none would help.
type SendError struct {
	Topic     string
	Broker    string // of the last attempt; "" if there was none
	Attempts  int    // how many were made
	Ambiguous bool   // in one of them bytes may have reached a broker that did not answer: the message may be stored
	Err       error  // of the last attempt
}

func (e *SendError) Error() string {
	switch {
	case e.Attempts == 0:
		return fmt.Sprintf("send to %s: %v", e.Topic, e.Err)
	case e.Attempts == 1:
		return fmt.Sprintf("send to %s on %s: %v", e.Topic, e.Broker, e.Err)
	}
	return fmt.Sprintf("send to %s: %d attempts, the last on %s: %v", e.Topic, e.Attempts, e.Broker, e.Err)
}

// Unwrap gives the last attempt's error.
func (e *SendError) Unwrap() error { return e.Err }

// Errors of a producer itself.
var (
	ErrExecutorFull = errors.New("too many async sends wait for a route or a connection")
	ErrCallTimeout  = errors.New("call timeout: the time was up before it could be sent")
	ErrNoCallback   = errors.New("an async send needs a callback")
)

// errWouldWait is an attempt that needs a route or a connection first, made by who must not wait for one.
var errWouldWait = errors.New("would wait")

// hopeless says that an attempt failed before there was anything to send it to, or is not to be made anywhere.
func hopeless(err error) bool {
	return is[*RouteError](err) || is[*QueueError](err) || is[*SelectorError](err) || is[*ForbiddenError](err) || errors.Is(err, ErrCallTimeout)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// retryCodes451 are the answers that another broker might not give: after them a sync send goes to one
// (DefaultMQProducerImpl.sendDefaultImpl, RocketMQ 4.5.1).
var retryCodes451 = []remoting.Code{remoting.TopicNotExist, remoting.ServiceNotAvailable, remoting.SystemError, remoting.NoPermission,
	remoting.NoBuyerID, remoting.NotInCurrentUnit}

// retryCodes54 are those of DefaultMQProducer.retryResponseCodes, RocketMQ 5.4.0.
var retryCodes54 = append(slices.Clone(retryCodes451), remoting.SystemBusy, remoting.GoAway)

// Retryable says whether a send that ended with err may go through if it is made again, now or soon: without an answer,
// and after the answers that RocketMQ 5.4 takes to another broker. What is wrong with a message stays wrong. That the
// message would perhaps be stored twice is [SendError.Ambiguous]'s to say.
func Retryable(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, remoting.ErrFrameTooLarge) {
		return false
	}
	if is[*RouteError](err) || errors.Is(err, ErrExecutorFull) || errors.Is(err, ErrCallTimeout) {
		return true
	}
	be, answered := errors.AsType[*remoting.BrokerError](err)
	return answered && slices.Contains(retryCodes54, be.Code) || !answered && is[*remoting.CallError](err)
}

// retriable says whether a sync send may go on with another broker: after anything but an answer, and after the answers
// of those codes. A frame that is too large for one connection is so for all, and a hook of ours refuses for
// any broker.
func retriable(err error, codes []remoting.Code) bool {
	if errors.Is(err, remoting.ErrFrameTooLarge) || errors.Is(err, remoting.ErrHook) {
		return false
	}
	be, ok := errors.AsType[*remoting.BrokerError](err)
	return !ok || slices.Contains(codes, be.Code)
}

// retriableAsync is its counterpart for async sends: never after an answer, nor when the time was up.
func retriableAsync(err error) bool {
	ce, ok := errors.AsType[*remoting.CallError](err)
	return ok && !ce.Timeout() && !errors.Is(err, remoting.ErrFrameTooLarge) && !errors.Is(err, remoting.ErrHook)
}

// routeMayBeStale says that an attempt may have failed because the queue is no longer where the route has it: another
// route would do better.
func routeMayBeStale(err error) bool {
	if is[*RouteError](err) {
		return false
	}
	if be, ok := errors.AsType[*remoting.BrokerError](err); ok {
		switch be.Code {
		case remoting.TopicNotExist, remoting.NoPermission, remoting.InvalidParameter, remoting.ServiceNotAvailable,
			remoting.NotInCurrentUnit, remoting.NotLeaderForQueue:
			return true
		}
		return false
	}
	return is[*QueueError](err) || retriableAsync(err) && !errors.Is(err, remoting.ErrInFlight)
}

// mayBeStored says whether the attempt that failed so may have reached a broker that did not answer. A name server that
// did not answer has no message.
func mayBeStored(err error) bool {
	if _, noRoute := errors.AsType[*RouteError](err); noRoute {
		return false
	}
	ce, ok := errors.AsType[*remoting.CallError](err)
	return ok && ce.Sent
}
