package producer

import (
	"context"
	"sync"
	"time"

	"rmqbench/remoting"
)

// start begins to ask brokers that could not be reached whether they can be, if that is wanted. Nil has nothing to do.
func (a *avoider) start(in *instance) {
	if a == nil || a.how.Detect <= 0 {
		return
	}
	var ctx context.Context
	ctx, a.stop = context.WithCancel(context.Background())
	a.work.Go(func() {
		every := time.NewTicker(a.how.Detect)
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
				a.detect(ctx, in)
			}
		}
	})
}

// close ends that.
func (a *avoider) close() {
	if a != nil {
		a.stop()
		a.work.Wait()
	}
}

// detect asks each of them once, all at one time, and forgets those that have left every route
// (LatencyFaultToleranceImpl.detectByOneRound).
func (a *avoider) detect(ctx context.Context, in *instance) {
	var masters map[string]string
	var asked sync.WaitGroup
	for broker, x := range a.now.Load().of {
		if x.reachable {
			continue
		}
		if masters == nil {
			masters = in.routes.masters()
		}
		addr := masters[broker]
		asked.Go(func() {
			if addr == "" || in.reaches(ctx, addr, a.how.DetectTimeout) {
				a.reached(broker, addr == "", remoting.Nanotime())
			}
		})
	}
	asked.Wait()
}

// reaches says whether the broker answers a small question in time: how far the first queue of some topic reaches
// (the ServiceDetector of DefaultMQProducerImpl.java, 5.4.0, takes any topic too).
func (in *instance) reaches(ctx context.Context, addr string, timeout time.Duration) bool {
	names := in.routes.names()
	if len(names) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_, err := in.admin.MaxOffset(ctx, addr, names[0], 0)
	return err == nil
}
