package results

import (
	"cmp"
	"fmt"
)

// sum adds the counts of another share's stage. Its times follow from the histograms.
func (s *Stage) sum(from *Stage) error {
	s.RatePerSecond = sum(s.RatePerSecond, from.RatePerSecond)
	s.RateEndPerSecond = sum(s.RateEndPerSecond, from.RateEndPerSecond)
	s.Measured.sum(&from.Measured)
	return sumKinds(s.Kinds, from.Kinds)
}

// sumKinds adds the counts of another share's kinds, which must be the same.
func sumKinds(into, from []Kind) error {
	if len(from) != len(into) {
		return fmt.Errorf("it has %d kinds, the shares before it %d", len(from), len(into))
	}
	for i := range from {
		if from[i].Name != into[i].Name || from[i].Mode != into[i].Mode {
			return fmt.Errorf("its kind %s is another one in the shares before it: %s", Printable(from[i].Name), Printable(into[i].Name))
		}
		into[i].sum(&from[i].Measured)
	}
	return nil
}

func (m *Measured) sum(from *Measured) {
	retries, ambiguous := sum(m.Retries, from.Retries), sum(m.AmbiguousAttempts, from.AmbiguousAttempts)
	m.Retries, m.AmbiguousAttempts = new(int64), new(int64)
	m.Counts.add(&from.Counts)
	m.Retries, m.AmbiguousAttempts = retries, ambiguous
	m.BodyBytes = sum(m.BodyBytes, from.BodyBytes)
	m.WireBytesPerSecond = sum(m.WireBytesPerSecond, from.WireBytesPerSecond)
	if m.BodyBytesEach != nil && (from.BodyBytesEach == nil || *from.BodyBytesEach != *m.BodyBytesEach) {
		m.BodyBytesEach = nil
	}
	m.StartOffsetNS = min(m.StartOffsetNS, from.StartOffsetNS)
}

// addShares adds what a case counts beside its sends.
func (c *Case) addShares(from *Case) {
	if c.Intervals != nil && from.Intervals != nil {
		c.Intervals.Count += from.Intervals.Count
		c.Intervals.Attempted += from.Intervals.Attempted
		c.Intervals.Successes += from.Intervals.Successes
	} else {
		c.Intervals = nil
	}
	c.Pulse, c.Avoidance = poolPulse([]*Case{c, from}), c.Avoidance.add(from.Avoidance)
	if t := c.Transactions; t != nil && from.Transactions != nil {
		t.Committed += from.Transactions.Committed
		t.RolledBack += from.Transactions.RolledBack
		t.CheckedBack += from.Transactions.CheckedBack
		t.AskedAgain += from.Transactions.AskedAgain
		t.Open += from.Transactions.Open
	}
	switch d := c.Delayed; {
	case d == nil:
		c.Delayed = from.Delayed
	case from.Delayed != nil:
		d.Messages += from.Delayed.Messages
		if from.Delayed.Until.After(d.Until) {
			d.Until = from.Delayed.Until
		}
	}
	if c.Others == nil { // all shares ask the same brokers
		c.Others = from.Others
	}
	c.Keys = nil     // which of them are the same nobody knows
	c.Arrivals = nil // a broker records all that comes to it: there are no shares of that
	if a := c.Replier; a != nil && from.Replier != nil {
		a.Pulled += from.Replier.Pulled
		a.Replied += from.Replier.Replied
		a.Unreplied += from.Replier.Unreplied
		a.Fault = cmp.Or(a.Fault, from.Replier.Fault)
	}
	t, f := c.Transport, from.Transport
	if t == nil || f == nil {
		c.Transport = nil
		return
	}
	if t.MessagesPerWrite != nil && f.MessagesPerWrite != nil && t.Writes+f.Writes > 0 {
		t.MessagesPerWrite = new((*t.MessagesPerWrite*float64(t.Writes) + *f.MessagesPerWrite*float64(f.Writes)) / float64(t.Writes+f.Writes))
	} else if f.Writes > 0 {
		t.MessagesPerWrite = f.MessagesPerWrite
	}
	t.Connections += f.Connections
	t.BytesOut += f.BytesOut
	t.BytesIn += f.BytesIn
	t.Writes += f.Writes
	t.Dials += f.Dials
	t.StrayReplies += f.StrayReplies
	t.PermitWaits += f.PermitWaits
	t.PermitRefusals += f.PermitRefusals
	t.RoundTripLeastNS = atLeast(t.RoundTripLeastNS, f.RoundTripLeastNS)
	t.RoundTripNS = atLeast(t.RoundTripNS, f.RoundTripNS)
	t.Retransmits = sum(t.Retransmits, f.Retransmits)
}

// add adds another generator's evidence: counts are summed, and of shares the worst one's stands for all.
func (g *Generator) add(from *Generator) {
	g.Workers += from.Workers
	g.WorkersMost += from.WorkersMost
	g.InFlightCap += from.InFlightCap
	g.InFlightCapBytes += from.InFlightCapBytes
	g.Slots += from.Slots
	g.MissedSlots += from.MissedSlots
	g.MissedBoundNS = max(g.MissedBoundNS, from.MissedBoundNS)
	g.Pauses += from.Pauses
	g.PausedNS += from.PausedNS
	if max(from.ClockSetNS, -from.ClockSetNS) > max(g.ClockSetNS, -g.ClockSetNS) {
		g.ClockSetNS = from.ClockSetNS
	}
	g.PacerSpunNS = sum(g.PacerSpunNS, from.PacerSpunNS)
	g.TimerP99NS = atLeast(g.TimerP99NS, from.TimerP99NS)
	for _, f := range []struct{ into, from **float64 }{
		{&g.CPUQuotaShare, &from.CPUQuotaShare}, {&g.GCCPUShare, &from.GCCPUShare}, {&g.StealShare, &from.StealShare},
		{&g.PressureShare, &from.PressureShare}, {&g.OthersCPUShare, &from.OthersCPUShare},
	} {
		*f.into = atLeast(*f.into, *f.from)
	}
	g.SchedulerLatencyP99NS = atLeast(g.SchedulerLatencyP99NS, from.SchedulerLatencyP99NS)
	g.InFlightIntegralNS, g.CallTimeSumNS = sum(g.InFlightIntegralNS, from.InFlightIntegralNS), sum(g.CallTimeSumNS, from.CallTimeSumNS)
}
