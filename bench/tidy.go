package bench

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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

// tidy deletes what the run created and was not to keep, an interrupted run's too, and has the record name what is still there.
func (r *runner) tidy(ctx context.Context) {
	ctx, done := r.patience(ctx)
	defer done()
	seen := map[*target]bool{}
	for _, t := range r.targets {
		if t == nil || seen[t] || len(t.made) == 0 {
			continue
		}
		seen[t] = true
		stay := t.tidy(ctx, r.Tell, r.Warn)
		if len(stay) > 0 && !slices.ContainsFunc(t.record.Brokers, func(b results.Broker) bool { return b.Embedded }) { // what one holds goes with its process
			r.run.Leftover = cmp.Or(r.run.Leftover, &results.Leftover{})
			r.run.Leftover.Topics = append(r.run.Leftover.Topics, stay...)
		}
	}
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
				warn(fmt.Sprintf("topic %s, which this run created, was not deleted: %v", m.name, err))
			}
			continue
		}
		if tell != nil {
			tell(fmt.Sprintf("topic %s, which this run created, is deleted", m.name))
		}
	}
	return stay
}
