package bench

import (
	"context"
	"sync"
)

// lanes let one send of a key be under way at a time. Who finds a key taken leaves the slot to whoever has it, and goes on to
// other keys; where no more slots may wait so, he waits himself.
type lanes struct {
	locks [64]sync.Mutex // each protects the lanes whose keys have its remainder
	lanes []lane         // by key
	room  chan struct{}  // for slots that wait; capacity 0: nobody may leave one
	drop  bool           // a slot for which there is no room is dropped
}

// lane is one key's.
type lane struct {
	taken   bool
	waiting []queued // in the order of their coming
}

// queued is a slot that waits for its key, or somebody who does: then it has a channel, which is closed when the key is his.
type queued struct {
	slot slot
	own  chan struct{}
}

func newLanes(keys, room int, drop bool) *lanes {
	return &lanes{lanes: make([]lane, keys), room: make(chan struct{}, room), drop: drop}
}

func (l *lanes) of(key int32) (*sync.Mutex, *lane) {
	return &l.locks[int(key)%len(l.locks)], &l.lanes[key]
}

// enter takes a slot's key. false: the slot waits until the key is free, and is then given to whoever leaves; or it is dropped;
// or one of the contexts ended while the caller waited.
func (l *lanes) enter(key int32, s slot, a, b context.Context) bool {
	mu, lane := l.of(key)
	mu.Lock()
	if !lane.taken {
		lane.taken = true
		mu.Unlock()
		return true
	}
	select {
	case l.room <- struct{}{}:
		lane.waiting = append(lane.waiting, queued{slot: s})
		mu.Unlock()
		return false
	default:
	}
	if l.drop {
		mu.Unlock()
		return false
	}
	own := make(chan struct{})
	lane.waiting = append(lane.waiting, queued{own: own})
	mu.Unlock()
	select {
	case <-own:
		return true
	case <-a.Done():
	case <-b.Done():
	}
	return false // nobody sends any more: whoever gets the key by this doesn't matter
}

// leave gives a key on: to who waits for it, or back to the caller with the slot that waits for it.
func (l *lanes) leave(key int32) (next slot, more bool) {
	mu, lane := l.of(key)
	mu.Lock()
	defer mu.Unlock()
	if len(lane.waiting) == 0 {
		lane.taken, lane.waiting = false, nil
		return slot{}, false
	}
	t := lane.waiting[0]
	lane.waiting = lane.waiting[1:]
	if t.own != nil {
		close(t.own)
		return slot{}, false
	}
	<-l.room
	return t.slot, true
}

// left gives the slots that still wait. Nobody sends any more.
func (l *lanes) left(each func(slot)) {
	for i := range l.lanes {
		for _, t := range l.lanes[i].waiting {
			if t.own == nil {
				each(t.slot)
			}
		}
	}
}
