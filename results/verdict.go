package results

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Verdict is what numbers are worth.
type Verdict string

const (
	Valid            Verdict = "VALID"
	Suspect          Verdict = "SUSPECT"           // the machine or the generator may have coloured them
	GeneratorLimited Verdict = "GENERATOR_LIMITED" // they say "at least" and nothing more
	Partial          Verdict = "PARTIAL"           // cut short, or a part is lost
	Invalid          Verdict = "INVALID"           // they contradict themselves, or measured nothing
)

// fromBest orders the verdicts.
var fromBest = []Verdict{Valid, Suspect, GeneratorLimited, Partial, Invalid}

// worse returns the worse of two.
func worse(a, b Verdict) Verdict {
	if slices.Index(fromBest, b) > slices.Index(fromBest, a) {
		return b
	}
	return a
}

// Evidence is one line beside a verdict.
type Evidence struct {
	Code    string   `json:"code"`           // stable, for programs
	Case    string   `json:"case,omitempty"` // in a run's evidence: whose line it is
	Round   int      `json:"round,omitempty"`
	Rounds  int      `json:"rounds,omitempty"` // of Run.Pooled: how many had a line with this code and verdict; the worst one is told
	Verdict Verdict  `json:"verdict"`          // what this line alone would make it; VALID is for information
	Text    string   `json:"text"`             // for people; may hold names from outside: show it through Printable
	Value   *float64 `json:"value,omitempty"`
	Limit   *float64 `json:"limit,omitempty"` // what Value is held to
}

// The codes of evidence that a table shows though it makes nothing worse.
const (
	codeScheduleMissed = "schedule_missed"
	codeCPUCeiling     = "cpu_ceiling"
	codeErrorShare     = "error_share"
	codeVerified       = "verified"
	codeBodiesVerified = "bodies_verified"
	codeClockSet       = "clock_set"
	codeWarmup         = "warmup"
)

// What a verdict is held to. Shares are from 0 to 1.
const (
	missedSuspect  = 0.01
	missedLimited  = 0.05
	gcSuspect      = 0.05
	stolenSuspect  = 0.05 // by other guests, or waited for
	cpuLimited     = 0.80
	busyLimited    = 0.95 // "every worker was busy", with room for the moment between two sends
	flatGrowth     = 1.25 // service time that grew by less is flat: workers, not the target, ran out
	littleTolerate = 0.02

	anatomyTolerate = 0.01
	rounding        = 8    // ns: seven means, each rounded
	errorsShown     = 0.01 // errors beyond this stand beside the verdict
)

// MissedBound is the lateness in nanoseconds past which a slot is missed and the scheduler's latency is suspect, for a
// median service time and for the p99 of the timer's lateness measured at the start.
func MissedBound(serviceP50NS, timerP99NS int64) int64 {
	return max(int64(time.Millisecond), serviceP50NS/10, 2*timerP99NS)
}

// Judge sets the verdict and the evidence of r and of its cases from the rest of the record, and from nothing else. A
// case's verdict is the worst of its evidence, the run's is the worst of its own evidence and its cases'. The run's
// evidence holds its own lines and those of its cases that are worse than VALID.
func Judge(r *Run) {
	r.Evidence = judgeRun(r)
	r.Verdict = worstOf(r.Evidence)
	for i := range r.Cases {
		c := &r.Cases[i]
		c.Evidence = judgeCase(c, r.Target.Embedded)
		c.Verdict = worstOf(c.Evidence)
		for j := range c.SLO {
			c.SLO[j].judge(c)
		}
		r.Verdict = worse(r.Verdict, c.Verdict)
		for _, e := range c.Evidence {
			if e.Verdict != Valid {
				e.Case, e.Round = c.Name, c.Round
				r.Evidence = append(r.Evidence, e)
			}
		}
	}
	r.judgePooled()
	r.Selectors = compareSelectors(r)
}

func worstOf(evidence []Evidence) Verdict {
	worst := Valid
	for _, e := range evidence {
		worst = worse(worst, e.Verdict)
	}
	return worst
}

