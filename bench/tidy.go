package bench

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/results"
)

// madeTopic is a topic that this run created on somebody's cluster.
type madeTopic struct {
	name string
	keep bool // the scenario has it stay
}

// tidyFor bounds the deletion of a cluster's topics.
const tidyFor = 15 * time.Second

// madeAny reports whether the run created a topic on t, and has not tidied it yet.
func (t *target) madeAny() bool { return t != nil && len(t.made) > 0 }

// tidy deletes what the run created and was not to keep, an interrupted run's too, and has the record name what is still there.
func (r *runner) tidy(ctx context.Context) {
	r.tidied(ctx, func(_ *target, stay []string) {
		r.run.Leftover = cmp.Or(r.run.Leftover, &results.Leftover{})
		r.run.Leftover.Topics = append(r.run.Leftover.Topics, stay...)
	})
}

// giveUp is tidy for a run that ends without a record: what was to stay is told.
func (r *runner) giveUp(ctx context.Context) {
	r.tidied(ctx, func(t *target, stay []string) {
		for _, topic := range stay {
			if r.Warn != nil {
				r.Warn(fmt.Sprintf("topic %s, which this run created, is still there; %s", topic, t.deletion(topic)))
			}
		}
	})
}

// tidied deletes what is to go, once, and hands over what stays where it outlives the run.
func (r *runner) tidied(ctx context.Context, stays func(t *target, topics []string)) {
	ctx, done := r.patience(ctx)
	defer done()
	for _, t := range r.targets {
		if !t.madeAny() {
			continue
		}
		stay := t.tidy(ctx, r.Tell, r.Warn)
		t.made = nil
		if len(stay) > 0 && !t.record.AnyEmbedded() { // what one holds goes with its process
			stays(t, stay)
		}
	}
}

// deletion is what the user can do about a topic that stays.
func (t *target) deletion(topic string) string {
	line := "delete it with: rmqbench topic delete " + topic + " -n " + strings.Join(t.nameServers, ",") + " -c " + t.record.Cluster
	if !strings.HasPrefix(topic, ownTopics) {
		line += " --yes-delete " + topic
	}
	return line
}

// tidy returns the topics that stay.
func (t *target) tidy(ctx context.Context, tell, warn func(string)) (stay []string) {
	ctx, cancel := context.WithTimeoutCause(ctx, tidyFor, remoting.ErrTimeout)
	defer cancel()
	client := t.security.client(remoting.ClientOptions{})
	defer client.Close()
	admin := producer.NewAdmin(client, t.nameServers)
	for _, m := range t.made {
		if m.keep {
			stay = append(stay, m.name)
			continue
		}
		if _, err := admin.DeleteTopic(ctx, m.name, t.record.Cluster); err != nil {
			if stay = append(stay, m.name); warn != nil {
				warn(fmt.Sprintf("topic %s, which this run created, was not deleted: %v; %s", m.name, err, t.deletion(m.name)))
			}
			continue
		}
		if tell != nil {
			tell(fmt.Sprintf("topic %s, which this run created, is deleted", m.name))
		}
	}
	return stay
}
