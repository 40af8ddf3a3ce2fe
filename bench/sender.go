package bench

import (
	"context"

	"rmqbench/producer"
)

// Sender is what the workers drive: our producer, or any client behind these three calls. All of them are called by
// many goroutines at once. A message must not be changed, nor kept after the send has ended.
type Sender interface {
	// Send returns when the broker has answered or the send has failed.
	Send(ctx context.Context, m *producer.Message) (producer.SendResult, error)
	// SendOneway returns when the bytes are in the socket.
	SendOneway(ctx context.Context, m *producer.Message) (producer.SendResult, error)
	// SendAsync calls back exactly once, on any goroutine, unless it returns an error.
	SendAsync(ctx context.Context, m *producer.Message, callback func(producer.SendResult, error)) error
}
