package results

import "fmt"

// remarkLines says of each case what must be known to read its numbers and is no fault.
func remarkLines(r *Run) []string {
	var lines []string
	for i := range r.Cases {
		c := &r.Cases[i]
		remark := func(format string, args ...any) {
			lines = append(lines, Printable(c.Name)+": "+fmt.Sprintf(format, args...))
		}
		if d := c.Delayed; d != nil {
			remark("about %s fire until %s (by RocketMQ's own delay levels)", FormatCount(d.Messages, "delayed message"), d.Until.UTC().Format("15:04:05Z"))
		}
		if t := c.Transactions; t != nil {
			remark("of the transactions %s were committed, %s rolled back, and %s ended as the broker asked for it", groupDigits(t.Committed), groupDigits(t.RolledBack), groupDigits(t.CheckedBack))
			if t.Open > 0 {
				remark("%s transactions have no end: no broker asked for it while the run waited, and nobody can say it any more", groupDigits(t.Open))
			}
		}
		if t := c.Transactions; t != nil && t.AskedAgain > 0 {
			remark("brokers asked %s about commits that they had been told or were being told: some of these messages may be stored twice", FormatCount(t.AskedAgain, "time"))
		}
		if a := c.Replier; a != nil {
			remark("rmqbench itself replied, from this process: %s replies, of which %s could not be passed on", groupDigits(a.Pulled), groupDigits(a.Unreplied))
			if a.Fault != "" {
				remark("the first fault of the replier: %s", Printable(a.Fault))
			}
		}
	}
	return lines
}
