package results

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// stagedCase is a case of two stages and a warm-up in which everything adds up.
func stagedCase() Case {
	first := closedCase("", "sync", 10_000, time.Millisecond, 2*time.Millisecond).Measured
	second := closedCase("", "sync", 30_000, time.Millisecond, 3*time.Millisecond).Measured
	second.Offered, second.Attempted = 30_010, 30_006
	second.Dropped, second.Refused, second.Ambiguous, second.Failed, second.Weak = 4, 1, 2, 2, 1
	second.Statuses = map[string]int64{"SEND_OK": 30_000, "FLUSH_DISK_TIMEOUT": 1}
	second.Errors = map[string]int64{"SYSTEM_BUSY": 1, "timeout": 2, "connection refused": 2}
	c := closedCase("staged", "sync", 40_000, time.Millisecond, 3*time.Millisecond)
	c.Counts = second.Counts
	c.Offered, c.Attempted, c.Acknowledged = 40_010, 40_006, 40_000
	c.Statuses = map[string]int64{"SEND_OK": 40_000, "FLUSH_DISK_TIMEOUT": 1}
	c.BodyBytes, c.BodyBytesEach = new(int64(5_120_000)), new(int64(128))
	c.Generator.InFlightIntegralNS, c.Generator.CallTimeSumNS = new(int64(1_000_000)), new(int64(980_000))
	c.Warmup = &Stage{Measured: closedCase("", "sync", 500, time.Millisecond, 9*time.Millisecond).Measured}
	c.Stages = []Stage{{Measured: first}, {Measured: second}}
	return c
}

func TestBreaches(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Case)
		want   []string // codes without "conservation.", in order
		text   string
	}{
		"none":                       {func(c *Case) {}, nil, ""},
		"offered":                    {func(c *Case) { c.Offered++; c.Stages[0].Offered++; c.Stages[0].Dropped++; c.Dropped++; c.Dropped++ }, []string{"offered", "stages"}, "offered 40011 ≠ attempted 40006 + dropped 6"},
		"outcomes":                   {func(c *Case) { c.Warmup.Failed++ }, []string{"attempted"}, "warm-up: attempted 500 ≠ sum of the outcomes 501"},
		"a stage's outcomes":         {func(c *Case) { c.Stages[1].Failed--; c.Stages[1].Errors = nil }, []string{"attempted", "stages"}, "stage 2: "},
		"negative":                   {func(c *Case) { c.Warmup.Dropped, c.Warmup.Offered = -1, 499 }, []string{"sign"}, "dropped is -1"},
		"statuses":                   {func(c *Case) { c.Statuses["SEND_OK"]-- }, []string{"statuses"}, "40000"},
		"statuses not kept":          {func(c *Case) { c.Statuses = nil }, nil, ""},
		"causes":                     {func(c *Case) { c.Errors["timeout"]++ }, []string{"errors", "errors"}, "errors sum to 6"}, // the stage shares the map
		"bytes":                      {func(c *Case) { *c.BodyBytes-- }, []string{"bytes"}, "5119999 body bytes ≠ 40000 messages × 128"},
		"bodies differ":              {func(c *Case) { *c.BodyBytes--; c.BodyBytesEach = nil }, nil, ""},
		"stages":                     {func(c *Case) { c.Stages = c.Stages[1:] }, []string{"stages", "stages", "stages"}, "the stages' offered sum to 30010, the case has 40010"},
		"no stages kept":             {func(c *Case) { c.Stages = nil }, nil, ""},
		"histogram lost a send":      {func(c *Case) { c.Delay = Summarize(spread(39_999, 1, 2)); c.Stages[0].Delay = nil }, []string{"histogram"}, "delay holds 39999 sends, 40000 had that outcome"},
		"no histogram":               {func(c *Case) { c.Warmup.Response = nil }, []string{"histogram"}, "none has a response"},
		"times of nobody":            {func(c *Case) { c.WriteTime = Summarize(spread(1, 1, 1)); c.Stages[0].WriteTime = c.WriteTime }, []string{"histogram", "histogram"}, "write time holds 1 sends, 0"},
		"percentiles in disorder":    {func(c *Case) { l := *c.Warmup.Service; l.P50 = new(l.Max + 1); c.Warmup.Service = &l }, []string{"order"}, "warm-up: service"},
		"mean over maximum":          {func(c *Case) { l := *c.Warmup.Service; l.Mean = l.Max + 1; c.Warmup.Service = &l }, []string{"order"}, ""},
		"negative time":              {func(c *Case) { l := *c.Warmup.Service; l.Min = -1; c.Warmup.Service = &l }, []string{"order"}, ""},
		"maximum":                    {func(c *Case) { l := *c.Response; l.Max++; c.Response = &l }, []string{"maximum"}, "largest response is 3000000 ns, the case's 3000001 ns"},
		"a stage's times not kept":   {func(c *Case) { l := *c.Service; l.Max++; c.Service = &l; c.Stages[0].Service = nil }, nil, ""},
		"Little's law, at its limit": {func(c *Case) { *c.Generator.CallTimeSumNS = 1_020_000 }, nil, ""},
		"Little's law, too low":      {func(c *Case) { *c.Generator.CallTimeSumNS = 979_999 }, []string{"little"}, "Little's law"},
		"Little's law, too high":     {func(c *Case) { *c.Generator.CallTimeSumNS = 1_021_000 }, []string{"little"}, ""},
		"Little's law, unknown":      {func(c *Case) { c.Generator.CallTimeSumNS = nil }, nil, ""},
		"errors' times":              {func(c *Case) { c.Unsuccessful = map[string]*Latency{"failed": Summarize(spread(2, 1, 9))} }, nil, ""},
		"an error's time lost":       {func(c *Case) { c.Unsuccessful = map[string]*Latency{"ambiguous": Summarize(spread(1, 1, 9))} }, []string{"histogram"}, "the times of ambiguous hold 1 sends, 2 had"},
		"queues add up": {func(c *Case) {
			c.Queues = []Share{{Acknowledged: 39_000}, {Acknowledged: 1000}}
			c.Brokers = []Share{{Acknowledged: 40_000}}
		}, nil, ""},
		"a queue's send lost":           {func(c *Case) { c.Queues = []Share{{Acknowledged: 39_000}, {Acknowledged: 999}} }, []string{"queues"}, "the queues' successes sum to 39999, the case has 40000"},
		"intervals add up":              {func(c *Case) { c.Intervals = &Intervals{Attempted: 40_506, Successes: 40_500} }, nil, ""},
		"an interval lost":              {func(c *Case) { c.Intervals = Sum([]Point{{Attempted: 40_506, Acknowledged: 40_400, Written: 99}}) }, []string{"intervals"}, "the intervals sum to 40506 attempted and 40499 successes, the case has 40506 and 40500"},
		"kinds add up":                  {kindsOf(0, 0), nil, ""},
		"a kind's send lost":            {kindsOf(1, 0), []string{"kinds", "kinds", "kinds"}, "the kinds' offered sum to 39999, the case has 40000"},
		"a kind's bytes lost":           {kindsOf(0, 1), []string{"kinds"}, "the kinds' body bytes sum to 39999, the case has 40000"},
		"a stage's kinds add up":        {inStage(kindsOf(0, 0)), nil, ""},
		"a send of a stage's kind lost": {inStage(kindsOf(1, 0)), []string{"kinds", "kinds", "kinds"}, "stage 1: the kinds' offered sum to 39999, all of it has 40000"},
		"a byte of a warm-up's kind lost": {func(c *Case) {
			inStage(kindsOf(0, 1))(c)
			c.Warmup, c.Stages = &c.Stages[0], nil
		}, []string{"kinds"}, "warm-up: the kinds' body bytes sum to 39999, all of it has 40000"},
		"mixed times": {func(c *Case) { kindsOf(0, 0)(c); c.Service = Summarize(spread(40_000, 1, 2)) }, []string{"histogram"}, "service holds 40000 sends, 30000 had that outcome"},
		"slots":       {func(c *Case) { c.Generator.Slots, c.Generator.MissedSlots = 5, 6 }, []string{"slots"}, "6 slots missed of 5"},
	} {
		c := stagedCase()
		tt.change(&c)
		var got []string
		found := tt.text == ""
		for _, e := range breaches(&c) {
			got = append(got, strings.TrimPrefix(e.Code, "conservation."))
			found = found || strings.Contains(e.Text, tt.text)
			if e.Verdict != Invalid {
				t.Errorf("%s: %+v isn't INVALID", name, e)
			}
		}
		if !slices.Equal(got, tt.want) || !found {
			t.Errorf("%s: %+v, want %v with %q", name, breaches(&c), tt.want, tt.text)
		}
	}
}

