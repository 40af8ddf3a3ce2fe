package bench

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	"rmqbench/scenarios"
)

// capSlack is how much of what a cap allows may be made up for at once, after workers woke late.
const capSlack = 10 * time.Millisecond

// throttle caps a closed loop. It lets senders pass and schedules nothing: sends are due when they are called.
type throttle struct {
	limiter *rate.Limiter
	ctx     context.Context // ends when no send may begin any more; its deadline is the last stage's end
	end     context.CancelFunc
}

func newThrottle(ctx context.Context, at scenarios.Rate, length time.Duration) *throttle {
	perSecond := at.PerSecond()
	t := &throttle{limiter: rate.NewLimiter(rate.Limit(perSecond), max(int(perSecond*capSlack.Seconds()), 1))}
	t.ctx, t.end = context.WithTimeout(ctx, length)
	return t
}

// pass waits for leave to send; false: there is none before the end. A nil throttle always gives leave.
func (t *throttle) pass() bool { return t == nil || t.limiter.Wait(t.ctx) == nil }

// close ends every wait.
func (t *throttle) close() {
	if t != nil {
		t.end()
	}
}
