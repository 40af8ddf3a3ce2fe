package producer

import "rmqbench/remoting"

// sieve says which brokers an attempt should go to (MQFaultStrategy.selectOneMessageQueue, 5.4.0). The zero sieve lets all
// pass.
type sieve struct {
	last string  // broker of the attempt before; "": it is the first
	slow *faults // nil: none is to be avoided
	now  int64   // remoting.Nanotime; only with slow
}

// sieve is the next attempt's.
func (s *send) sieve() sieve {
	v := sieve{last: s.last}
	if a := s.out.p.avoid; a != nil {
		v.now = remoting.Nanotime()
		v.slow = a.at(v.now)
	}
	return v
}

// open says that it holds nothing back.
func (v *sieve) open() bool { return v.last == "" && v.slow == nil }

// fine lets brokers pass that are not to be avoided, nor the last one.
func (v *sieve) fine(broker string) bool { return broker != v.last && v.slow.available(broker, v.now) }

// coarse lets those pass that can be reached, but for the last one. What stops everything here may go anywhere.
func (v *sieve) coarse(broker string) bool { return broker != v.last && v.slow.reachable(broker) }

// next is the queue whose turn it is among those of the finest mesh that lets any pass (TopicPublishInfo.selectOneMessageQueue).
func (t *topicRoute) next(r *route, v sieve) *queueAddr {
	if !v.open() {
		for _, mesh := range [...]func(string) bool{v.fine, v.coarse} {
			if at, ok := t.turns.nextOf(len(r.queues), func(i int) bool { return mesh(r.queues[i].host) }); ok {
				return &r.queues[at]
			}
		}
	}
	return &r.queues[t.turns.next(len(r.queues))]
}

// sift leaves of the route's queues, which are all, those of the finest mesh that lets any pass. They are valid until the
// next call.
func (s *send) sift(now *route, all []MessageQueue, v sieve) []MessageQueue {
	if v.open() {
		return all
	}
	for _, mesh := range [...]func(string) bool{v.fine, v.coarse} {
		s.sifted = s.sifted[:0]
		for i := range all {
			if mesh(now.queues[i].host) {
				s.sifted = append(s.sifted, all[i])
			}
		}
		if len(s.sifted) > 0 {
			return s.sifted
		}
	}
	return all
}
