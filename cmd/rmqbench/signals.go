package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// lastResort is how long a run that was told to end at once may take for it, report and all.
const lastResort = 5 * time.Second

// onSignals gives the context of the whole command, and a channel that is closed when it is to end at once.
//
//	SIGINT                                   ctx ends: no new load, a bounded drain, the report
//	SIGINT again, SIGTERM, SIGHUP, a reader  hurry is closed too: no drain, the report of what there is
//	of our output that has gone
//	any of them after that, or lastResort    the process ends, the terminal as it was
func onSignals(end func()) (ctx context.Context, hurry <-chan struct{}) {
	signal.Ignore(syscall.SIGPIPE) // writes fail instead, and what was measured is still written where it can be
	ctx, stop := context.WithCancel(context.Background())
	hurried := make(chan struct{})
	now := sync.OnceFunc(func() {
		stop()
		close(hurried)
		time.AfterFunc(lastResort, end)
	})
	got := make(chan os.Signal, 3)
	signal.Notify(got, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		for s := range got {
			select {
			case <-hurried:
				end()
			case <-ctx.Done():
				now()
			default:
				if s == os.Interrupt {
					stop()
				} else {
					now()
				}
			}
		}
	}()
	go whenGone(os.Stdout, now)
	return ctx, hurried
}
