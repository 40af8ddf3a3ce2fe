package remoting

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/internal/leaks"
)

// a server that accepts and closes at once is dialled no more often than one that refuses, whoever asks. One that
// refuses is not dialled more often for more connections.
func TestR53_Schedule(t *testing.T) {
	leaks.Check(t)
	for name, accept := range map[string]func() (net.Conn, error){
		"refuses": func() (net.Conn, error) { return nil, errors.New("refused") },
		"accepts and closes": func() (net.Conn, error) {
			ours, peer := net.Pipe()
			return ours, peer.Close()
		},
		"accepts, reads and closes": func() (net.Conn, error) {
			ours, peer := net.Pipe()
			go func() {
				_, _ = peer.Read(make([]byte, 1))
				peer.Close()
			}()
			return ours, nil
		},
		"answers half a frame": func() (net.Conn, error) {
			ours, peer := net.Pipe()
			go func() {
				_, _ = peer.Write([]byte{0, 0, 1, 0, 0})
				peer.Close()
			}()
			return ours, nil
		},
	} {
		for _, connections := range []int{1, 4} {
			if connections > 1 && name != "refuses" {
				continue // while one lives, its neighbours are dialled: one dial a connection and step
			}
			t.Run(fmt.Sprintf("%s, %d connections", name, connections), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { r53Schedule(t, accept, connections) })
			})
		}
	}
}

func r53Schedule(t *testing.T, accept func() (net.Conn, error), connections int) {
	const callers, pause = 64, 50 * time.Millisecond
	var dialled []int64 // only dials, which follow each other
	c := NewClient(ClientOptions{Connections: connections, Dial: func(context.Context, string) (net.Conn, error) {
		dialled = append(dialled, Nanotime())
		return accept()
	}})
	end := Nanotime() + int64(time.Minute)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for Nanotime() < end {
				if _, err := c.Invoke(t.Context(), "pipe:1", NewRequest(HeartBeat), time.Second); err == nil {
					t.Error("answered by nobody")
				}
				time.Sleep(pause)
			}
		})
	}
	wg.Wait()
	c.Close()
	checkWaits(t, dialled, pause)
}

// checkWaits compares the times of dials with the waits that they should have between them, given how often somebody asks.
func checkWaits(t *testing.T, dialled []int64, asked time.Duration) {
	t.Helper()
	wait := firstBackoff
	distinct := map[time.Duration]bool{}
	for i := 1; i < len(dialled); i++ {
		got := time.Duration(dialled[i] - dialled[i-1])
		if shortest, longest := wait*8/10, wait*12/10+asked; got < shortest || got > longest {
			t.Errorf("dial %d came %v after the one before, want %v to %v", i, got, shortest, longest)
		}
		if got > maxBackoff+asked {
			t.Errorf("waited %v", got)
		}
		distinct[got.Round(asked)] = true
		wait = min(2*wait, maxBackoff*5/6)
	}
	if n := len(dialled); n < 16 || n > 24 { // 6.3 s until the longest waits, then 3.3 s to 5 s each
		t.Errorf("%d dials in a minute", n)
	}
	if len(distinct) < 8 {
		t.Errorf("waits without jitter: %v", distinct)
	}
}

