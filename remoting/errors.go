package remoting

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// What a connection or a call can end with. Test with errors.Is.
var (
	ErrTimeout       = errors.New("no answer in time")
	ErrClosed        = errors.New("closed")
	ErrFrameTooLarge = errors.New("frame too large")
	ErrBadFrame      = errors.New("malformed frame")
	ErrNotRocketMQ   = errors.New("this is not RocketMQ's remoting protocol")
	ErrInFlight      = errors.New("too many requests in flight")
	ErrHook          = errors.New("before the request") // an RPCHook refused it
	ErrDial          = errors.New("cannot connect")
	ErrNotConnected  = errors.New("no connection yet")
)

// CallError is a request that got no answer.
type CallError struct {
	Addr string // host:port it was meant for
	Sent bool   // bytes of it may have reached the peer: what became of it there is unknown
	Err  error  // the cause; wraps one of the Err values above or what the network said
}

func (e *CallError) Error() string {
	if e.Sent {
		return fmt.Sprintf("%s: sent, but %v", e.Addr, e.Err)
	}
	return fmt.Sprintf("%s: not sent: %v", e.Addr, e.Err)
}

// Unwrap gives the cause.
func (e *CallError) Unwrap() error { return e.Err }

// Timeout reports whether the call ended because its time was up, as net.Error has it.
func (e *CallError) Timeout() bool {
	var ne net.Error
	return errors.Is(e.Err, ErrTimeout) || errors.As(e.Err, &ne) && ne.Timeout()
}

// BrokerError is a server's refusal. Branch with errors.AsType[*BrokerError], never on the text.
type BrokerError struct {
	Addr   string // host:port that answered
	Code   Code   // ResponseCode.java
	Remark string // the server's own words, at most 512 bytes of them; may be empty
}

func (e *BrokerError) Error() string {
	if e.Remark == "" {
		return fmt.Sprintf("%s answered %s (%d)", e.Addr, e.Code, int32(e.Code))
	}
	text := fmt.Sprintf("%s answered %s (%d): %q", e.Addr, e.Code, int32(e.Code), e.Remark)
	if setting := e.Pushback().Setting(); setting != "" {
		text += "; the broker's " + setting + " governs that"
	}
	return text
}

const maxRemark = 512

// NewBrokerError keeps the first 512 bytes of remark.
func NewBrokerError(addr string, code Code, remark string) *BrokerError {
	if len(remark) > maxRemark {
		remark = strings.Clone(remark[:maxRemark]) // not the megabytes that it is cut from
	}
	return &BrokerError{Addr: addr, Code: code, Remark: remark}
}
