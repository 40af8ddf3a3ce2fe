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
	sender   BatchSender
	messages []producer.Message
	list     []*producer.Message
}

func newParcel(sender BatchSender, d *mould, n int) *parcel {
	p := &parcel{sender: sender, messages: make([]producer.Message, n), list: make([]*producer.Message, n)}
	for i := range p.messages {
		d.begin(&p.messages[i])
		p.list[i] = &p.messages[i]
	}
	return p
}

// sendBatch sends messages i to i+n-1. A message of a batch has the outcome and the times of the batch.
func (w *worker) sendBatch(s sample, i, n int64) {
	list := w.parcel.list[:n]
	for at, m := range list {
		w.plan.mould.fill(m, i+int64(at))
	}
	s.called = w.now()
	if s.due < 0 {
		s.due = s.called
	}
	res, err := w.parcel.sender.SendBatch(w.sendCtx, list)
	s.done = w.now()
	w.held += (s.done - s.called) * n
	for _, m := range list {
		s.size = int32(len(m.Body))
		w.recorder.record(w.buffer, s, &res.SendResult, err)
		res.Attempts, res.Ambiguous = 1, 0 // counted once
	}
}
