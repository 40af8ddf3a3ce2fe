package bench

import (
	"rmqbench/producer"
	"rmqbench/remoting"
)

// fleet are several clients that share a load, with connections of their own: the slots go round among them. As a [Sender] it is
// the first one.
type fleet struct {
	Sender
	members []Sender
}

// membersOf are those who share a sender's load: itself, unless it is a fleet.
func membersOf(s Sender) []Sender {
	if f, ok := s.(*fleet); ok {
		return f.members
	}
	return []Sender{s}
}

// senderOf is who sends a slot: a function of its number.
func (l *load) senderOf(index int64) Sender {
	return l.senders[uint64(index)/uint64(l.plan.batch)%uint64(len(l.senders))]
}

// producers are the clients of a stand.
type producers []*producer.Producer

// stats are all clients' together.
func (all producers) stats() (sum remoting.Stats) {
	for _, p := range all {
		sum = sum.Plus(p.Stats().Stats)
	}
	return sum
}

// tcpInfo is of the connection with the longest round trip, and of the one whose shortest is the longest; segments sent again are all clients'.
func (all producers) tcpInfo() *remoting.TCPInfo {
	var worst *remoting.TCPInfo
	var again, least int64
	for _, p := range all {
		info, ok := p.TCPInfo()
		if !ok {
			continue
		}
		again, least = again+info.Retransmits, max(least, info.MinRTT)
		if worst == nil || info.RTT > worst.RTT {
			worst = &info
		}
	}
	if worst != nil {
		worst.Retransmits, worst.MinRTT = again, least
	}
	return worst
}

func (all producers) shutdown() {
	for _, p := range all {
		_ = p.Shutdown() // a broker that can't be told any more drops us by itself
	}
}
