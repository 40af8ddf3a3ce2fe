// Package service is a small Go service that places orders: it looks into a store, which takes its time, and sends a message. It is there
// to be benchmarked as anybody's service is, and to show that rmqbench ab sees when it becomes slower.
package service

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"rmqbench/producer"
)

// Order is what a customer wants.
type Order struct {
	ID     string `json:"id"`
	Item   string `json:"item"`
	Amount int    `json:"amount"`
}

// Shop places orders.
type Shop struct {
	Producer *producer.Producer
	Topic    string
	Lookup   time.Duration // how long the store takes to answer
}

// Place checks an order against the store and tells of it.
func (s *Shop) Place(ctx context.Context, o Order) error {
	if o.Amount <= 0 {
		return fmt.Errorf("order %s: an amount of %d", o.ID, o.Amount)
	}
	select {
	case <-time.After(s.Lookup):
	case <-ctx.Done():
		return ctx.Err()
	}
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	m := &producer.Message{Topic: s.Topic, Body: body}
	if _, err := s.Producer.Send(ctx, m); err != nil {
		return fmt.Errorf("order %s: %w", o.ID, err)
	}
	return nil
}