func TestBreachesOneway(t *testing.T) {
	c := closedCase("oneway", "oneway", 1000, 1, 2)
	if got := breaches(&c); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	c.WriteTime = nil
	if got := breaches(&c); len(got) != 1 || !strings.Contains(got[0].Text, "none has a write time") {
		t.Errorf("%+v", got)
	}
}

// inStage makes a case's only stage what of makes of the case, but for the case's own kinds.
func inStage(of func(*Case)) func(*Case) {
	return func(c *Case) {
		of(c)
		c.Stages = []Stage{{Measured: c.Measured, Kinds: c.Kinds}}
		c.Kinds = nil
	}
}

// kindsOf makes a case one of two kinds, 10,000 of which are oneway, and loses so many of these and so many bytes.
func kindsOf(lost, bytes int64) func(*Case) {
	return func(c *Case) {
		*c = closedCase("mix", "mixed", 30_000, time.Millisecond, 3*time.Millisecond)
		answered := c.Measured
		written := closedCase("", "oneway", 10_000-lost, time.Millisecond, 2*time.Millisecond).Measured
		c.Offered, c.Attempted, c.Written = 40_000, 40_000, 10_000
		c.WriteTime = Summarize(spread(10_000, time.Millisecond, 2*time.Millisecond))
		for i, m := range []*Measured{&c.Measured, &answered, &written} {
			m.BodyBytesEach, m.BodyBytes = nil, new([]int64{40_000, 30_000 - bytes, 10_000}[i])
		}
		c.Kinds = []Kind{{Name: "small", Mode: "sync", Measured: answered}, {Name: "big", Mode: "oneway", Measured: written}}
	}
}
