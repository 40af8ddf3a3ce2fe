package broker

import "sort"

// commitLog holds records back to back in chunks of memory, the oldest dropped when the budget is spent. A record's
// place is its physical offset: a number of bytes that only grows. It is guarded by its broker's mu.
type commitLog struct {
	chunks    []chunk // oldest first; the last one takes the next record
	spare     []byte  // a dropped chunk's memory, for the next one
	end       int64   // where the next record begins
	held      int64   // bytes of the chunks' memory
	budget    int64
	chunkSize int
}

type chunk struct {
	base int64 // physical offset of its first byte
	data []byte
}

// newCommitLog makes an empty log. Chunks are small beside the budget, so that dropping one loses little.
func newCommitLog(budget int64) commitLog {
	return commitLog{budget: budget, chunkSize: int(min(max(budget/16, 4<<10), 1<<20))}
}

// begin is the physical offset of the oldest record.
func (l *commitLog) begin() int64 {
	if len(l.chunks) == 0 {
		return l.end
	}
	return l.chunks[0].base
}

// room makes the last chunk take n more bytes, and reports whether old records were dropped for that. A record larger
// than the budget is kept until the next one.
func (l *commitLog) room(n int) (dropped bool) {
	if last := len(l.chunks) - 1; last >= 0 && cap(l.chunks[last].data)-len(l.chunks[last].data) >= n {
		return false
	}
	size := max(l.chunkSize, n)
	for len(l.chunks) > 0 && l.held+int64(size) > l.budget {
		old := l.chunks[0].data
		l.held -= int64(cap(old))
		if cap(old) == l.chunkSize {
			l.spare = old[:0]
		}
		l.chunks[0] = chunk{}
		l.chunks = l.chunks[1:]
		dropped = true
	}
	var data []byte
	if size == l.chunkSize && l.spare != nil {
		data, l.spare = l.spare, nil
	} else {
		data = make([]byte, 0, size)
	}
	l.held += int64(cap(data))
	l.chunks = append(l.chunks, chunk{base: l.end, data: data})
	return dropped
}

// at is what the log holds from a physical offset on, to the end of that chunk; nil if it is not there.
func (l *commitLog) at(offset int64) []byte {
	i := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i].base > offset }) - 1
	if i < 0 || offset-l.chunks[i].base >= int64(len(l.chunks[i].data)) {
		return nil
	}
	return l.chunks[i].data[offset-l.chunks[i].base:]
}

// queue is where the records of one queue are. It is guarded by its broker's mu.
type queue struct {
	min, max int64 // offsets of the oldest message still there and of the next one
	places   []*places
	updated  int64 // ms since the epoch, when the last message was stored
}

// places are the physical offsets of placesLen messages, the first one's offset a multiple of that.
type places [placesLen]int64

const placesLen = 256

func (q *queue) append(physical int64) {
	i := int(q.max%placesLen) + int(q.max/placesLen-q.min/placesLen)*placesLen
	if i/placesLen == len(q.places) {
		q.places = append(q.places, new(places))
	}
	q.places[i/placesLen][i%placesLen] = physical
	q.max++
}

// at is where the message is; min <= offset < max.
func (q *queue) at(offset int64) int64 {
	return q.places[offset/placesLen-q.min/placesLen][offset%placesLen]
}

// dropBefore forgets the messages before a physical offset.
func (q *queue) dropBefore(physical int64) {
	for q.min < q.max && q.at(q.min) < physical {
		q.min++
		if q.min%placesLen == 0 {
			q.places[0] = nil
			q.places = q.places[1:]
		}
	}
}
