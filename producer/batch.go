package producer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"rmqbench/remoting/message"
)

// BatchResult is a batch's place at the broker: its messages lie in one queue, the n-th at QueueOffset + n.
type BatchResult struct {
	SendResult                    // ID is the batch's own, and OffsetID none
	IDs        []message.UniqueID // of the messages; brokers of 4.9.7 store the batch's own with each instead
	OffsetIDs  []OffsetMsgID      // of the messages; none of a oneway batch
}

// BatchError is a list of messages that can't be sent as one.
type BatchError struct {
	Index int // of the message that doesn't fit, -1 without one
	Err   error
}

func (e *BatchError) Error() string {
	if e.Index < 0 {
		return "batch: " + e.Err.Error()
	}
	return fmt.Sprintf("batch: message %d: %v", e.Index, e.Err)
}

// Unwrap gives what is wrong with it.
func (e *BatchError) Unwrap() error { return e.Err }

// What keeps messages from being sent as one (MessageBatch.generateFromList).
var (
	ErrBatchEmpty   = errors.New("there is no message in it")
	ErrBatchTopic   = errors.New("its topic is another than the first one's")
	ErrBatchWait    = errors.New("it waits for the store and the first one doesn't, or the other way round")
	ErrBatchDelayed = errors.New("it is delayed, and brokers store batches at once")
	ErrBatchRetry   = errors.New("it is for a retry topic, whose messages brokers take one by one")
)

// batch is what a send has beside its own message when it carries several.
type batch struct {
	own     Message // topic and wait flag
	list    []*Message
	ids     []message.UniqueID
	offsets []OffsetMsgID
}

// SendBatch sends messages in one request, to be stored next to each other in one queue: all of one topic and with one
// wait flag, none of them delayed. Brokers store all of them or none. The request is never compressed, and its size counts
// against Options.MaxBody (see [SplitBatch]). Errors are those of [Producer.Send]; a message that doesn't fit is a
// [*BatchError].
func (p *Producer) SendBatch(ctx context.Context, messages []*Message, opts ...SendOption) (BatchResult, error) {
	return p.waitBatch(ctx, messages, opts, false)
}

// SendBatchOneway is [Producer.SendBatch] without an answer: see [Producer.SendOneway].
func (p *Producer) SendBatchOneway(ctx context.Context, messages []*Message, opts ...SendOption) (BatchResult, error) {
	return p.waitBatch(ctx, messages, opts, true)
}

// SendBatchAsync is [Producer.SendBatch] that calls back: see [Producer.SendAsync].
func (p *Producer) SendBatchAsync(ctx context.Context, messages []*Message, callback func(BatchResult, error), opts ...SendOption) error {
	b, err := newBatch(messages)
	if err != nil {
		return err
	}
	if callback == nil {
		return &SendError{Topic: b.own.Topic, Err: ErrNoCallback}
	}
	return p.sendAsync(ctx, &b.own, b, opts, func(res SendResult, err error) { callback(b.result(res), err) })
}

func (p *Producer) waitBatch(ctx context.Context, messages []*Message, opts []SendOption, oneway bool) (BatchResult, error) {
	b, err := newBatch(messages)
	if err != nil {
		return BatchResult{}, err
	}
	var res SendResult
	err = p.wait(ctx, &b.own, b, opts, oneway, &res)
	return b.result(res), err
}

func (b *batch) result(res SendResult) BatchResult {
	return BatchResult{SendResult: res, IDs: b.ids, OffsetIDs: b.offsets}
}

// newBatch checks that messages can be sent as one; the error is a *SendError.
func newBatch(messages []*Message) (*batch, error) {
	if len(messages) == 0 {
		return nil, &SendError{Err: &BatchError{-1, ErrBatchEmpty}}
	}
	first := messages[0]
	for i, m := range messages {
		var err error
		switch {
		case m.Topic != first.Topic:
			err = ErrBatchTopic
		case m.NoWaitStore != first.NoWaitStore:
			err = ErrBatchWait
		case m.delayed():
			err = ErrBatchDelayed
		case strings.HasPrefix(m.Topic, message.RetryPrefix):
			err = ErrBatchRetry
		}
		if err != nil {
			return nil, &SendError{Topic: first.Topic, Err: &BatchError{i, err}}
		}
	}
	return &batch{own: Message{Topic: first.Topic, Number: first.Number, NoWaitStore: first.NoWaitStore, Stamped: first.Stamped}, list: messages, ids: make([]message.UniqueID, 0, len(messages))}, nil
}

// encode makes the batch's body; the error is a *BatchError.
func (s *send) encodeBatch(wallMS int64) error {
	b := s.batch
	most := s.out.p.opts.MaxBody
	properties := make([]byte, 0, 256)
	s.packed = s.packed[:0]
	for i, m := range b.list {
		err := m.check(most)
		if err == nil {
			id := s.out.in.ids.NextAt(wallMS)
			b.ids = append(b.ids, id)
			properties = m.appendProperties(properties[:0], id, nil)
			s.packed, err = message.AppendBatchMessage(s.packed, message.BatchMessage{Flag: m.Flag, Body: m.Body, EncodedProperties: properties})
		}
		if err != nil {
			return &BatchError{i, err}
		}
	}
	if err := message.CheckBody(len(s.packed), most); err != nil {
		return &BatchError{-1, err}
	}
	s.body = s.packed
	return nil
}

// setOffsets keeps the ids of the records that a broker has made, joined by commas. It runs on a connection's reader.
func (b *batch) setOffsets(ids []byte) {
	b.offsets = slices.Grow(b.offsets[:0], len(b.list))
	for id := range bytes.SplitSeq(ids, []byte{','}) {
		if len(b.offsets) == len(b.list) {
			return // it made more than it was given
		}
		b.offsets = append(b.offsets, OffsetMsgID{})
		b.offsets[len(b.offsets)-1].set(id)
	}
}

// maxIDHex is the longest unique id in the properties: with an IPv6 address.
const maxIDHex = 56

// SplitBatch cuts a list, in order, into parts that are at most so many bytes each as [Producer.SendBatch] sends them; 0
// means 4 MiB, what producers and brokers take unless configured otherwise. A message that is larger by itself is a part
// by itself.
func SplitBatch(messages []*Message, maxBytes int) iter.Seq[[]*Message] {
	if maxBytes == 0 {
		maxBytes = message.MaxBodyLen
	}
	return func(yield func([]*Message) bool) {
		var properties []byte
		from, size := 0, 0
		for i, m := range messages {
			properties = m.appendProperties(properties[:0], message.UniqueID{}, nil)
			n := message.BatchMessage{Body: m.Body, EncodedProperties: properties}.Len() + maxIDHex
			if i > from && size+n > maxBytes {
				if !yield(messages[from:i]) {
					return
				}
				from, size = i, 0
			}
			size += n
		}
		if from < len(messages) {
			yield(messages[from:])
		}
	}
}
