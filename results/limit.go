package results

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// LimitClues is what is known of the brokers while a case broke; the zero value is nothing.
type LimitClues struct {
	Failed  map[string]int64           // sends to each broker that it refused, or that ended ambiguous or failed
	Said    []BrokerPoint              // of themselves, one interval after the other
	Setting func(reason string) string // the broker's setting that governs why it is busy ("[OVERLOAD]", or ""), or ""; nil knows none
}

// standsOut is how many times the next one a broker must have to stand out.
const standsOut = 2

// guilty is the broker that most of the failures were of, if one stands out among several; "" otherwise.
func (k *LimitClues) guilty(c *Case) string {
	if len(c.Brokers) < 2 {
		return ""
	}
	worst, most, next := "", int64(0), int64(0)
	for _, name := range slices.Sorted(maps.Keys(k.Failed)) {
		switch n := k.Failed[name]; {
		case n > most:
			worst, most, next = name, n, most
		case n > next:
			next = n
		}
	}
	if most < standsOut*next {
		return ""
	}
	return worst
}

// crowded is the broker at which most sends waited for a send thread whenever it was asked, or every other time, and how many on average;
// "" where none did, where nobody knows, or where another had over half as many.
func (k *LimitClues) crowded() (name string, waiting float64) {
	const least = 3 // answers, for fewer are a moment's
	type queue struct{ asked, busy, sum int64 }
	queues := map[string]queue{}
	for _, p := range k.Said {
		if p.SendQueue == nil {
			continue
		}
		q := queues[p.Broker]
		q.asked, q.sum = q.asked+1, q.sum+*p.SendQueue
		if *p.SendQueue > 0 {
			q.busy++
		}
		queues[p.Broker] = q
	}
	for _, broker := range slices.Sorted(maps.Keys(queues)) {
		q := queues[broker]
		if mean := float64(q.sum) / float64(q.asked); q.asked >= least && 2*q.busy >= q.asked && mean >= 1 && mean > waiting {
			name, waiting = broker, mean
		}
	}
	for broker, q := range queues {
		if mean := float64(q.sum) / float64(q.asked); broker != name && standsOut*mean > waiting {
			return "", 0
		}
	}
	return name, waiting
}

// sendThreads is how many threads a broker has for sends, in its own words; "" where it doesn't say.
func (t *Target) sendThreads(broker string) string {
	for i := range t.Brokers {
		if b := &t.Brokers[i]; b.Name == broker {
			return b.Settings[sendThreadsKey]
		}
	}
	return ""
}

// sendThreadsKey is the setting of how many sends a broker serves at once.
const sendThreadsKey = "sendMessageThreadPoolNums"

// LimitOf names what broke in c, next to quiet, the case at the lowest rate; nil: there is none.
func LimitOf(t *Target, c, quiet *Case, clues LimitClues) *CapacityLimit {
	who, on := "the broker", ""
	if t.Proxy { // which may be busy itself, by settings of its own
		who, clues = "the proxy or a broker behind it", LimitClues{}
	}
	cause, most := "", int64(0)
	for _, name := range slices.Sorted(maps.Keys(c.Errors)) {
		if n := c.Errors[name]; n > most {
			cause, most = name, n
		}
	}
	if reason, busy := strings.CutPrefix(cause, "SYSTEM_BUSY"); busy {
		reason = strings.TrimSpace(reason)
		l := &CapacityLimit{Kind: "broker_busy", Broker: clues.guilty(c)}
		if l.Broker != "" {
			who, on = l.Broker, " on "+l.Broker
		}
		l.Text = strings.TrimSpace(who + " is busy " + reason)
		if clues.Setting != nil {
			l.Setting = clues.Setting(reason)
		}
		if l.Setting != "" {
			l.Text = l.Setting + on + " (" + l.Text + ")"
		}
		return l
	}
	if c.ErrorShare() > 0.01 && cause != "" {
		l := &CapacityLimit{Kind: "errors", Text: "errors, most of them: " + cause, Broker: clues.guilty(c)}
		if l.Broker != "" {
			l.Text = "errors of " + l.Broker + ", most of them: " + cause
		}
		return l
	}
	l := &CapacityLimit{Kind: "queueing", Text: "queueing"}
	if c.Service == nil {
		return l
	}
	mean := c.Service.Mean
	// The shortest, for the smoothed one has the broker in it. One longer than a send took is no part of it.
	if trip := c.network(); trip != nil && *trip > mean/2 && *trip <= mean {
		return &CapacityLimit{Kind: "network", Text: fmt.Sprintf("the network, whose round trip of %s is most of a send's %s",
			FormatDuration(*trip), FormatDuration(mean))}
	}
	if l.queueAt(t, clues); l.Broker != "" {
		if quiet != nil && quiet.Service != nil {
			l.Text += fmt.Sprintf(": a send takes %s on average, %s without the queue", FormatDuration(mean), FormatDuration(quiet.Service.Mean))
		}
		return l
	}
	if quiet != nil && quiet.Service != nil {
		l.Text += fmt.Sprintf(" at %s: a send takes %s there on average, %s without the queue", who, FormatDuration(mean), FormatDuration(quiet.Service.Mean))
	}
	return l
}

// queueAt names the broker whose send threads were all busy, and the setting of how many there are.
func (l *CapacityLimit) queueAt(t *Target, clues LimitClues) {
	name, waiting := clues.crowded()
	if name == "" {
		return
	}
	l.Broker = name
	sends := groupDigits(int64(math.Round(waiting))) + " sends waited"
	l.Text = fmt.Sprintf("queueing at %s, where %s on average", name, sends)
	if threads := t.sendThreads(name); threads != "" {
		l.Setting = sendThreadsKey
		l.Text = fmt.Sprintf("%s on %s (%s, for which %s on average)", sendThreadsKey, name, threads, sends)
	}
}
