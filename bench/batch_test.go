package bench

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
)

// batching is a fake that takes batches, and counts their messages.
type batching struct {
	*fake
	messages, bytes atomic.Int64
}

func (b *batching) SendBatch(ctx context.Context, list []*producer.Message, _ ...producer.SendOption) (producer.BatchResult, error) {
	b.messages.Add(int64(len(list)))
	for _, m := range list {
		b.bytes.Add(int64(len(m.Body)))
	}
	res, err := b.send(ctx, list[0])
	return producer.BatchResult{SendResult: res}, err
}

// TestModeBatch: a rate and a count are of messages, and a message has its batch's times.
func TestModeBatch(t *testing.T) {
	for name, tt := range map[string]struct {
		load         string
		sends, calls int64
		delay        time.Duration // the longest
	}{
		"closed":      {"workers: 4, batch: 8, stages: [{for: 1s}]", 4 * 8 * 100, 400, 0},
		"open":        {"workers: 8, batch: 10, stages: [{for: 1s, rate: 1k/s}]", 1000, 100, 0},
		"too slow":    {"workers: 1, batch: 10, stages: [{for: 1s, rate: 2k/s}]", 2000, 200, time.Second},
		"count":       {"workers: 8, batch: 16, count: 1000", 1000, 63, 0},
		"open, count": {"workers: 8, batch: 16, count: 1000, stages: [{rate: 1k/s}]", 1000, 63, 0},
		"by bytes":    {"workers: 8, batch_bytes: 1280B, stages: [{for: 1s, rate: 1k/s}]", 1000, 100, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &batching{fake: newFake()}
			b.service = 10 * time.Millisecond
			m := measure(t.Context(), t, loadOf(t, "mode: batch, "+tt.load), b)
			near(t, name+": messages", m.Acknowledged, tt.sends, 0.01)
			near(t, name+": calls", b.calls.Load(), tt.calls, 0.01)
			if m.Offered != m.Acknowledged || b.messages.Load() != m.Acknowledged || b.bytes.Load() != *m.BodyBytes {
				t.Errorf("%s: %d offered, %d acknowledged, %d sent; %d body bytes, %d sent", name, m.Offered, m.Acknowledged, b.messages.Load(), *m.BodyBytes, b.bytes.Load())
			}
			near(t, name+": the longest delay", time.Duration(m.Delay.Max), tt.delay, 0.02)
		})
	}
}

func TestModeBatchNeedsASender(t *testing.T) {
	_, err := drive(t.Context(), planOf(t, loadOf(t, "mode: batch")), newFake(), timerWaiter{}, watcher{})
	if !errors.Is(err, errNoBatches) {
		t.Errorf("%v, want %v", err, errNoBatches)
	}
}

// TestRunBatches sends batches to the embedded broker: each message of them is stored.
func TestRunBatches(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Brokers: 2})
	for _, load := range []string{"batch: 7, count: 1000", "batch_bytes: 4KiB, count: 500, stages: [{rate: 2k/s}]"} {
		before := stored(t, c, "T")
		report, err := Run(t.Context(), scenario(t, on(c.NameServer())+"topic: {name: T}\nmessage: {size: {uniform: [100B, 1KiB]}, keys: {distinct: 5}}\n"+
			"producer: {compress: lz4, compress_over: 1KiB}\nload: {mode: batch, workers: 4, "+load+"}"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		wantSums(t, report.Run)
		n := report.Run.Cases[0].Counts
		if in := stored(t, c, "T") - before; n.Acknowledged != n.Offered || in != n.Acknowledged {
			t.Errorf("%s: %d stored, %+v", load, in, n)
		}
	}
}

// TestRunCompressions: what is sent compressed is stored so, and counted by its own size.
func TestRunCompressions(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{})
	var wire []float64
	for _, how := range []string{"compress_over: off", "compress: zlib", "compress: lz4", "compress: zstd"} {
		report, err := Run(t.Context(), scenario(t, on(c.NameServer())+fmt.Sprintf("topic: {name: T}\nmessage: {size: 4KiB, compressible: 0.8}\n"+
			"producer: {%s}\nload: {workers: 4, count: 400}", how)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		wantSums(t, report.Run)
		r := report.Run.Cases[0]
		if r.Acknowledged != 400 || *r.BodyBytes != 400*4096 {
			t.Errorf("%s: %d acknowledged, %d body bytes", how, r.Acknowledged, *r.BodyBytes)
		}
		wire = append(wire, float64(r.Transport.BytesOut)/400)
	}
	for _, w := range wire[1:] {
		if wire[0] < 4096 || w > 0.35*4096 {
			t.Errorf("bytes a message on the wire: %v", wire)
			break
		}
	}
}
