package results

import (
	"fmt"
	"time"
)

// What changes in a topic's route while a case runs.
const (
	MasterMoved = "master_moved" // From, To: its addresses; "" while there is none
	BrokerGone  = "broker_gone"
	BrokerAdded = "broker_added"
	QueuesGone  = "queues_gone" // Queues fewer may be written to
	QueuesNew   = "queues_new"
)

// RouteChange is a change that the name servers told of, seen up to a second after it was there.
type RouteChange struct {
	Case          string    `json:"case"`
	Round         int       `json:"round,omitempty"`
	What          string    `json:"what"`
	Topic         string    `json:"topic,omitempty"` // of several, whose route it is
	Broker        string    `json:"broker"`
	At            time.Time `json:"at"`
	StartOffsetNS int64     `json:"start_offset_ns"` // monotonic, since the run's start
	From          string    `json:"from,omitempty"`
	To            string    `json:"to,omitempty"`
	Queues        int       `json:"queues,omitempty"`
}

// words say what changed.
func (c *RouteChange) words() string {
	broker := Printable(c.Broker)
	if c.Topic != "" {
		broker += " of topic " + Printable(c.Topic)
	}
	switch c.What {
	case MasterMoved:
		switch {
		case c.To == "":
			return broker + " has no master"
		case c.From == "":
			return broker + " has a master again, " + Printable(c.To)
		}
		return fmt.Sprintf("%s: master moved from %s to %s", broker, Printable(c.From), Printable(c.To))
	case BrokerGone:
		return broker + " is gone"
	case BrokerAdded:
		return broker + " was added"
	case QueuesGone:
		return broker + ": " + FormatCount(c.Queues, "queue") + " fewer"
	}
	return broker + ": " + FormatCount(c.Queues, "queue") + " more"
}

// mostEvents is about how many lines tell of route changes.
const mostEvents = 10

// eventLines tell of route changes, of those that are alike together.
func eventLines(r *Run) []string {
	clock := func(at time.Time) string { return at.UTC().Format("15:04:05.000Z") }
	var lines []string
	told := 0
	for _, alike := range inOrder(r.RouteChanges, (*RouteChange).words) {
		if len(lines) >= mostEvents {
			break
		}
		if told += len(alike); len(alike) >= foldFrom {
			lines = append(lines, fmt.Sprintf("route, %d times, first in %s at %s: %s", len(alike), Printable(alike[0].Case), clock(alike[0].At), alike[0].words()))
			continue
		}
		for _, c := range alike {
			lines = append(lines, fmt.Sprintf("%s: route at %s: %s", Printable(c.Case), clock(c.At), c.words()))
		}
	}
	if more := len(r.RouteChanges) - told; more > 0 {
		lines = append(lines, FormatCount(more, "more route change"))
	}
	return lines
}

// sameSighting is how far apart shares may see the same change of a route: each asks every second, by a clock of its own.
const sameSighting = 5 * time.Second

// foldChanges adds the changes that another share saw to those that are known. One that is known already, seen at about the same time,
// is the same, and stands at its earliest; what one share saw twice stays twice.
func foldChanges(known, seen []RouteChange) []RouteChange {
	folded := make([]bool, len(known)) // into which one of seen has gone
	for _, c := range seen {
		at := -1
		for i := range folded {
			k := known[i]
			away := k.At.Sub(c.At).Abs()
			if k.At, k.StartOffsetNS = c.At, c.StartOffsetNS; k == c && away <= sameSighting && !folded[i] {
				at = i
				break
			}
		}
		if at < 0 {
			known = append(known, c)
			continue
		}
		folded[at] = true
		if c.At.Before(known[at].At) {
			known[at] = c
		}
	}
	return known
}