func judgeRun(r *Run) []Evidence {
	evidence := []Evidence{} // an empty list in the record, not null
	if r.CutShort != "" {
		evidence = append(evidence, Evidence{Code: "cut_short", Verdict: Partial, Text: "the run was cut short: " + r.CutShort})
	}
	if len(r.Lost) > 0 {
		evidence = append(evidence, Evidence{Code: "lost", Verdict: Partial, Text: "missing from this result: " + strings.Join(r.Lost, ", ")})
	}
	if len(r.Cases) == 0 && r.CutShort == "" {
		evidence = append(evidence, Evidence{Code: "nothing_measured", Verdict: Invalid, Text: "the run has no cases"})
	}
	return evidence
}

func judgeCase(c *Case, embedded bool) []Evidence {
	evidence := []Evidence{}
	if c.CutShort != "" {
		evidence = append(evidence, Evidence{Code: "cut_short", Verdict: Partial, Text: "cut short: " + c.CutShort})
	}
	evidence = append(evidence, breaches(c)...)
	evidence = append(evidence, warmupEvidence(c)...)
	evidence = append(evidence, outcomeEvidence(c)...)
	evidence = append(evidence, verifyEvidence(c)...)
	evidence = append(evidence, eventEvidence(c)...)
	evidence = append(evidence, slotEvidence(c)...)
	evidence = append(evidence, workerEvidence(c)...)
	evidence = append(evidence, cpuEvidence(c, embedded)...)
	evidence = append(evidence, machineEvidence(c)...)
	return evidence
}

// warmupEvidence says what a warm-up that ended by itself left out of the figures. One that never agreed makes nothing worse by
// itself: what it hints at shows in the figures.
func warmupEvidence(c *Case) []Evidence {
	e := c.WarmupEnd
	if e == nil || c.Warmup == nil {
		return nil
	}
	how := fmt.Sprintf("warm-up ended after %s: two windows of %s agree", FormatDuration(e.AfterNS), FormatDuration(e.WindowNS))
	if !e.Agreed {
		how = fmt.Sprintf("warm-up took all of its %s: no two windows of %s agreed", FormatDuration(e.AfterNS), FormatDuration(e.WindowNS))
	}
	return []Evidence{{Code: codeWarmup, Verdict: Valid, Value: new(float64(c.Warmup.Attempted)),
		Text: fmt.Sprintf("%s; %s dropped from the figures", how, FormatCount(c.Warmup.Attempted, "send"))}}
}

// outcomeEvidence says whether anything was measured at all. A case cut short may not have come to its first reply.
func outcomeEvidence(c *Case) []Evidence {
	if c.Successes()+c.Weak > 0 {
		return errorEvidence(c)
	}
	if c.CutShort != "" {
		return nil
	}
	if c.Attempted == 0 {
		return []Evidence{{Code: "nothing_measured", Verdict: Invalid, Text: fmt.Sprintf("nothing measured: none of %s offered sends was attempted", groupDigits(c.Offered))}}
	}
	return []Evidence{{Code: "only_failures", Verdict: Invalid,
		Text: fmt.Sprintf("none of %s was acknowledged: how fast they failed is no result", FormatCount(c.Attempted, "send"))}}
}

// errorEvidence tells a reader of percentiles how many sends they leave out, and how long those took. An objective, not the
// verdict, says how many are too many.
func errorEvidence(c *Case) []Evidence {
	share := c.ErrorShare()
	if share <= errorsShown {
		return nil
	}
	text := formatShare(share) + " of the offered sends are errors: the percentiles are of the others"
	for _, f := range countFields {
		if l := c.Unsuccessful[f.name]; l != nil {
			text += fmt.Sprintf(", %s took %s on average", f.name, FormatDuration(l.Mean))
		}
	}
	return []Evidence{{Code: codeErrorShare, Verdict: Valid, Value: &share, Limit: new(errorsShown), Text: text}}
}

// slotEvidence holds the generator to its schedule.
func slotEvidence(c *Case) []Evidence {
	if !c.OpenLoop {
		return nil
	}
	var evidence []Evidence
	g := &c.Generator
	if g.Slots > 0 {
		share := float64(g.MissedSlots) / float64(g.Slots)
		e := Evidence{Code: "missed_slots", Verdict: Valid, Value: &share, Limit: new(missedSuspect),
			Text: fmt.Sprintf("%s of the %s slots were missed by the generator (called over %s late with a worker free)",
				formatShare(share), groupDigits(g.Slots), FormatDuration(g.MissedBoundNS))}
		switch {
		case share > missedLimited:
			e.Verdict, e.Limit = GeneratorLimited, new(missedLimited)
			e.Text += ": use a lower -r, or give the generator more CPU"
		case share > missedSuspect:
			e.Verdict = Suspect
		}
		evidence = append(evidence, e)
	}
	return append(evidence, waitEvidence(c)...)
}

