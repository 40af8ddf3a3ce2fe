package results

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestR24_Judge(t *testing.T) {
	const closed, open = "closed", "open"
	for name, tt := range map[string]struct {
		loop    string // of the case that change changes
		real    bool   // a target that isn't embedded
		change  func(*Case)
		want    Verdict
		code    string // a line that must be there …
		verdict Verdict
		text    string // … and hold this
	}{
		"closed loop":                {closed, false, func(c *Case) {}, Valid, "gc_cpu", Valid, "1.00 %"},
		"open loop":                  {open, false, func(c *Case) {}, Valid, "missed_slots", Valid, "0.06 % of the 5,000 slots"},
		"no evidence known":          {open, true, func(c *Case) { c.Generator = Generator{} }, Valid, "", "", ""},
		"1 % missed":                 {open, false, func(c *Case) { c.Generator.MissedSlots = 50 }, Valid, "missed_slots", Valid, ""},
		"over 1 % missed":            {open, false, func(c *Case) { c.Generator.MissedSlots = 51 }, Suspect, "missed_slots", Suspect, "1.02 %"},
		"5 % missed":                 {open, false, func(c *Case) { c.Generator.MissedSlots = 250 }, Suspect, "missed_slots", Suspect, ""},
		"over 5 % missed":            {open, false, func(c *Case) { c.Generator.MissedSlots = 251 }, GeneratorLimited, "missed_slots", GeneratorLimited, "lower -r"},
		"garbage collection":         {closed, false, func(c *Case) { c.Generator.GCCPUShare = new(0.051) }, Suspect, "gc_cpu", Suspect, "5.10 %"},
		"scheduler latency":          {open, false, func(c *Case) { c.Generator.SchedulerLatencyP99NS = new(int64(1_000_001)) }, Suspect, "scheduler_latency", Suspect, "1.00 ms"},
		"scheduler, closed loop":     {closed, false, func(c *Case) { c.Generator.SchedulerLatencyP99NS = new(int64(9_000_000)) }, Valid, "scheduler_latency", Valid, "9.00 ms"},
		"scheduler within bound":     {open, false, func(c *Case) { c.Generator.SchedulerLatencyP99NS = new(int64(1_000_000)) }, Valid, "scheduler_latency", Valid, ""},
		"steal":                      {closed, false, func(c *Case) { c.Generator.StealShare = new(0.06) }, Suspect, "steal", Suspect, "6.00 %"},
		"pressure, open loop":        {open, false, func(c *Case) { c.Generator.PressureShare = new(0.06) }, Suspect, "pressure", Suspect, ""},
		"pressure by others":         {open, false, func(c *Case) { c.Generator.PressureShare, c.Generator.OthersCPUShare = new(0.06), new(0.2) }, Suspect, "pressure", Suspect, ""},
		"pressure of our own":        {open, false, func(c *Case) { c.Generator.PressureShare, c.Generator.OthersCPUShare = new(0.06), new(0.01) }, Valid, "pressure", Valid, ""},
		"pressure, closed loop":      {closed, false, func(c *Case) { c.Generator.PressureShare = new(0.9) }, Valid, "pressure", Valid, ""},
		"CPU, open loop":             {open, false, func(c *Case) { c.Generator.CPUQuotaShare = new(0.81) }, GeneratorLimited, "cpu", GeneratorLimited, "81.0 %"},
		"CPU at its limit":           {open, false, func(c *Case) { c.Generator.CPUQuotaShare = new(0.80) }, Valid, "cpu", Valid, ""},
		"CPU, closed loop, embedded": {closed, false, func(c *Case) {}, Valid, "cpu_ceiling", Valid, "ceiling of client and broker together"},
		"CPU, closed loop, cluster":  {closed, true, func(c *Case) {}, GeneratorLimited, "cpu", GeneratorLimited, "ceiling of the client"},
		"CPU spare, cluster":         {closed, true, func(c *Case) { c.Generator.CPUQuotaShare = new(0.5) }, Valid, "cpu", Valid, ""},
		"workers busy, service flat": {open, false, workersBusy, GeneratorLimited, "workers_busy", GeneratorLimited, "64 workers / 4.90 ms = at most 13.1k/s; use -w 319 or -m async"},
		"workers busy, growth unknown": {open, false, func(c *Case) { workersBusy(c); c.Generator.ServiceGrowth = nil },
			GeneratorLimited, "workers_busy", GeneratorLimited, ""},
		"workers busy, service grew": {open, false, func(c *Case) { workersBusy(c); c.Generator.ServiceGrowth = new(3.0) },
			Valid, "workers_busy", Valid, "99.0 % of 64 workers"},
		"workers busy, nothing timed": {open, false, func(c *Case) { workersBusy(c); c.Service = nil },
			GeneratorLimited, "workers_busy", GeneratorLimited, "99.0 % of 64 workers were busy"},
		"in flight full": {open, false, func(c *Case) { workersBusy(c); c.Generator.InFlightCap = 64 },
			GeneratorLimited, "workers_busy", GeneratorLimited, "use --set load.in_flight=319"},
		"stood still":       {closed, false, func(c *Case) { c.Generator.Pauses, c.Generator.PausedNS = 1, 2e9 }, Suspect, "paused", Suspect, "stood still once, for 2.00 s in all"},
		"stood still twice": {open, true, func(c *Case) { c.Generator.Pauses, c.Generator.PausedNS = 2, 4e9 }, Suspect, "paused", Suspect, "2 times, for 4.00 s"},
		"clock set back":    {open, true, func(c *Case) { c.Generator.ClockSetNS = -3600e9 }, Valid, "clock_set", Valid, "set back by 3600 s"},
		"cut short":         {closed, false, func(c *Case) { c.CutShort = Interrupted }, Partial, "cut_short", Partial, "interrupted"},
		"cut short before a reply": {closed, false, func(c *Case) {
			*c = Case{Mode: "sync", CutShort: Interrupted, Measured: Measured{Counts: Counts{Offered: 2, Attempted: 2, Ambiguous: 2}}}
		}, Partial, "cut_short", Partial, ""},
		"nothing but failures": {closed, false, func(c *Case) {
			*c = Case{Mode: "sync", Measured: Measured{Counts: Counts{Offered: 2000, Attempted: 2000, Failed: 1990, Refused: 10}}}
		}, Invalid, "only_failures", Invalid, "none of 2,000 sends"},
		"all dropped": {open, false, func(c *Case) {
			*c = Case{Mode: "sync", OpenLoop: true, Measured: Measured{Counts: Counts{Offered: 2000, Dropped: 2000}}}
		}, Invalid, "nothing_measured", Invalid, "2,000"},
		"only weak": {closed, false, func(c *Case) {
			*c = Case{Mode: "sync", Measured: Measured{Counts: Counts{Offered: 2, Attempted: 2, Weak: 2}}}
		}, Valid, "", "", ""},
		"errors": {closed, false, func(c *Case) {
			c.Offered, c.Attempted, c.Failed = c.Offered+500_000, c.Attempted+500_000, 500_000
			c.Unsuccessful = map[string]*Latency{"failed": Summarize(spread(500_000, 1000, 1000))}
		}, Valid, "error_share", Valid, "50.0 % of the offered sends are errors: the percentiles are of the others, failed took 1.00 µs on average"},
		"few errors": {closed, false, func(c *Case) { c.Offered++; c.Dropped++ }, Valid, "", "", ""},
		"verified":   {closed, false, func(c *Case) { c.Verify = &Verification{Stored: 7000, Acknowledged: 7000} }, Valid, "verified", Valid, "all 7,000 acknowledged messages are stored"},
		"messages missing": {closed, false, func(c *Case) {
			c.Verify = &Verification{Acknowledged: 7000, Missing: 2, Lacking: make([]LackingQueue, 1)}
		},
			Invalid, "messages_missing", Invalid, "2 of 7,000 acknowledged messages are not stored"},
		"somebody else's":     {closed, false, func(c *Case) { c.Verify = &Verification{Unexplained: 3} }, Suspect, "messages_unexplained", Suspect, "3 messages stored beyond"},
		"unverified":          {closed, false, func(c *Case) { c.Verify = &Verification{Unverified: "timeout"} }, Partial, "unverified", Partial, "timeout"},
		"times out of range":  {closed, false, func(c *Case) { c.Response.Clamped = 2 }, Suspect, "clamped", Suspect, "2 times"},
		"waited before":       {open, false, lateSchedule, Valid, "schedule_missed", Valid, "p99 is 30.0 ms from when a send was due and 10.0 ms from the call, so about 20.0 ms"},
		"waited half":         {open, false, func(c *Case) { lateSchedule(c); *c.Response.P99 = 20e6 }, Valid, "", "", ""},
		"a broken sum":        {closed, false, func(c *Case) { c.Failed++ }, Invalid, "conservation.attempted", Invalid, ""},
		"the worst one rules": {open, false, func(c *Case) { c.Failed++; c.CutShort = "x"; c.Generator.StealShare = new(1.0) }, Invalid, "cut_short", Partial, ""},
	} {
		c := closedCase("c", "sync", 500_000, 120*time.Microsecond, 3*time.Millisecond)
		if tt.loop == open {
			c = stallCase()
		}
		tt.change(&c)
		c.Name = "c"
		r := &Run{Target: Target{Embedded: !tt.real}, Cases: []Case{closedCase("fine", "sync", 10_000, 1, 2), c}}
		r.Cases[0].Generator = Generator{}
		Judge(r)
		got := r.Cases[1]
		if got.Verdict != tt.want || r.Verdict != tt.want || r.Cases[0].Verdict != Valid {
			t.Errorf("%s: case %s, run %s, the other case %s; want %s: %+v", name, got.Verdict, r.Verdict, r.Cases[0].Verdict, tt.want, got.Evidence)
		}
		if tt.code != "" && !slices.ContainsFunc(got.Evidence, func(e Evidence) bool {
			return e.Code == tt.code && e.Verdict == tt.verdict && strings.Contains(e.Text, tt.text)
		}) {
			t.Errorf("%s: no line %s %s %q in %+v", name, tt.code, tt.verdict, tt.text, got.Evidence)
		}
		for _, e := range r.Evidence {
			if e.Verdict == Valid || e.Case != "c" {
				t.Errorf("%s: the run's evidence has %+v", name, e)
			}
		}
		before, _ := json.Marshal(r)
		Judge(r)
		if after, _ := json.Marshal(r); string(after) != string(before) {
			t.Errorf("%s: judged again it differs", name)
		}
	}
}

