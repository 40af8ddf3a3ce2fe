package main

import (
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"rmqbench/remoting"
)

// waiting is how many sends are under way when a fault comes.
const waiting = 10

// silent takes a send and says nothing.
func silent(net.Conn, *remoting.Head) {}

// dead: the broker ends the connection once all sends are there.
func dead(open opener) (string, bool, error) {
	var arrived atomic.Int64
	var all sync.Once
	var ended atomic.Int64 // unix nanoseconds
	s, err := newStage(func(nc net.Conn, h *remoting.Head) {
		if arrived.Add(1) > waiting { // the first is answered
			all.Do(func() {
				ended.Store(time.Now().UnixNano())
				nc.Close()
			})
		} else if arrived.Load() == 1 {
			_ = stored(nc, h)
		}
	})
	if err != nil {
		return "", false, err
	}
	c, err := open(s.names)
	if err != nil {
		return "", false, err
	}
	if err := c.send("b0"); err != nil {
		return "", false, err
	}
	var wait sync.WaitGroup
	for range waiting {
		wait.Go(func() { _ = c.send("b0") })
	}
	wait.Wait()
	took := time.Since(time.Unix(0, ended.Load()))
	return "the last one ended " + short(took) + " later", ended.Load() != 0 && took < sendTimeout/3, nil
}

// negative: the first answer is a frame of length −1.
func negative(open opener) (string, bool, error) {
	var first atomic.Bool
	s, err := newStage(func(nc net.Conn, h *remoting.Head) {
		if first.CompareAndSwap(false, true) {
			_, _ = nc.Write([]byte{0xff, 0xff, 0xff, 0xff})
			return
		}
		_ = stored(nc, h)
	})
	if err != nil {
		return "", false, err
	}
	c, err := open(s.names)
	if err != nil {
		return "", false, err
	}
	_ = c.send("b0")
	time.Sleep(time.Second) // a server that answers nonsense isn't dialled again at once
	next := c.send("b0")
	conns, ended := s.brokers[0].conns.Load(), s.brokers[0].ended.Load()
	socket := "the socket stays open"
	if ended > 0 {
		socket = "the socket is closed"
	}
	after := "the next send is stored"
	if next != nil {
		after = fmt.Sprintf("the next send: %v", next)
	}
	return fmt.Sprintf("%s; %s, over connection %d", socket, after, conns), ended > 0 && next == nil, nil
}

// huge: an answer's first four bytes say 2 GiB − 1.
func huge(open opener) (string, bool, error) {
	s, err := newStage(func(nc net.Conn, _ *remoting.Head) { _, _ = nc.Write([]byte{0x7f, 0xff, 0xff, 0xff}) })
	if err != nil {
		return "", false, err
	}
	c, err := open(s.names)
	if err != nil {
		return "", false, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_ = c.send("b0")
	runtime.ReadMemStats(&after)
	grown := after.TotalAlloc - before.TotalAlloc
	return fmt.Sprintf("%.1f MiB were allocated", float64(grown)/(1<<20)), grown < 1<<20, nil
}

// blackhole: sends to b1, which no connection can be made to, begin; then sends to b0, one after another.
func blackhole(open opener) (string, bool, error) {
	s, err := newStage(nil)
	if err != nil {
		return "", false, err
	}
	hole, err := deaf()
	if err != nil {
		return "", false, err
	}
	s.brokers = append(s.brokers, &broker{addr: hole})
	c, err := open(s.names)
	if err != nil {
		return "", false, err
	}
	if err := c.send("b0"); err != nil { // it is connected before the other is asked
		return "", false, err
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() { _ = c.send("b1") })
	}
	time.Sleep(200 * time.Millisecond)
	slowest, failed := time.Duration(0), 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		began := time.Now()
		if err := c.send("b0"); err != nil {
			failed++
		}
		slowest = max(slowest, time.Since(began))
	}
	wait.Wait()
	return fmt.Sprintf("the slowest send to the healthy one took %s, %d failed", short(slowest), failed), failed == 0 && slowest < 500*time.Millisecond, nil
}

// shutdown: the broker answers nothing.
func shutdown(open opener) (string, bool, error) {
	s, err := newStage(silent)
	if err != nil {
		return "", false, err
	}
	c, err := open(s.names)
	if err != nil {
		return "", false, err
	}
	var called atomic.Int64
	for range waiting {
		if err := c.sendAsync("b0", func(error) { called.Add(1) }); err != nil {
			return "", false, err
		}
	}
	time.Sleep(200 * time.Millisecond) // they are under way
	began := time.Now()
	if err := c.close(); err != nil {
		return "", false, err
	}
	took := time.Since(began)
	time.Sleep(500 * time.Millisecond)
	n := called.Load()
	return fmt.Sprintf("Shutdown returned after %s; %d of %d were called back within 0.5 s more", short(took), n, waiting), n == waiting, nil
}
