package remoting

import "sync"

// bufferSize is what a connection reads into at first; a frame that is larger grows it while its bytes arrive.
const bufferSize = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}

// poison, if set, overwrites what goes back to a pool: tests find out so who still reads it.
var poison func([]byte)

func getBuffer() []byte { return *buffers.Get().(*[]byte) }

// putBuffer keeps buffers of the usual size only.
func putBuffer(b []byte) {
	if poison != nil {
		poison(b)
	}
	if len(b) == bufferSize {
		buffers.Put(&b)
	}
}
