package remoting

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// who has vanished, and who only stands still.
func TestR02_R03_Vanished(t *testing.T) {
	for name, tt := range map[string]struct {
		info TCPInfo
		want bool
	}{
		"busy":                                       {TCPInfo{Silent: int64(time.Millisecond), Unacked: 9}, false},
		"idle, between keep-alives":                  {TCPInfo{Silent: int64(3 * time.Second)}, false},
		"a lossy second":                             {TCPInfo{Silent: int64(time.Second), Unanswered: 3}, false},
		"stands still for long, no probe is due":     {TCPInfo{Silent: int64(12 * time.Second)}, false},
		"stands still for long, the probe went just": {TCPInfo{Silent: int64(13 * time.Second), Unanswered: 1}, false},
		"vanished under way":                         {TCPInfo{Silent: int64(maxSilence), Unanswered: 5, Unacked: 3}, true},
		"vanished when idle":                         {TCPInfo{Silent: int64(maxSilence), Unanswered: 5}, true},
		"vanished on a slow path":                    {TCPInfo{Silent: int64(maxSilence), Unanswered: 2}, true},
	} {
		if got := tt.info.vanished(maxSilence); got != tt.want {
			t.Errorf("%s: vanished is %v", name, got)
		}
	}
	for silent, want := range map[time.Duration]time.Duration{0: maxSilence, 4 * time.Second: maxSilence - 4*time.Second, time.Minute: lookAgain} {
		if got := (TCPInfo{Silent: int64(silent)}).nextLook(maxSilence); got != want {
			t.Errorf("silent for %v: looks again in %v, want %v", silent, got, want)
		}
	}
}

// A peer that stands still with its window shut keeps its connection: for seconds between two probes its kernel says nothing, but none is
// left without an answer. When it goes on, it gets all.
func TestR02_ShutWindowIsNoSilence(t *testing.T) {
	t.Parallel()
	l := mustListen(t)
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		nc, err := l.Accept()
		if err == nil {
			accepted <- nc
		}
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	const limit = 100 * time.Millisecond // the gaps between its probes are longer than that from the second on
	c := newConn(nc, l.Addr().String(), connOptions{callbacks: newCallbacks(), group: &group, maxFrame: MaxFrame,
		maxQueued: maxQueuedReplies, writeTimeout: time.Minute, silence: limit})
	defer c.Close()
	const body = 15 << 20 // more than both sockets' buffers hold
	call := newAsync()
	call.Oneway = true
	if err := c.Start(&call.Call, NewRequest(HeartBeat), make([]byte, body), in(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var longest, unanswered int64
	for began := time.Now(); longest < int64(15*limit) && time.Since(began) < time.Minute; time.Sleep(time.Millisecond) {
		info, ok := c.TCPInfo()
		if !ok {
			t.Fatalf("ended by %v after %v of silence and %d questions", c.Err(), time.Duration(longest), unanswered)
		}
		longest, unanswered = max(longest, info.Silent), max(unanswered, info.Unanswered)
	}
	if longest < int64(15*limit) || unanswered > 1 {
		t.Errorf("silent for %v at the most, %d questions in a row without an answer", time.Duration(longest), unanswered)
	}
	peer := <-accepted
	defer peer.Close()
	if n, err := io.CopyN(io.Discard, peer, body); err != nil {
		t.Errorf("got %d bytes, %v", n, err)
	}
	if err := c.Err(); err != nil {
		t.Errorf("it goes on, and yet the connection has ended: %v", err)
	}
}
