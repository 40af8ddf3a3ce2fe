package remoting

import (
	"net"
	"sync"
)

// copyBelow is the body size under which copying into the batch is cheaper than a piece of its own in a vectored
// write; BenchmarkBatchCopyOrReference measures the border.
const copyBelow = 4 << 10

// batch is what one write sends. It belongs to the connection's mu while it is open, then to its writer until the
// write has returned.
type batch struct {
	number  uint64 // of the connection's batches, from 1
	slab    []byte // heads, and bodies under copyBelow, in the frames' order
	frames  []frame
	bytes   int         // of all frames that are not dropped
	dropped int         // frames
	waste   int         // bytes in the slab of frames that are dropped
	list    net.Buffers // see pieces
	ended   []*Call     // those that the write's return ends a part of
}

// frame is one command in a batch.
type frame struct {
	from, to int    // in the slab
	body     []byte // by reference; nil if it was copied
	opaque   int32  // of call
	call     *Call  // oneway, or lender of the body; nil for all others, whose call may be long gone
	oneway   bool   // call ends with the write; by then it may be another's, see callTable.takeIf
	dropped  bool   // taken out before the write began
}

var batches = sync.Pool{New: func() any { return new(batch) }}

func newBatch(number uint64) *batch {
	b := batches.Get().(*batch)
	b.number = number
	return b
}

// What the pool keeps of a batch that once was large.
const (
	maxKeptSlab   = 16 << 20 // bytes
	maxKeptFrames = 16 << 10
)

// release gives the batch back. Nobody may use it or its slab any more.
func (b *batch) release() {
	clear(b.frames)
	clear(b.list[:cap(b.list)])
	clear(b.ended)
	b.frames, b.list, b.ended, b.slab = b.frames[:0], b.list[:0], b.ended[:0], b.slab[:0]
	b.bytes, b.dropped, b.waste = 0, 0, 0
	if poison != nil {
		poison(b.slab[:cap(b.slab)])
	}
	if cap(b.slab) > maxKeptSlab {
		b.slab = nil
	}
	if cap(b.frames) > maxKeptFrames {
		b.frames, b.list, b.ended = nil, nil, nil
	}
	batches.Put(b)
}

// add appends a frame and returns its index. borrow keeps a larger body by reference. On an error nothing has changed.
func (b *batch) add(enc HeadEncoder, opaque int32, body []byte, call *Call) (borrowed bool, err error) {
	from := len(b.slab)
	slab, err := enc.AppendHead(b.slab, opaque, len(body))
	if err != nil {
		return false, err
	}
	f := frame{from: from, opaque: opaque}
	if len(body) < copyBelow {
		slab = append(slab, body...)
	} else {
		f.body, borrowed = body, true
		b.bytes += len(body)
	}
	if call != nil && (borrowed || call.Oneway) {
		f.call, f.oneway = call, call.Oneway
	}
	b.slab = slab
	f.to = len(slab)
	b.bytes += f.to - from
	b.frames = append(b.frames, f)
	return borrowed, nil
}

// drop takes a frame out and returns whether it had lent its body.
func (b *batch) drop(i int32) (borrowed bool) {
	f := &b.frames[i]
	borrowed = f.body != nil
	b.bytes -= f.to - f.from + len(f.body)
	*f = frame{from: f.from, to: f.to, dropped: true}
	b.dropped++
	b.waste += f.to - f.from
	if b.waste > maxWaste && b.waste > len(b.slab)/2 && b.waste > len(b.frames)*wasteAFrame {
		b.compact()
	}
	return borrowed
}

// What dropped frames may keep of a slab: some bytes in any case, and so many a frame that looking through all frames
// is not done for little.
const (
	maxWaste    = 64 << 10
	wasteAFrame = 32
)

// compact takes the dropped frames out of the slab: while a write is stuck, any number of calls may come and run out of
// time behind it. Frames keep their index, by which calls know them.
func (b *batch) compact() {
	to := 0
	for i := range b.frames {
		f := &b.frames[i]
		n := 0
		if !f.dropped {
			n = copy(b.slab[to:], b.slab[f.from:f.to])
		}
		f.from, f.to = to, to+n
		to += n
	}
	if poison != nil {
		poison(b.slab[to:])
	}
	b.slab, b.waste = b.slab[:to], 0
}

// pieces is what is to be written, neighbours in the slab as one. The list is the batch's own, as long as it is.
func (b *batch) pieces() net.Buffers {
	dst := b.list[:0]
	from, to := 0, 0
	for i := range b.frames {
		f := &b.frames[i]
		if f.dropped {
			if to > from {
				dst = append(dst, b.slab[from:to])
			}
			from, to = f.to, f.to
			continue
		}
		to = f.to
		if f.body != nil {
			dst = append(dst, b.slab[from:to], f.body)
			from = to
		}
	}
	if to > from {
		dst = append(dst, b.slab[from:to])
	}
	b.list = dst
	return dst
}

// skip takes the first n bytes off.
func skip(pieces net.Buffers, n int) net.Buffers {
	for n > 0 {
		if n < len(pieces[0]) {
			pieces[0] = pieces[0][n:]
			break
		}
		n -= len(pieces[0])
		pieces = pieces[1:]
	}
	return pieces
}
