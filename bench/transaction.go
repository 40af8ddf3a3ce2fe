package bench

import (
	"context"
	"sync"
	"time"

	"rmqbench/producer"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// transactions makes each send a transaction, and is the application's side of them. How one ends follows from its id, so that
// whoever is asked about it, and however often, says the same.
type transactions struct {
	*producer.Producer

	rollback, unknown uint64 // of ids' hashes, those below rollback, and those from there to below unknown

	mu    sync.Mutex // protects following
	count results.Transactions
	open  map[string]struct{} // ids whose end the broker has to ask for, or may have to
	idle  chan struct{}       // closed when open has become empty; nil: nobody waits
}

func newTransactions(of *scenarios.Transaction) *transactions {
	return &transactions{rollback: threshold(of.Rollback), unknown: threshold(of.Rollback + of.CheckBack), open: map[string]struct{}{}}
}

// Send makes a transaction: a half message, and its end. It has succeeded when the half message is stored.
func (t *transactions) Send(ctx context.Context, m *producer.Message, opts ...producer.SendOption) (producer.SendResult, error) {
	res, err := t.SendTransaction(ctx, m, nil, opts...)
	if err == nil && res.Untold != nil {
		t.ask(res.ID.String())
	}
	return res.SendResult, err
}

// Execute leaves some ends open: the broker asks for them later.
func (t *transactions) Execute(_ *producer.Message, half producer.SendResult, _ any) producer.TransactionState {
	id := half.ID.String()
	switch x := t.lot(id); {
	case x < t.rollback:
		t.add(&t.count.RolledBack)
		return producer.TransactionRollback
	case x < t.unknown:
		t.ask(id)
		return producer.TransactionUnknown
	}
	t.add(&t.count.Committed)
	return producer.TransactionCommit
}

// Check says how the transaction ended.
func (t *transactions) Check(m *producer.Received) producer.TransactionState {
	id := m.ID()
	rollback := t.lot(id) < t.rollback
	t.mu.Lock()
	if _, ours := t.open[id]; ours {
		delete(t.open, id)
		t.count.CheckedBack++
		if len(t.open) == 0 && t.idle != nil {
			close(t.idle)
			t.idle = nil
		}
	} else if !rollback { // a broker that asks has written the half message anew, and delivers either for a commit
		t.count.AskedAgain++
	}
	t.mu.Unlock()
	if rollback {
		return producer.TransactionRollback
	}
	return producer.TransactionCommit
}

func (t *transactions) lot(id string) uint64 {
	h := uint64(0)
	for i := range len(id) {
		h = scramble(h ^ uint64(id[i]))
	}
	return h
}

func (t *transactions) add(n *int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*n++
}

func (t *transactions) ask(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[id] = struct{}{}
}

// settleFor bounds the wait for brokers' questions. By default they ask every 30 s (5.x) or 60 s (4.x), about half messages
// that are at least 6 s old.
const settleFor = 2 * time.Minute

// settle waits until the broker has asked for every end that it doesn't know, for so long or until ctx ends.
func (t *transactions) settle(ctx context.Context, longest time.Duration) *results.Transactions {
	t.mu.Lock()
	idle := make(chan struct{})
	if len(t.open) == 0 {
		close(idle)
	} else {
		t.idle = idle
	}
	t.mu.Unlock()
	patience := time.NewTimer(longest)
	defer patience.Stop()
	select {
	case <-idle:
	case <-patience.C:
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle = nil
	count := t.count
	count.Open = int64(len(t.open))
	return &count
}

// told waits until the broker has been told what it asked for: who shuts the producer down before takes an answer that was given
// with it. The wait is bounded by what writing one may take.
func (t *transactions) told(ctx context.Context) {
	const longest, look = 5 * time.Second, time.Millisecond
	for until := time.Now().Add(longest); t.Stats().ChecksOpen > 0 && ctx.Err() == nil && time.Now().Before(until); time.Sleep(look) {
	}
}
