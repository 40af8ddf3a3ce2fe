package remoting

import (
	"sync"

	"rmqbench/internal/lent"
)

// bufferSize is what a connection reads into at first; a frame that is larger grows it while its bytes arrive.
const bufferSize = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}

// poison, if set, overwrites what goes back to a pool: tests find out so who still reads it.
var poison func([]byte)

// What must be back when everything is closed; tests hold us to it.
var (
	lentBuffers = lent.New("pooled buffers")
	lentPermits = lent.New("permits")
	armedTimers = lent.New("connections' timers")
)

func getBuffer() []byte {
	lentBuffers.Add(1)
	return *buffers.Get().(*[]byte)
}

// putBuffer keeps buffers of the usual size only.
func putBuffer(b []byte) {
	if poison != nil {
		poison(b)
	}
	if len(b) == bufferSize {
		lentBuffers.Add(-1)
		buffers.Put(&b)
	}
}
