package bench

import (
	"errors"

	"rmqbench/producer"
	"rmqbench/remoting"
)

// outcome is what became of one send.
type outcome uint8

const (
	acknowledged outcome = iota
	weak
	written
	refused
	ambiguous
	failed
	outcomes // how many there are
)

// String is the outcome's name in the record.
func (o outcome) String() string {
	return [outcomes]string{"acknowledged", "weak", "written", "refused", "ambiguous", "failed"}[o]
}

// classify says what a send's result and error amount to, and the cause of what is no success.
func classify(res *producer.SendResult, err error, oneway bool) (outcome, string) {
	switch {
	case err == nil && oneway:
		return written, ""
	case err == nil && res.Status == producer.SendOK:
		return acknowledged, ""
	case err == nil:
		return weak, ""
	}
	cause := causeOf(err)
	if se, ok := errors.AsType[*producer.SendError](err); ok && se.Ambiguous {
		return ambiguous, cause
	}
	if ce, ok := errors.AsType[*remoting.CallError](err); ok && ce.Sent {
		return ambiguous, cause
	}
	if _, ok := errors.AsType[*producer.NoReplyError](err); ok {
		return ambiguous, cause
	}
	if _, ok := errors.AsType[*producer.RouteError](err); ok {
		return failed, cause // whatever a name server answered, no broker has refused anything
	}
	if be, ok := errors.AsType[*remoting.BrokerError](err); ok {
		switch be.Code {
		case remoting.SystemBusy, remoting.ServiceNotAvailable, remoting.FlowControl, remoting.GoAway:
			return refused, cause
		}
	}
	return failed, cause
}

// causeOf names an error's cause in a few words, of a small set however many sends fail: no address, no time, no text
// of the broker's beyond its bracketed reason.
func causeOf(err error) string {
	switch {
	case errors.Is(err, errDrained):
		return "cut off at the end of the drain"
	case errors.Is(err, errHurried):
		return "cut off to end at once"
	}
	if nr, ok := errors.AsType[*producer.NoReplyError](err); ok {
		if nr.Stored {
			return "no reply"
		}
		return "timeout"
	}
	if _, ok := errors.AsType[*producer.RouteError](err); ok {
		return "no route"
	}
	if _, ok := errors.AsType[*producer.SelectorError](err); ok {
		return "selector"
	}
	if be, ok := errors.AsType[*remoting.BrokerError](err); ok {
		if be.Unauthorized() {
			return "not authorized (" + be.Code.String() + ")"
		}
		if reason := be.Pushback().String(); reason != "" {
			return be.Code.String() + " [" + reason + "]"
		}
		return be.Code.String()
	}
	if ce, ok := errors.AsType[*remoting.CallError](err); ok {
		switch {
		case errors.Is(err, remoting.ErrInFlight):
			return "too many in flight"
		case isTLS(err):
			return "TLS"
		case errors.Is(err, remoting.ErrDial):
			return "cannot connect"
		case ce.Timeout():
			return "timeout"
		case errors.Is(err, remoting.ErrNotRocketMQ), errors.Is(err, remoting.ErrBadFrame):
			return "not RocketMQ's protocol"
		case errors.Is(err, remoting.ErrFrameTooLarge):
			return "frame too large"
		}
		return "connection lost"
	}
	switch {
	case errors.Is(err, producer.ErrCallTimeout):
		return "timeout before sending"
	case errors.Is(err, producer.ErrExecutorFull):
		return "too many sends wait for a connection"
	}
	return "refused by the client"
}

// isTLS reports whether TLS kept a connection from being made, or ended it.
func isTLS(err error) bool {
	_, ok := errors.AsType[*remoting.TLSError](err)
	return ok
}
