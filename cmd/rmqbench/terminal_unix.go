//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"io/fs"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// whenGone calls then when nobody is left to read what is written to a pipe or socket; of any other file it never does.
func whenGone(f *os.File, then func()) {
	if info, err := f.Stat(); err != nil || info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) == 0 {
		return
	}
	for {
		ready := []unix.PollFd{{Fd: int32(f.Fd())}} // errors and hang-ups are always told
		n, err := unix.Poll(ready, -1)
		if err == unix.EINTR {
			continue
		}
		if err == nil && n > 0 && ready[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 {
			then()
		}
		return
	}
}

// drawable reports whether escape sequences do on a terminal what they should.
func drawable(*os.File) bool { return os.Getenv("TERM") != "dumb" }

// keys hears single keys on a terminal, which echoes none of them meanwhile. Its signals stay: Ctrl-C is SIGINT. A raw mode would take
// them away, so that it isn't one.
type keys struct {
	fd    int
	was   unix.Termios
	wake  *os.File // closed: hear ends
	heard sync.WaitGroup
	once  sync.Once
}

// hearKeys calls on for each key that is typed, until close; nil where in is no terminal, or not ours because we are in the background.
func hearKeys(in *os.File, on func(key byte)) *keys {
	fd := int(in.Fd())
	was, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil
	}
	if group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err != nil || group != unix.Getpgrp() {
		return nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil
	}
	k := &keys{fd: fd, was: *was, wake: w}
	if k.set() != nil {
		_ = r.Close()
		_ = w.Close()
		return nil
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGCONT, syscall.SIGQUIT)
	over := make(chan struct{})
	k.heard.Go(func() {
		defer signal.Stop(signals)
		for {
			select {
			case s := <-signals:
				if s == syscall.SIGCONT { // the shell has set its own mode
					_ = k.set()
					continue
				}
				_ = unix.IoctlSetTermios(fd, setTermios, &k.was)
				signal.Reset(syscall.SIGQUIT)
				_ = unix.Kill(unix.Getpid(), unix.SIGQUIT)
			case <-over:
				return
			}
		}
	})
	k.heard.Go(func() {
		defer close(over)
		defer func() { _ = r.Close() }()
		k.hear(int(r.Fd()), on)
	})
	return k
}

// set has keys come one by one and unseen.
func (k *keys) set() error {
	now := k.was
	now.Lflag &^= unix.ICANON | unix.ECHO
	now.Cc[unix.VMIN], now.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(k.fd, setTermios, &now)
}

// hear reads keys as they come, until the other end of wake is closed or the terminal is gone.
func (k *keys) hear(wake int, on func(byte)) {
	for {
		ready := []unix.PollFd{{Fd: int32(k.fd), Events: unix.POLLIN}, {Fd: int32(wake), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, -1); err == unix.EINTR {
			continue
		} else if err != nil || ready[1].Revents != 0 || ready[0].Revents&unix.POLLIN == 0 {
			return
		}
		var key [16]byte
		n, err := unix.Read(k.fd, key[:])
		if err != nil || n == 0 {
			return
		}
		for _, b := range key[:n] {
			on(b)
		}
	}
}

// restore gives the terminal back as it was. It may be called at any time, by anybody.
func (k *keys) restore() {
	if k != nil {
		_ = unix.IoctlSetTermios(k.fd, setTermios, &k.was)
	}
}

// close ends the hearing, and restores the terminal.
func (k *keys) close() {
	if k == nil {
		return
	}
	k.once.Do(func() {
		_ = k.wake.Close()
		k.heard.Wait()
		k.restore()
	})
}
