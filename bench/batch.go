package bench

import (
	"context"
	"errors"

	"rmqbench/producer"
)

// BatchSender is a [Sender] that sends several messages as one. The list and its messages must not be kept after the send.
type BatchSender interface {
	// SendBatch returns when the broker has answered or the send has failed, soon after ctx ends at the latest.
	SendBatch(ctx context.Context, messages []*producer.Message, opts ...producer.SendOption) (producer.BatchResult, error)
}

var errNoBatches = errors.New("mode batch: this client can't send batches")

// parcel is a worker's batch, used again for each send. Its messages fall due together.
type parcel struct {
	messages []producer.Message
	list     []*producer.Message
	keys     []int32 // of the messages, as numbers
}

func newParcel(d *mould, n int) *parcel {
	p := &parcel{messages: make([]producer.Message, n), list: make([]*producer.Message, n), keys: make([]int32, n)}
	for i := range p.messages {
		d.begin(&p.messages[i])
		p.list[i] = &p.messages[i]
	}
	return p
}

// sendBatch sends a slot's messages. A message of a batch has the outcome and the times of the batch.
func (w *worker) sendBatch(slot slot) {
	list := w.parcel.list[:slot.size]
	topic := w.plan.mould.topicOf(slot.index)
	for at, m := range list {
		m.Topic = w.plan.mould.topics[topic]
		w.parcel.keys[at] = w.plan.mould.fill(m, slot.index+int64(at))
	}
	list[0].Number = slot.index / int64(w.plan.batch) // the batch's own: multiples of its size would miss queues
	s := sample{index: slot.index, due: slot.due, called: w.now(), stage: slot.stage, topic: int8(topic), free: slot.free}
	if s.due < 0 {
		s.due = s.called
	}
	res, err := w.senderOf(slot.index).(BatchSender).SendBatch(w.sendCtx, list)
	s.done = w.now()
	w.held += (s.done - s.called) * slot.size
	for at, m := range list {
		s.size, s.key = int32(len(m.Body)), w.parcel.keys[at]
		w.recorder.record(w.buffer, s, &res.SendResult, err)
		s.index++
		res.Attempts, res.Ambiguous = 1, 0 // counted once
	}
}
