package nemesis

import (
	"context"
	"errors"
	"sync"
	"time"

	"rmqbench/producer"
)

// Stage is what makes the faults of brokers, and undoes them.
type Stage interface {
	Begin(f Fault) error
	End(f Fault) error
	Addr(broker int) string // host:port that the producer dials
}

// Run is one load under one schedule.
type Run struct {
	Load
	Schedule []Fault
	Stage    Stage
	Relay    *Relay // the producer's Dial is its
	Producer *producer.Producer
	Listener *Listener     // the producer's
	Cluster  Cluster       // to read back from
	Settle   time.Duration // how long what was acknowledged may take to be seen: a broker has to ask, or to come back
}

// Do sends, has the faults happen meanwhile, ends them, reads everything back and checks it.
func (r *Run) Do(ctx context.Context) (Report, error) {
	r.Listener.Current.Store(r.History)
	from, err := r.Cluster.Ends(ctx)
	if err != nil {
		return Report{}, err
	}
	began := time.Now()
	var faults sync.WaitGroup
	failures := make([]error, len(r.Schedule))
	for i, f := range r.Schedule {
		faults.Go(func() {
			time.Sleep(time.Until(began.Add(f.At)))
			err := r.begin(f)
			time.Sleep(time.Until(began.Add(f.At + f.For)))
			failures[i] = errors.Join(err, r.end(f))
		})
	}
	r.Load.Run(ctx, r.Producer, 30*time.Second)
	faults.Wait()
	if err := errors.Join(failures...); err != nil {
		return Report{}, err
	}
	return r.settle(ctx, from)
}

// settle reads until nothing that was acknowledged is missing and nothing more comes, or the time is up.
func (r *Run) settle(ctx context.Context, from map[Place]int64) (Report, error) {
	last := -1
	for deadline := time.Now().Add(r.Settle); ; time.Sleep(100 * time.Millisecond) {
		stored, err := r.Cluster.Read(ctx, from, r.History)
		if err != nil && !errors.Is(err, errDropped) && time.Now().Before(deadline) {
			continue // a broker that was away may refuse at first
		}
		if err != nil {
			return Report{}, err
		}
		report := Check(r.History.Sent(), stored, from)
		if report.Lost == 0 && len(stored) == last || time.Now().After(deadline) {
			return report, nil
		}
		last = len(stored)
	}
}

func (r *Run) begin(f Fault) error {
	if f.Kind.onWire() {
		r.Relay.Begin(f, r.Stage.Addr(f.Broker))
		return nil
	}
	return r.Stage.Begin(f)
}

func (r *Run) end(f Fault) error {
	if f.Kind.onWire() {
		r.Relay.End(f, r.Stage.Addr(f.Broker))
		return nil
	}
	return r.Stage.End(f)
}