// waitEvidence tells a reader of p99 how much of it was waiting, if that is more than half. Of a delay's cause it says
// nothing, so it has no bearing on the verdict.
func waitEvidence(c *Case) []Evidence {
	due, called := c.Response, c.Service
	if c.Mode == modeOneway {
		due = c.WriteTime
	}
	if due == nil || called == nil || due.P99 == nil || called.P99 == nil || *due.P99 <= 2**called.P99 {
		return nil
	}
	waited := *due.P99 - *called.P99
	return []Evidence{{Code: codeScheduleMissed, Verdict: Valid, Value: new(float64(waited)),
		Text: fmt.Sprintf("the schedule was missed: p99 is %s from when a send was due and %s from the call, so about %s of it was waiting before sending",
			FormatDuration(*due.P99), FormatDuration(*called.P99), FormatDuration(waited))}}
}

// workerEvidence says whether an open loop ran out of workers or of in-flight room while the target kept its pace, and
// names the cure. Where it isn't known whether service time grew it counts as flat: the claim is the one to be proved.
func workerEvidence(c *Case) []Evidence {
	g := &c.Generator
	if !c.OpenLoop || g.WorkersBusyShare == nil {
		return nil
	}
	width, unit, cure := int64(g.Workers), "workers", "use -w %d or -m async"
	if g.InFlightCap > 0 {
		width, unit, cure = int64(g.InFlightCap), "in flight", "use --set load.in_flight=%d"
	}
	e := Evidence{Code: "workers_busy", Verdict: Valid, Value: g.WorkersBusyShare, Limit: new(busyLimited),
		Text: fmt.Sprintf("%s of %d %s were busy", formatShare(*g.WorkersBusyShare), width, unit)}
	if g.WorkersMost > g.Workers { // there would have been more, had a slot found none free
		return []Evidence{e}
	}
	flat := g.ServiceGrowth == nil || *g.ServiceGrowth < flatGrowth
	if *g.WorkersBusyShare < busyLimited || !flat {
		return []Evidence{e}
	}
	e.Verdict = GeneratorLimited
	if offered := PerSecond(c.Offered, c.ElapsedNS); c.Service != nil && c.Service.Mean > 0 && offered != nil {
		mean := c.Service.Mean
		most := float64(width) / float64(mean) * 1e9
		enough := max(2*width, int64(math.Ceil(1.25**offered*float64(mean)/1e9)))
		e.Text = fmt.Sprintf("%d %s / %s = at most %s/s; "+cure, width, unit, FormatDuration(mean), FormatRate(most), enough)
	}
	return []Evidence{e}
}

// cpuEvidence: on an open loop a process short of CPU can't keep its schedule. A closed loop takes all the CPU it gets,
// so there it is a fact to know, unless the broker is another process and the client alone came near its quota.
func cpuEvidence(c *Case, embedded bool) []Evidence {
	share := c.Generator.CPUQuotaShare
	if share == nil {
		return nil
	}
	e := Evidence{Code: "cpu", Verdict: Valid, Value: share, Limit: new(cpuLimited),
		Text: fmt.Sprintf("the process used %s of its CPU quota", formatShare(*share))}
	switch {
	case *share <= cpuLimited:
	case c.OpenLoop:
		e.Verdict = GeneratorLimited
		e.Text += ": use a lower -r, or give the generator more CPU"
	case embedded:
		e.Code = codeCPUCeiling
		e.Text += ": this is the ceiling of client and broker together"
	default:
		e.Verdict = GeneratorLimited
		e.Text += ": this is the ceiling of the client, the target may do more; give the generator more CPU"
	}
	return []Evidence{e}
}