// workersBusy makes c a case that had no free worker: 52,000/s asked of 64 workers at 4.9 ms.
func workersBusy(c *Case) {
	c.Offered, c.Attempted, c.Acknowledged = 260_000, 260_000, 260_000
	c.Statuses = nil
	for _, l := range []*Latency{c.Response, c.Service, c.Delay} {
		l.Count = 260_000
	}
	c.Service.Mean = 4_900_000
	c.Generator.Workers = 64
	c.Generator.WorkersBusyShare = new(0.99)
}

// lateSchedule makes c a case whose p99 was mostly waiting.
func lateSchedule(c *Case) {
	c.Response.P99, c.Service.P99 = new(int64(30e6)), new(int64(10e6))
}

func TestJudgeRun(t *testing.T) {
	fine := closedCase("fine", "sync", 10_000, 1, 2)
	partial := fine
	partial.CutShort = "disk"
	for name, tt := range map[string]struct {
		run  Run
		want Verdict
		exit int
	}{
		"no cases":                     {Run{}, Invalid, 1},
		"interrupted before a case":    {Run{CutShort: Interrupted}, Partial, 130},
		"a case":                       {Run{Cases: []Case{fine}}, Valid, 0},
		"the worst case":               {Run{Cases: []Case{fine, partial, fine}}, Partial, 1},
		"interrupted":                  {Run{CutShort: Interrupted, Cases: []Case{partial}}, Partial, 130},
		"interrupted, and a part lost": {Run{CutShort: Interrupted, Lost: []string{"case 2"}, Cases: []Case{fine}}, Partial, 1},
		"a part lost":                  {Run{Lost: []string{"case 2"}, Cases: []Case{fine}}, Partial, 1},
	} {
		tt.run.Target.Embedded = true
		Judge(&tt.run)
		if tt.run.Verdict != tt.want {
			t.Errorf("%s: %s, want %s", name, tt.run.Verdict, tt.want)
		}
		if got := ExitStatus(&tt.run, true); got != tt.exit {
			t.Errorf("%s: exit status %d, want %d", name, got, tt.exit)
		}
	}
}

