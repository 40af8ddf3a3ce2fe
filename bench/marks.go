package bench

import (
	"sync"
	"time"

	"rmqbench/remoting"
	"rmqbench/results"
)

// mostMarks is how many moments a run keeps: a key that is stuck is no moment.
const mostMarks = 10_000

// Marks are moments that somebody marks while a run goes on. The zero Marks has none; any goroutine may use it.
type Marks struct {
	mu sync.Mutex // protects following
	at []results.Mark
}

// Add marks this moment; beyond 10,000 none is kept.
func (m *Marks) Add() {
	now := results.Mark{At: time.Now().UTC(), OffsetNS: remoting.Nanotime()}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.at) < mostMarks {
		m.at = append(m.at, now)
	}
}

// record are the marks of a run that began then, by remoting.Nanotime.
func (m *Marks) record(began int64) []results.Mark {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []results.Mark
	for _, mark := range m.at {
		mark.OffsetNS -= began
		all = append(all, mark)
	}
	return all
}
