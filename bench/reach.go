package bench

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"rmqbench/results"
	"rmqbench/scenarios"
)

// bodyBounds are the bytes of the smallest body that a send of the case has and of the largest, as compressible as the scenario
// makes them; a batch's is all of its messages'.
func (d *mould) bodyBounds(c *scenarios.Case) (least, most float64) {
	least = math.Inf(1)
	for i := range d.kinds {
		k := &d.kinds[i]
		for _, b := range k.bodies {
			n := float64(len(b))
			if over := c.Producer.CompressOver; c.Load.Mode != scenarios.Batch && over > 0 && len(b) >= int(over) {
				n *= 1 - k.compressible
			}
			least, most = min(least, n), max(most, n)
		}
	}
	n := float64(d.batchOf(&c.Load))
	return least * n, most * n
}

// takes refuses a case none of whose sends the brokers would take, because all are over what they say is the largest; where only
// some are, that is the warning.
func takes(brokers []results.Broker, c *scenarios.Case) (warning string, err error) {
	d, err := newMould(c)
	if err != nil {
		return "", err
	}
	least, most := d.bodyBounds(c)
	for i := range brokers {
		b := &brokers[i]
		limit, err := strconv.ParseInt(b.Settings["maxMessageSize"], 10, 64)
		if err != nil || c.Target.Brokers != nil && !slices.Contains(c.Target.Brokers, b.Name) || most <= float64(limit) {
			continue
		}
		if least > float64(limit) {
			return "", &DangerError{fmt.Sprintf("case %s: broker %s takes messages of up to %s (maxMessageSize), and none of these is smaller than %s: nothing would be stored; give a smaller -s",
				c.Name, b.Name, results.FormatBytes(limit), results.FormatBytes(int64(least)))}
		}
		warning = fmt.Sprintf("case %s: broker %s takes messages of up to %s (maxMessageSize), and some of these have up to %s: it will refuse them",
			c.Name, b.Name, results.FormatBytes(limit), results.FormatBytes(int64(most)))
	}
	return warning, nil
}

// tooFast warns of a rate that this machine didn't reach when it sent the same to a broker that does nothing; "": it did, or the case
// asks for none. Of a schedule that several send, of is how many they are.
func tooFast(c *scenarios.Case, cost *results.InstrumentCost, of int) string {
	asked := measuredRate(c).PerSecond() / float64(max(of, 1))
	if cost == nil || cost.MessagesPerSecond == nil || asked == 0 {
		return ""
	}
	enough := 0.95 * asked
	if c.Load.Arrivals == scenarios.Poisson { // by chance less falls due: three deviations
		enough -= 3 * math.Sqrt(asked/time.Duration(cost.DurationNS).Seconds())
	}
	reached := *cost.MessagesPerSecond
	if reached >= enough {
		return ""
	}
	return fmt.Sprintf("case %s asks for %s/s, and this machine sent %s/s of these to a broker that does nothing: it will be the limit, not the target",
		c.Name, results.FormatRate(asked), results.FormatRate(reached))
}
