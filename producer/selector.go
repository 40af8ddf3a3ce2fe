package producer

import (
	"fmt"
	"time"

	"rmqbench/remoting"
)

// Selector picks a message's queue (MessageQueueSelector.java). Any number of goroutines call one at a time. It runs on
// the sender's goroutine or, for an async send without a route yet, on the executor's; its time counts against the send's.
type Selector interface {
	// Select returns an index into queues, which are at least one, of one topic, in canonical order (broker, id) or in an
	// order configuration's own, and must be neither kept nor changed. arg is what the sender gave to [By].
	Select(queues []MessageQueue, m *Message, arg any) (int, error)
}

// SelectorFunc is a function as a Selector.
type SelectorFunc func(queues []MessageQueue, m *Message, arg any) (int, error)

// Select calls f.
func (f SelectorFunc) Select(queues []MessageQueue, m *Message, arg any) (int, error) {
	return f(queues, m, arg)
}

// Watcher is a selector that learns what becomes of the sends that it picks for, at the cost of two looks at the clock a
// send. Any number of goroutines call it at a time; it must not block, for Ended runs where callbacks do. What panics is
// counted, and no harm to the send.
type Watcher interface {
	Selector
	// Began says that an attempt goes to q.
	Began(q MessageQueue)
	// Ended says, once after each Began, that the attempt is over: took later, with the broker's answer or with err.
	Ended(q MessageQueue, took time.Duration, err error)
}

// SelectorError is a selector that picked no queue. It ends the send that asked, and no other.
type SelectorError struct {
	Index  int         // what it returned, of Queues queues
	Queues int         // how many there were
	Panic  *PanicError // it panicked; else nil
	Err    error       // it returned an error; else nil
}

func (e *SelectorError) Error() string {
	switch {
	case e.Panic != nil:
		return e.Panic.Error()
	case e.Err != nil:
		return fmt.Sprintf("selector: %v", e.Err)
	}
	return fmt.Sprintf("selector picked queue %d of %d", e.Index, e.Queues)
}

// Unwrap gives the selector's own error, or its panic.
func (e *SelectorError) Unwrap() error {
	if e.Panic != nil {
		return e.Panic
	}
	return e.Err
}

// choose asks a send's selector; the error is a *SelectorError, or ErrCallTimeout if it took too long.
func (s *send) choose(now *route) (*queueAddr, error) {
	all := s.out.lane(now).names()
	queues := all
	if !s.placed {
		queues = s.sift(now, all, s.sieve())
	}
	at, err := s.ask(queues)
	if err != nil {
		return nil, err
	}
	if s.late = true; remoting.Nanotime() >= s.deadline {
		return nil, ErrCallTimeout
	}
	if len(queues) == len(all) {
		return &now.queues[at], nil
	}
	return now.queue(queues[at].Broker, queues[at].ID), nil
}

func (s *send) ask(queues []MessageQueue) (at int, err error) {
	defer func() {
		if v := recover(); v != nil {
			at, err = -1, &SelectorError{Index: -1, Queues: len(queues), Panic: s.out.in.panicked("selector", v)}
		}
	}()
	at, err = s.by.Select(queues, s.msg, s.arg)
	if err != nil || at < 0 || at >= len(queues) {
		return -1, &SelectorError{Index: at, Queues: len(queues), Err: err}
	}
	return at, nil
}
