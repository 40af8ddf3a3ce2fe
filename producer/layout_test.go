package producer

import (
	"testing"
	"unsafe"
)

// What a send's cache lines hold decides what it costs where its sender, the reader and who ends it run on different processors
// (docs/performance.md): Call fills two, hot the third, a reply with a record's id of IPv4 fits in the fourth, and what else a usual send writes in the
// next two.
func TestSendLayout(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the layout is that of 64 bits")
	}
	var s send
	if n := unsafe.Sizeof(s.Call); n != 2*cacheLine {
		t.Errorf("a call has %d bytes", n)
	}
	if at, n := unsafe.Offsetof(s.hot), unsafe.Sizeof(s.hot); at != 2*cacheLine || n != cacheLine {
		t.Errorf("hot is at %d and has %d bytes", at, n)
	}
	const ipv4 = 32 // hex digits
	idEnd := unsafe.Offsetof(s.offsetID) + unsafe.Offsetof(s.offsetID.b) + ipv4
	if at := unsafe.Offsetof(s.reply); at != 3*cacheLine || idEnd > 4*cacheLine {
		t.Errorf("reply is at %d, and the id in it ends at %d", at, idEnd)
	}
	if end := unsafe.Offsetof(s.Properties); end > 6*cacheLine {
		t.Errorf("what differs from one send to the next ends at %d", end)
	}
}
