package producer

import (
	"context"
	"time"
)

// suspectEvery is the least time between two looks at routes that sends have made suspect: name servers must not suffer
// from what brokers do. It is also how late the second of two changes may be seen (R-19 allows a second).
const suspectEvery = 500 * time.Millisecond

// suspect says that a send failed as it does when a queue is no longer where the route has it. The route is soon asked
// for again; the send does not wait for that.
func (r *routes) suspect(t *topicRoute) {
	if t.stale.Load() || t.stale.Swap(true) {
		return
	}
	select {
	case r.stale <- struct{}{}:
	default: // the look to come covers this topic too
	}
}

// mend asks again for the routes that sends have made suspect, until ctx ends. It has a goroutine of its own: a broker that
// does not answer holds heartbeats up, and must not hold up the news that it is gone.
func (in *instance) mend(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C: // first, so that looks are apart
		}
		select {
		case <-ctx.Done():
			return
		case <-in.routes.stale:
		}
		for name, t := range in.routes.topics.Range {
			if t.(*topicRoute).stale.Swap(false) {
				_ = in.routes.refresh(ctx, name.(string)) // without an answer the old one stays, to be suspected again
			}
		}
		in.beatSoon() // to brokers that are new
		pause.Reset(suspectEvery)
	}
}
