package main

import (
	"fmt"

	"rmqbench/bench"
	"rmqbench/results"
)

// quickLines are the lines that quick prints before its table; nil for another run, or where a case is missing. The last two are of
// what was done to embedded brokers.
func quickLines(report *bench.Report) []string {
	if report.Run.Name != defaultScenario {
		return nil
	}
	byName := map[string]*results.Case{}
	for i := range report.Run.Cases {
		byName[report.Run.Cases[i].Name] = &report.Run.Cases[i]
	}
	sync, async, oneway, stall := byName["sync 64"], byName["async 1024"], byName["oneway"], byName["stall"]
	turns, avoiding := byName["round robin"], byName["avoiding"]
	for _, c := range []*results.Case{sync, async, oneway, stall, turns, avoiding} {
		if c == nil || c.Attempted == 0 {
			return nil
		}
	}
	lines := []string{
		fmt.Sprintf("1 speed   sync 64 %s p99 %s   async 1024 %s p99 %s   oneway %s", rate(sync), p99(sync), rate(async), p99(async), rate(oneway)),
	}
	if len(stall.Events) == 0 { // the brokers are somebody's, to whom nothing was done
		return lines
	}
	return append(lines,
		fmt.Sprintf("2 truth   1,000/s, broker stalls once for 0.5 s:  timed from the call p99 %s · from when it was due p99 %s",
			quantile(report, stall, "service"), quantile(report, stall, "response")),
		fmt.Sprintf("3 queues  3 brokers, one slow for 3 s:  round_robin p99 %s · avoiding p99 %s, left it after %s",
			quantile(report, turns, "response"), quantile(report, avoiding, "response"), orDash(avoiding.LeftAfter())))
}

func rate(c *results.Case) string {
	if c.MessagesPerSecond == nil {
		return orDash(nil)
	}
	return results.FormatRate(*c.MessagesPerSecond) + "/s"
}

func p99(c *results.Case) string {
	if c.Response == nil {
		return orDash(nil)
	}
	return orDash(c.Response.P99)
}

// orDash is a duration in ns; nil: it is not known.
func orDash(ns *int64) string {
	if ns == nil {
		return "—"
	}
	return results.FormatDuration(*ns)
}

// quantile is the p99 of the stall's 5,000 sends, or of the 3,400 past the slow broker. The record leaves them out, since 10,000 would be
// needed to claim a server's p99; here the faults are ours and what they do to the distribution is known, so the sample's own p99 is the point.
func quantile(report *bench.Report, c *results.Case, metric string) string {
	h := report.Histogram(c.Name, metric)
	if h == nil || h.Count() == 0 {
		return orDash(nil)
	}
	return results.FormatDuration(h.Quantile(0.99))
}
