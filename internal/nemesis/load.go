package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting/message"
)

// Load is messages of every kind, due evenly over a time.
type Load struct {
	Seed    uint64
	Topic   string
	Over    time.Duration
	Workers int
	History *History // of as many messages as are sent
}

// job is one call of the producer, with the messages from first on.
type job struct {
	way      Way
	first, n int
}

// jobs are the calls that send n messages: a pure function of the seed.
func jobs(seed uint64, n int) []job {
	dice := rand.New(rand.NewPCG(seed, 0x6a6f6273))
	var all []job
	for at := 0; at < n; {
		j := job{Way(dice.IntN(int(ways))), at, 1}
		if j.way == Batch || j.way == AsyncBatch {
			j.n = min(1+dice.IntN(8), n-at)
		}
		all, at = append(all, j), at+j.n
	}
	return all
}

// message is the n-th one of the run: a pure function of the seed and n.
func (l *Load) message(n int) *producer.Message {
	dice := rand.New(rand.NewPCG(l.Seed, uint64(n)<<8|1))
	size := 1 + dice.IntN(300)
	switch dice.IntN(50) {
	case 0, 1, 2: // compressed, if it can be
		size = 4096 + dice.IntN(3000)
	case 3: // borrowed until it is written
		size = 20_000 + dice.IntN(30_000)
	}
	body := make([]byte, size)
	mask := []uint32{0xff, 0x0f}[dice.IntN(2)] // so that some are worth compressing
	for i := range body {
		body[i] = byte(dice.Uint32() & mask)
	}
	return &producer.Message{Topic: l.Topic, Body: body, Tags: fmt.Sprint("tag", n%7), Keys: []string{l.History.key(n)}, Flag: int32(n),
		Properties: message.Properties{{Key: ownProperty, Value: fmt.Sprintf("%x", dice.Uint64())}}}
}

// Transactions: two of three commit, one of five only when it is asked.
func undone(n int) bool { return n%3 == 0 }
func coy(n int) bool    { return n%5 == 0 }

// Listener answers for the transactions of the history that is current.
type Listener struct{ Current atomic.Pointer[History] }

func (l *Listener) number(key string) (*History, int, bool) {
	h := l.Current.Load()
	n, ok := h.Number(key)
	return h, n, ok
}

// Execute says how a transaction ends, or keeps it to itself.
func (l *Listener) Execute(m *producer.Message, _ producer.SendResult, _ any) producer.TransactionState {
	_, n, ok := l.number(m.Keys[0])
	if !ok || coy(n) {
		return producer.TransactionUnknown
	}
	return verdict(n)
}

// Check says how it ended.
func (l *Listener) Check(m *producer.Received) producer.TransactionState {
	key, _ := m.Properties.Get(message.PropertyKeys)
	h, n, ok := l.number(key)
	if !ok {
		return producer.TransactionRollback // an earlier run's: nobody waits for it any more
	}
	h.Asked(n)
	return verdict(n)
}

func verdict(n int) producer.TransactionState {
	if undone(n) {
		return producer.TransactionRollback
	}
	return producer.TransactionCommit
}

// Run sends everything through one producer, whose listener is to be a [Listener], and returns when every send has ended,
// or nothing has for patience.
func (l *Load) Run(ctx context.Context, p *producer.Producer, patience time.Duration) {
	all := jobs(l.Seed, len(l.History.sent))
	began := time.Now()
	var next atomic.Int64
	var workers, callbacks sync.WaitGroup
	for range l.Workers {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(all)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				time.Sleep(time.Until(began.Add(l.Over * time.Duration(i) / time.Duration(len(all)))))
				l.send(ctx, p, all[i], &callbacks)
			}
		})
	}
	workers.Wait()
	ended := make(chan struct{})
	go func() { callbacks.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(patience): // the checker names those that never ended
	}
}

func (l *Load) send(ctx context.Context, p *producer.Producer, j job, callbacks *sync.WaitGroup) {
	h := l.History
	list := make([]*producer.Message, j.n)
	for i := range list {
		list[i] = l.message(j.first + i)
		if j.way == Transaction {
			list[i].Flag = 0 // a broker that asks forgets it (TransactionalMessageBridge.renewHalfMessageInner)
		}
		h.Begin(j.first+i, j.way, sumOf(list[i]), j.way == Transaction && undone(j.first+i))
	}
	end := func(res producer.SendResult, err error) {
		for i := range list {
			h.End(j.first+i, res, i, err)
		}
	}
	var once sync.Once // a callback that comes twice is the history's to tell
	called := func(res producer.SendResult, err error) { end(res, err); once.Do(callbacks.Done) }
	switch j.way {
	case Sync:
		end(p.Send(ctx, list[0]))
	case Oneway:
		end(p.SendOneway(ctx, list[0]))
	case Batch:
		res, err := p.SendBatch(ctx, list)
		end(res.SendResult, err)
	case Transaction:
		res, err := p.SendTransaction(ctx, list[0], nil)
		end(res.SendResult, err)
	case Async:
		callbacks.Add(1)
		if err := p.SendAsync(ctx, list[0], called); err != nil {
			called(producer.SendResult{}, err)
		}
	case AsyncBatch:
		callbacks.Add(1)
		back := func(res producer.BatchResult, err error) { called(res.SendResult, err) }
		if err := p.SendBatchAsync(ctx, list, back); err != nil {
			called(producer.SendResult{}, err)
		}
	}
}
