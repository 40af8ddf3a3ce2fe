package bench

import (
	"context"

	"rmqbench/producer"
)

// Sender is what the workers drive: our producer, or any client behind these three calls. All of them are called by
// many goroutines at once. A message must not be changed, nor kept after the send has ended. ctx ends when no more time
// is left for any send.
type Sender interface {
	// Send returns when the broker has answered or the send has failed, soon after ctx ends at the latest.
	Send(ctx context.Context, m *producer.Message, opts ...producer.SendOption) (producer.SendResult, error)
	// SendOneway returns when the bytes are in the socket or the send has failed, soon after ctx ends at the latest.
	SendOneway(ctx context.Context, m *producer.Message, opts ...producer.SendOption) (producer.SendResult, error)
	// SendAsync doesn't wait for the broker. It calls back once, on any goroutine, unless it returns an error; who waits
	// for it gives up when ctx ends.
	SendAsync(ctx context.Context, m *producer.Message, callback func(producer.SendResult, error), opts ...producer.SendOption) error
}