// One whole frame makes a connection a good one: when it ends, the next is dialled at once, and the waits begin anew.
func TestR53_GoodConnectionForgivesWaits(t *testing.T) {
	leaks.Check(t)
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int32
		c := NewClient(ClientOptions{Dial: func(context.Context, string) (net.Conn, error) {
			ours, peer := net.Pipe()
			if n := dials.Add(1); n <= 3 || n > 5 {
				return ours, peer.Close()
			}
			answerOnce(t, peer)
			return ours, nil
		}})
		defer c.Close()
		invoke := func() error {
			_, err := c.Invoke(t.Context(), "pipe:1", NewRequest(HeartBeat), time.Second)
			synctest.Wait() // until its connection has ended
			return err
		}
		for range 3 { // three bad ones
			if err := invoke(); err == nil {
				t.Fatal("answered by nobody")
			}
			time.Sleep(time.Second)
		}
		for range 2 { // two that answer once and close: nothing to wait for after them
			if err := invoke(); err != nil {
				t.Fatal(err)
			}
		}
		if err := invoke(); err == nil || dials.Load() != 6 {
			t.Fatalf("%v after %d dials", err, dials.Load())
		}
		err := invoke()
		if !errors.Is(err, ErrDial) || !strings.Contains(err.Error(), "next attempt in") || sent(err) {
			t.Errorf("got %v", err)
		}
		time.Sleep(firstBackoff * 12 / 10) // the first wait again, not the fourth
		if _ = invoke(); dials.Load() != 7 {
			t.Errorf("%d dials", dials.Load())
		}
	})
}

// A client that is closed says so, also of an address that isn't to be dialled yet.
func TestR53_ClosedWhileWaiting(t *testing.T) {
	leaks.Check(t)
	c := NewClient(ClientOptions{Dial: func(context.Context, string) (net.Conn, error) { return nil, errors.New("nobody") }})
	invoke := func() error {
		_, err := c.Invoke(t.Context(), "nowhere:1", NewRequest(HeartBeat), time.Second)
		return err
	}
	if err := invoke(); !errors.Is(err, ErrDial) {
		t.Fatal(err)
	}
	c.Close()
	if err := invoke(); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// answerOnce reads one small request and answers it, then closes.
func answerOnce(t *testing.T, peer net.Conn) {
	answer, err := (&Command{Serialize: RocketMQ, Flag: FlagResponse}).AppendFrame(nil) // the connection's first opaque is 0
	if err != nil {
		t.Error(err)
	}
	go func() {
		_, _ = peer.Read(make([]byte, 1<<10))
		_, _ = peer.Write(answer)
		peer.Close()
	}()
}

func TestR53_RealSockets(t *testing.T) {
	leaks.Check(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var accepted atomic.Int32
	var server sync.WaitGroup
	server.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			nc.Close()
		}
	})
	c := dialClient(t, ClientOptions{})
	began := time.Now()
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for time.Since(began) < time.Second {
				_, err := c.Invoke(t.Context(), l.Addr().String(), NewRequest(HeartBeat), time.Second)
				if _, ok := errors.AsType[*CallError](err); !ok {
					t.Errorf("got %v", err)
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	wg.Wait()
	l.Close()
	server.Wait()
	// Dials at 0 s, after 0.08 s at the earliest, 0.24 s, 0.56 s, and the next after 1.2 s.
	longest := 4
	for at := 1200 * time.Millisecond; time.Since(began) > at; at *= 2 {
		longest++
	}
	if n := int(accepted.Load()); n < 2 || n > longest {
		t.Errorf("%d dials within %v, want 2 to %d", n, time.Since(began), longest)
	}
}

// A server that is well gets all its connections at once, though none of them has proved itself when the next is dialled.
func TestConnectionsAreDialledInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var under, most atomic.Int32
		c := NewClient(ClientOptions{Connections: 3, Dial: func(context.Context, string) (net.Conn, error) {
			most.Store(max(most.Load(), under.Add(1)))
			time.Sleep(time.Millisecond)
			under.Add(-1)
			ours, _ := net.Pipe()
			return ours, nil
		}})
		defer c.Close()
		began := Nanotime()
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				if _, err := c.Endpoint("pipe:1").Connect(t.Context(), time.Second); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if took := time.Duration(Nanotime() - began); took != 3*time.Millisecond || most.Load() != 1 || c.Stats().Dials != 3 {
			t.Errorf("%v, %d at one time, %d dials; want 3 ms, 1 and 3", took, most.Load(), c.Stats().Dials)
		}
	})
}
