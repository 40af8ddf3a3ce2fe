package chaos

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"rmqbench/internal/leaks"
)

func TestMain(m *testing.M) { leaks.Main(m) }

// echo is a server that sends back what comes.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(nc, nc)
				nc.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// errSomehow: a FIN, or an RST where the proxy hadn't read all.
var errSomehow = errors.New("ended")

func TestLegs(t *testing.T) {
	server := echo(t)
	sent := bytes.Repeat([]byte("0123456789"), 1000)
	for name, tt := range map[string]struct {
		up, down Leg
		want     []byte
		end      error // nil: by us
	}{
		"as they come":      {Leg{}, Leg{}, sent, nil},
		"slices":            {Leg{Slice: 999}, Leg{Slice: 333, Delay: time.Microsecond}, sent, nil},
		"a rate":            {Leg{Rate: 1 << 20}, Leg{}, sent, nil},
		"cut on the way up": {Leg{Cut: true, After: 15}, Leg{}, nil, errSomehow},
		"cut at a byte":     {Leg{}, Leg{Cut: true, After: 15}, sent[:15], errSomehow},
		"reset at a byte":   {Leg{}, Leg{Cut: true, After: 15, Reset: true}, nil, syscall.ECONNRESET},
		"a hole":            {Leg{}, Leg{Hole: true, After: 5000}, sent[:5000], nil},
		"a script":          {Leg{}, Leg{Script: []byte("HTTP/1.1 200 OK")}, []byte("HTTP/1.1 200 OK"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			leaks.Check(t)
			p := New(t, server, func(int) (up, down Leg) { return tt.up, tt.down })
			nc, err := net.Dial("tcp", p.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			if _, err := nc.Write(sent); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(tt.want))
			if _, err := io.ReadFull(nc, got); err != nil || !bytes.Equal(got, tt.want) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			if tt.end == nil { // and nothing more comes
				_ = nc.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			}
			n, err := nc.Read(make([]byte, 1))
			if ne, ok := errors.AsType[net.Error](err); n > 0 && tt.end == nil || tt.end == nil && !(ok && ne.Timeout()) {
				t.Errorf("then %d bytes, %v", n, err)
			}
			for tt.end != nil && err == nil { // a reset may overtake what came before it
				_, err = nc.Read(make([]byte, 100))
			}
			if tt.end != nil && !errors.Is(tt.end, errSomehow) && !errors.Is(err, tt.end) {
				t.Errorf("ended with %v, want %v", err, tt.end)
			}
			if p.Accepted() != 1 {
				t.Errorf("%d connections", p.Accepted())
			}
		})
	}
}