// machineEvidence holds the runtime and the machine to their limits.
func machineEvidence(c *Case) []Evidence {
	var evidence []Evidence
	g := &c.Generator
	held := func(code string, value, limit float64, text string) {
		e := Evidence{Code: code, Verdict: Valid, Value: &value, Limit: &limit, Text: text}
		if value > limit {
			e.Verdict = Suspect
		}
		evidence = append(evidence, e)
	}
	if g.Pauses > 0 {
		times := "once"
		if g.Pauses > 1 {
			times = fmt.Sprintf("%d times", g.Pauses)
		}
		held("paused", float64(g.PausedNS), 0, "this process stood still "+times+", for "+FormatDuration(g.PausedNS)+" in all: what fell due meanwhile waited for it, not for the target")
	}
	if g.ClockSetNS != 0 {
		direction := "forward"
		if g.ClockSetNS < 0 {
			direction = "back"
		}
		evidence = append(evidence, Evidence{Code: codeClockSet, Verdict: Valid, Value: new(float64(g.ClockSetNS)),
			Text: "the clock was set " + direction + " by " + FormatDuration(max(g.ClockSetNS, -g.ClockSetNS)) + " meanwhile: times of day are doubtful, latencies are not"})
	}
	if g.GCCPUShare != nil {
		held("gc_cpu", *g.GCCPUShare, gcSuspect, formatShare(*g.GCCPUShare)+" of the CPU went to garbage collection")
	}
	// A closed loop fills the CPU, so its goroutines wait for it and for each other: to know, not to judge by.
	closed := func(code string, value float64, text string) {
		evidence = append(evidence, Evidence{Code: code, Verdict: Valid, Value: &value, Text: text})
	}
	if ns := g.SchedulerLatencyP99NS; ns != nil && g.MissedBoundNS > 0 {
		text := "goroutines waited " + FormatDuration(*ns) + " for a CPU at p99"
		if c.OpenLoop {
			held("scheduler_latency", float64(*ns), float64(g.MissedBoundNS), text+" (bound "+FormatDuration(g.MissedBoundNS)+")")
		} else {
			closed("scheduler_latency", float64(*ns), text)
		}
	}
	if g.StealShare != nil {
		held("steal", *g.StealShare, stolenSuspect, formatShare(*g.StealShare)+" of the CPU was stolen by other guests of the host")
	}
	if g.PressureShare != nil {
		text := "something waited for a CPU in " + formatShare(*g.PressureShare) + " of the time"
		alone := g.OthersCPUShare != nil && *g.OthersCPUShare <= stolenSuspect // then our own threads waited for each other
		if c.OpenLoop && !alone {
			held("pressure", *g.PressureShare, stolenSuspect, text)
		} else {
			closed("pressure", *g.PressureShare, text)
		}
	}
	for _, l := range []*Latency{c.Response, c.WriteTime, c.Service, c.Delay} {
		if l != nil && l.Clamped > 0 {
			held("clamped", float64(l.Clamped), 0, FormatCount(l.Clamped, "time")+" lay outside 0 ns to 1 h")
			break
		}
	}
	return evidence
}

// Exit statuses of the command that a record alone can decide.
const (
	exitDone             = 0
	exitCouldNot         = 1
	exitMissed           = 3
	exitInconclusive     = 4
	exitGeneratorLimited = 5
	exitInterrupted      = 130
)

// ExitStatus is the command's exit status for a judged run: 1 if it is INVALID, if a part is lost or if it was cut short by
// anything but a signal or too many errors or a missed objective, which are 3; 130 if by a signal; 5 if the generator was the limit and the user had asked for a rate or an
// objective; 3 if an objective was missed; 4 if one can't be told, or holds in a run that is SUSPECT; else 0.
func ExitStatus(r *Run, rateAsked bool) int {
	missed, open, asked := r.objectives()
	switch {
	case r.Verdict == Invalid || len(r.Lost) > 0:
		return exitCouldNot
	case r.CutShort == Interrupted:
		return exitInterrupted
	case r.stoppedItself():
		return exitMissed
	case r.Verdict == Partial:
		return exitCouldNot
	case r.Verdict == GeneratorLimited && (rateAsked || asked):
		return exitGeneratorLimited
	case missed:
		return exitMissed
	case open || asked && r.Verdict == Suspect:
		return exitInconclusive
	}
	return exitDone
}

// stoppedItself reports whether all that was cut short was so by too many errors or a missed objective.
func (r *Run) stoppedItself() bool {
	stopped := false
	for i := range r.Cases {
		switch c := &r.Cases[i]; c.StoppedBy {
		case StoppedByGuard, StoppedByErrors, StoppedByObjective:
			stopped = true
		case "":
			if c.CutShort != "" {
				return false
			}
		default:
			return false
		}
	}
	return stopped
}
