package producer

import (
	"context"
	"errors"
	"time"

	"rmqbench/remoting"
)

// begin notes that an attempt begins, and tells the watcher. One that is put off has begun already.
func (s *send) begin() {
	if s.began != 0 {
		return
	}
	s.began = remoting.Nanotime()
	if s.watch != nil {
		s.out.in.guard("selector", func() { s.watch.Began(s.named()) })
	}
}

// ended tells those who have seen the attempt begin how it ended.
func (s *send) ended(err error) {
	if s.seen != nil {
		s.after(err)
	}
	if s.began == 0 {
		return
	}
	now := remoting.Nanotime()
	took := time.Duration(now - s.began)
	s.began = 0
	if s.watch != nil {
		s.out.in.guard("selector", func() { s.watch.Ended(s.named(), took, err) })
	}
	if a := s.out.p.avoid; a != nil {
		a.note(s.queue.host, took, s.blame(err), now)
	}
}

// blame is what the end of the attempt says of its broker: of a oneway send that went out, and of what the caller
// called off, nothing.
func (s *send) blame(err error) blame {
	if err == nil && s.Call.Oneway || err != nil && errors.Is(s.ctx.Err(), context.Canceled) {
		return blame{}
	}
	return blameFor(err, s.Async, s.out.p.avoid.how.Detect > 0)
}

func (s *send) named() MessageQueue {
	return MessageQueue{Topic: s.msg.Topic, Broker: s.queue.broker, ID: s.queue.id}
}
