package results

import (
	"fmt"
	"maps"
	"math"
)

// BreakEven is what compressing took and saved in a case, against the same case uncompressed.
type BreakEven struct {
	Case       string
	CostNS     int64   // a message, more than without it; means of the time before a queue is chosen
	SavedBytes float64 // a message, on the wire
	// BitsPerSecond is the network's rate at which what is saved takes as long as the compressing: on a slower one it pays. It is
	// for each CPU that compresses. 0: nothing was saved, it never pays; +Inf: it took no time, it always does.
	BitsPerSecond float64
}

// BreakEvens holds each of the run's cases that compress to the one that has the same parameters and doesn't. A case of which
// either isn't known, or that has no such other, is left out.
func BreakEvens(r *Run) []BreakEven {
	var all []BreakEven
	for i := range r.Cases {
		with := &r.Cases[i]
		if over := with.Params[compressOver]; over == "" || over == never {
			continue
		}
		for j := range r.Cases {
			without := &r.Cases[j]
			if without.Params[compressOver] != never || without.Round != with.Round || !maps.Equal(rest(with.Params), rest(without.Params)) {
				continue
			}
			if b, ok := breakEven(with, without); ok {
				all = append(all, b)
			}
			break
		}
	}
	return all
}

// leastSaved is the share of the bodies that must be saved to count: less is heartbeats and the like.
const leastSaved = 0.01

// The parameters of compressing, as a scenario has them.
const (
	compressOver = "producer.compress_over"
	compressKind = "producer.compress"
	never        = "off"
)

// rest are the parameters that have nothing to do with compressing.
func rest(params map[string]string) map[string]string {
	others := maps.Clone(params)
	delete(others, compressOver)
	delete(others, compressKind)
	return others
}

func breakEven(with, without *Case) (BreakEven, bool) {
	if with.Anatomy == nil || without.Anatomy == nil {
		return BreakEven{}, false
	}
	// What a message takes on the wire beyond its body: where bodies differ in size, no two cases had quite the same.
	beyond := func(c *Case) (bytes, body float64, ok bool) {
		if c.Transport == nil || c.BodyBytes == nil || c.Successes() == 0 {
			return 0, 0, false
		}
		sent := float64(c.Successes())
		body = float64(*c.BodyBytes) / sent
		return float64(c.Transport.BytesOut)/sent - body, body, true
	}
	less, body, known := beyond(with)
	more, _, alsoKnown := beyond(without)
	if !known || !alsoKnown {
		return BreakEven{}, false
	}
	b := BreakEven{Case: with.Name, CostNS: with.Anatomy.Compress.Mean - without.Anatomy.Compress.Mean, SavedBytes: more - less}
	switch {
	case b.SavedBytes < leastSaved*body:
	case b.CostNS <= 0:
		b.BitsPerSecond = math.Inf(1)
	default:
		b.BitsPerSecond = b.SavedBytes * 8 / float64(b.CostNS) * 1e9
	}
	return b, true
}

// compressionLines say when compressing pays.
func compressionLines(r *Run) []string {
	var lines []string
	for _, b := range BreakEvens(r) {
		line := fmt.Sprintf("compressing, %s: ", Printable(b.Case))
		switch {
		case b.BitsPerSecond == 0:
			line += fmt.Sprintf("%s more a message and nothing saved: it never pays", FormatDuration(max(b.CostNS, 0)))
		case math.IsInf(b.BitsPerSecond, 1):
			line += fmt.Sprintf("%s saved a message in no time that could be seen: it always pays", FormatBytes(int64(b.SavedBytes)))
		default:
			line += fmt.Sprintf("%s more and %s less a message: it pays where the network gives each CPU that compresses under %sbit/s",
				FormatDuration(b.CostNS), FormatBytes(int64(b.SavedBytes)), spaced(FormatRate(b.BitsPerSecond)))
		}
		lines = append(lines, line)
	}
	return lines
}

// spaced puts a space between a number and its prefix: 1.05G as 1.05 G.
func spaced(rate string) string {
	if last := len(rate) - 1; rate[last] > '9' {
		return rate[:last] + " " + rate[last:]
	}
	return rate + " "
}
