package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rmqbench/bench"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// preview prints what a run would do.
func preview(ctx context.Context, scenario *scenarios.Scenario, o bench.Options, s streams) error {
	planned, err := bench.Preview(ctx, scenario, o)
	if err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s: a dry run, nothing is sent\n", scenario.Name)
	if o.Share != nil && o.Share.Of > 1 {
		fmt.Fprintf(&text, "of all these messages shard %d of %d sends one in %d\n", o.Share.Index, o.Share.Of, o.Share.Of)
	}
	rounds := max(scenario.Repeat, 1)
	var length time.Duration
	for _, p := range planned {
		messages, stored, takes := "as many as are answered", "", "until the count is reached"
		if p.Bounded {
			messages = fmt.Sprintf("%s, %s of bodies", results.FormatCount(p.Messages, "message"), results.FormatBytes(int64(float64(p.Messages)*p.Body)))
			if !p.Embedded {
				stored = fmt.Sprintf(", about %s in commit logs, for each replica", results.FormatBytes(int64(float64(p.Messages)*p.Stored)))
			}
		}
		if p.Length > 0 {
			takes = p.Length.String()
			length += p.Length
		}
		fmt.Fprintf(&text, "  %s: %s%s; %s\n", results.Printable(p.Case), messages, stored, takes)
	}
	fmt.Fprintf(&text, "%s in %s, about %s with what is known of their lengths\n", results.FormatCount(len(planned), "case"), results.FormatCount(rounds, "round"), time.Duration(rounds)*length)
	_, err = fmt.Fprint(s.out, text.String())
	return err
}
