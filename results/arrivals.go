package results

import "fmt"

// ModeArrived is the mode of a case that a broker recorded: what came to it, by whomever it was sent. Such sends have no latency.
const ModeArrived = "arrived"

// Arrivals is what a broker saw of a topic's messages. The case's acknowledged are those that it stored; its elapsed time is from the
// first to the last.
type Arrivals struct {
	Gaps        *Latency `json:"gaps_ns"`       // between one message and the next; null for one alone
	StoredBytes int64    `json:"stored_bytes"`  // of the records: bodies, properties and what a commit log adds
	Duplicates  int64    `json:"duplicates"`    // messages whose producer's id had come already
	Remembered  int64    `json:"ids_looked_at"` // how many ids back a duplicate is found, at the least
}

// arrivalLines say of each topic what a broker recorded of it and no table has.
func arrivalLines(r *Run) []string {
	var lines []string
	for i := range r.Cases {
		c := &r.Cases[i]
		a := c.Arrivals
		if a == nil {
			continue
		}
		line := fmt.Sprintf("%s: %s messages arrived", Printable(c.Name), groupDigits(c.Acknowledged))
		if c.BodyBytes != nil {
			line += fmt.Sprintf(", %s of bodies, %s stored", FormatBytes(*c.BodyBytes), FormatBytes(a.StoredBytes))
		}
		if g := a.Gaps; g != nil {
			line += ", from one to the next"
			for _, p := range shown {
				if v := *p.of(g); v != nil {
					line += " " + p.label + " " + FormatDuration(*v)
				}
			}
			line += " max " + FormatDuration(g.Max)
		}
		lines = append(lines, fmt.Sprintf("%s; %s came twice", line, groupDigits(a.Duplicates)))
	}
	return lines
}
