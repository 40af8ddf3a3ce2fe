package results

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// LimitOf names what broke in c, next to quiet, the case at the lowest rate; nil: there is none. setting knows the broker's setting that
// governs why it is busy ("[OVERLOAD]", or ""), or ""; nil knows none.
func LimitOf(t *Target, c, quiet *Case, setting func(reason string) string) *CapacityLimit {
	who := "the broker"
	if t.Proxy { // which may be busy itself, by settings of its own
		who, setting = "the proxy or a broker behind it", nil
	}
	cause, most := "", int64(0)
	for _, name := range slices.Sorted(maps.Keys(c.Errors)) {
		if n := c.Errors[name]; n > most {
			cause, most = name, n
		}
	}
	if reason, busy := strings.CutPrefix(cause, "SYSTEM_BUSY"); busy {
		reason = strings.TrimSpace(reason)
		l := &CapacityLimit{Kind: "broker_busy", Text: strings.TrimSpace(who + " is busy " + reason)}
		if setting != nil {
			l.Setting = setting(reason)
		}
		if l.Setting != "" {
			l.Text = l.Setting + " (" + l.Text + ")"
		}
		return l
	}
	if c.ErrorShare() > 0.01 && cause != "" {
		return &CapacityLimit{Kind: "errors", Text: "errors, most of them: " + cause}
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
	if quiet != nil && quiet.Service != nil {
		l.Text += fmt.Sprintf(" at %s: a send takes %s there on average, %s without the queue", who, FormatDuration(mean), FormatDuration(quiet.Service.Mean))
	}
	return l
}