func TestExitStatus(t *testing.T) {
	for _, tt := range []struct {
		verdict Verdict
		asked   bool
		want    int
	}{
		{Valid, true, 0}, {Suspect, true, 0}, {Suspect, false, 0},
		{GeneratorLimited, false, 0}, {GeneratorLimited, true, 5}, {Partial, false, 1}, {Invalid, true, 1},
	} {
		if got := ExitStatus(&Run{Verdict: tt.verdict}, tt.asked); got != tt.want {
			t.Errorf("%s, asked %v: %d, want %d", tt.verdict, tt.asked, got, tt.want)
		}
	}
}

// TestExitStatusOfStops: what stopped itself for its sends' sake missed something; what a disk stopped could not be done.
func TestExitStatusOfStops(t *testing.T) {
	cut := func(by ...string) *Run {
		r := &Run{Verdict: Partial}
		for _, b := range by {
			r.Cases = append(r.Cases, Case{CutShort: "why", StoppedBy: b})
		}
		return r
	}
	for _, tt := range []struct {
		run  *Run
		want int
	}{
		{cut(StoppedByGuard), 3}, {cut(StoppedByErrors), 3}, {cut(StoppedByObjective, StoppedByErrors), 3},
		{cut(StoppedByDisk), 1}, {cut(StoppedByObjective, StoppedByDisk), 1}, {cut(StoppedByErrors, ""), 1}, {cut(), 1},
		{&Run{Verdict: Partial, CutShort: Interrupted, Cases: cut(StoppedByErrors).Cases}, 130},
		{&Run{Verdict: Invalid, Cases: cut(StoppedByErrors).Cases}, 1},
	} {
		if got := ExitStatus(tt.run, true); got != tt.want {
			t.Errorf("%+v: %d, want %d", tt.run.Cases, got, tt.want)
		}
	}
}

func TestWorse(t *testing.T) {
	for i, a := range fromBest {
		for j, b := range fromBest {
			if got, want := worse(a, b), fromBest[max(i, j)]; got != want {
				t.Errorf("worse(%s, %s) = %s", a, b, got)
			}
		}
	}
}

func TestMissedBound(t *testing.T) {
	for _, tt := range []struct{ service, timer, want int64 }{
		{0, 0, 1e6}, {200e3, 300e3, 1e6}, {50e6, 300e3, 5e6}, {200e3, 2500e3, 5e6},
	} {
		if got := MissedBound(tt.service, tt.timer); got != tt.want {
			t.Errorf("MissedBound(%d, %d) = %d, want %d", tt.service, tt.timer, got, tt.want)
		}
	}
}
