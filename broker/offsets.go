package broker

import "rmqbench/remoting"

func offsetAnswer(offset int64) *remoting.Command {
	return answer(remoting.Success, "", longField("offset", offset))
}

// queueOf reads which queue a request is about. What isn't there is an empty queue, as in a real broker.
func (b *Broker) queueOf(f *fields) (q queue) {
	name, id := f.text("topic"), f.int("queueId")
	if f.err != nil {
		return q
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.topics[name]; t != nil {
		q = t.offsets(id)
	}
	return q
}

func (b *Broker) maxOffset(f *fields) *remoting.Command {
	q := b.queueOf(f)
	return f.or(offsetAnswer(q.max))
}

func (b *Broker) minOffset(f *fields) *remoting.Command {
	q := b.queueOf(f)
	return f.or(offsetAnswer(q.min))
}

// QueueOffsets are the offsets of one queue: what is there is from Min to before Max.
type QueueOffsets struct {
	Topic    string
	Queue    int
	Min, Max int64
}

// Stored tells of every queue that something was put into; in order of neither topic nor time.
func (b *Broker) Stored() []QueueOffsets {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []QueueOffsets
	for name, t := range b.topics {
		for id, q := range t.queues {
			if q != nil {
				all = append(all, QueueOffsets{Topic: name, Queue: id, Min: q.min, Max: q.max})
			}
		}
	}
	return all
}
