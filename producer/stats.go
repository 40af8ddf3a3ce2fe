package producer

import "rmqbench/remoting"

// Stats counts what went over a client instance's connections, so of all producers that share it; CallbackFails counts the
// panics of callbacks, hooks, selectors and listeners.
type Stats struct {
	remoting.Stats
	ChecksDropped int64 // brokers' questions about transactions that found no room; they ask again
	ChecksOpen    int64 // brokers' questions to this producer that are not answered yet
	LateReplies   int64 // replies to requests that nobody waited for any more
	TraceDropped  int64 // this producer's trace records that found no room, or could not be sent
}

// Stats counts from Start on.
func (p *Producer) Stats() Stats {
	in := p.started()
	if in == nil {
		return Stats{}
	}
	s := Stats{Stats: in.client.Stats(), ChecksDropped: in.checksDropped.Load(), LateReplies: in.lateReplies.Load()}
	s.CallbackFails += in.panics.Load()
	if p.checks != nil {
		s.ChecksOpen = int64(p.checks.open())
	}
	if p.trace != nil {
		s.TraceDropped = p.trace.dropped.Load()
	}
	return s
}
