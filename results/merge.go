package results

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Merger makes one run of the shares that machines sent of its schedule, losing nothing: each histogram of the result is bucket
// by bucket what one recorder would have had. In which order the shares come has no influence. It keeps them compressed, and
// opens one at a time. The zero Merger is ready; not safe for concurrent use.
type Merger struct {
	// Setting knows the broker's setting that governs a cause of errors, or "": it names the limit of a shared search for a capacity.
	Setting func(cause string) string // nil: none is known

	parts    []part
	began    map[int]string // shares that said that they began, and their hosts
	expected int            // shares, by those that began
	damaged  []string
}

// part is a share that is at hand.
type part struct {
	source     string // for people: where it came from
	compressed []byte
	sum        [sha256.Size]byte
	head       wholeHead
}

// wholeHead is what one must know of a share before its histograms are opened.
type wholeHead struct {
	Schema string `json:"schema"`
	Run    struct {
		Schema      string      `json:"schema"`
		Name        string      `json:"name"`
		StartedAt   time.Time   `json:"started_at"`
		Shard       *Shard      `json:"shard"`
		Environment Environment `json:"environment"`
		Target      struct {
			Proxy bool `json:"proxy"`
		} `json:"target"`
		Scenario json.RawMessage `json:"scenario"`
	} `json:"run"`
}

// MaxShards is how many shares a run may have.
const MaxShards = 10_000

// mostSeries is up to how many shares a merged run keeps their series: more would be larger than anybody reads.
const mostSeries = 64

// Add takes a share in, as EncodeWhole gave it; source names it in errors. The bytes are the Merger's from then on.
func (m *Merger) Add(source string, compressed []byte) error {
	head, err := readHead(compressed)
	if err != nil {
		return fmt.Errorf("%s: %w", Printable(source), err)
	}
	m.parts = append(m.parts, part{source: source, compressed: compressed, sum: sha256.Sum256(compressed), head: *head})
	return nil
}

// Began notes that a share said that it began: if nothing more is heard of it, host is who is missing.
func (m *Merger) Began(s *Shard) {
	if s.check() != nil {
		return
	}
	if m.began == nil {
		m.began = map[int]string{}
	}
	m.began[s.Index] = s.Host
	m.expected = max(m.expected, s.Of)
}

// Damaged notes that something came that can't be read; the result is PARTIAL and says so.
func (m *Merger) Damaged(what string) { m.damaged = append(m.damaged, what) }

func readHead(compressed []byte) (*wholeHead, error) {
	z, err := zstd.NewReader(bytes.NewReader(compressed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxWholeBytes), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	h := &wholeHead{}
	if err := json.NewDecoder(io.LimitReader(z, maxWholeBytes)).Decode(h); err != nil {
		return nil, fmt.Errorf("not a run with its histograms: %w", err)
	}
	switch {
	case h.Schema != WholeSchema:
		return nil, fmt.Errorf("schema %s: this rmqbench reads %s only", Printable(h.Schema), WholeSchema)
	case h.Run.Shard == nil:
		return nil, errors.New("it is no share of a run: only runs with --shard can be merged")
	}
	return h, h.Run.Shard.check()
}

func (s *Shard) check() error {
	if s.Of < 1 || s.Of > MaxShards || s.Index < 0 || s.Index >= s.Of {
		return fmt.Errorf("there is no shard %d of %d", s.Index, s.Of)
	}
	return nil
}

// Merge makes the one run of all that was added, judged. Shares of unlike runs are an error that names the two. A share that is
// missing, came twice with unlike contents, began late or is of another version is named in the run's Lost.
func (m *Merger) Merge() (*Whole, error) {
	if len(m.parts) == 0 {
		return nil, errors.New("nothing to merge: no share's record was found")
	}
	slices.SortFunc(m.parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.head.Run.Shard.Index, b.head.Run.Shard.Index), a.head.Run.StartedAt.Compare(b.head.Run.StartedAt), bytes.Compare(a.sum[:], b.sum[:]))
	})
	first := &m.parts[0]
	for i := range m.parts {
		if err := first.fits(&m.parts[i]); err != nil {
			return nil, err
		}
	}
	of := first.head.Run.Shard.Of
	version := m.usualVersion()
	var lost []string
	for _, d := range m.damaged {
		lost = append(lost, "what can't be read: "+d)
	}
	if m.expected > of {
		lost = append(lost, fmt.Sprintf("shares of a run of %d: somebody said that it began one", m.expected))
	}
	g := &merging{of: of, setting: m.Setting}
	present := map[int]*part{}
	for i := range m.parts {
		p := &m.parts[i]
		s := p.head.Run.Shard
		switch other := present[s.Index]; {
		case other != nil && other.sum == p.sum: // the same, read twice
			continue
		case other != nil:
			lost = append(lost, fmt.Sprintf("%s came twice, from %s and from %s, with unlike contents: the later one is left out", s, other, p))
			continue
		case p.version() != version:
			lost = append(lost, fmt.Sprintf("%s (%s), which is of %s, the others of %s", s, p, p.version(), version))
			present[s.Index] = p
			continue
		}
		present[s.Index] = p
		w, err := DecodeWhole(p.compressed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", Printable(p.source), err)
		}
		if err := g.add(w); err != nil {
			return nil, fmt.Errorf("%s: %w", Printable(p.source), err)
		}
		if late := w.Run.row().LateNS; late != nil && *late > int64(lateShard) {
			lost = append(lost, fmt.Sprintf("%s (%s) in time: it began %s late", s, p, FormatDuration(*late)))
		}
	}
	for i := range of {
		if present[i] == nil {
			s := Shard{Index: i, Of: of}
			text := s.String()
			if host, said := m.began[i]; said {
				text += fmt.Sprintf(" (%s), which began and gave no record", cmp.Or(host, "no name"))
			}
			lost = append(lost, text)
		}
	}
	w, err := g.end()
	if err != nil {
		return nil, err
	}
	slices.Sort(lost)
	w.Run.Lost = append(w.Run.Lost, lost...)
	Judge(w.Run)
	if w.Run.Capacity != nil {
		if err := g.climbed(w); err != nil {
			return nil, err
		}
		Judge(w.Run)
	}
	return w, nil
}

func (p *part) version() string {
	e := &p.head.Run.Environment
	return strings.TrimSpace("rmqbench " + e.ToolVersion + " " + e.Commit)
}

func (p *part) String() string { return cmp.Or(p.head.Run.Shard.Host, p.source) }

// usualVersion is what most shares are of; of those that are as many, the one of the lowest share.
func (m *Merger) usualVersion() string {
	counts := map[string]int{}
	usual := ""
	for i := range m.parts {
		counts[m.parts[i].version()]++
	}
	for i := range m.parts {
		if v := m.parts[i].version(); counts[v] > counts[usual] {
			usual = v
		}
	}
	return usual
}

// fits is an error unless both are of one run.
func (p *part) fits(other *part) error {
	a, b := &p.head.Run, &other.head.Run
	differ := func(what string) error {
		return fmt.Errorf("%s and %s are of unlike runs: %s", Printable(p.source), Printable(other.source), what)
	}
	switch {
	case a.Name != b.Name:
		return differ(fmt.Sprintf("%s and %s", Printable(a.Name), Printable(b.Name)))
	case a.Shard.Of != b.Shard.Of:
		return differ(fmt.Sprintf("one of %d shards, one of %d", a.Shard.Of, b.Shard.Of))
	case !a.Shard.StartAt.Equal(b.Shard.StartAt):
		return differ("they were to begin at unlike times")
	case a.Target.Proxy != b.Target.Proxy:
		return differ("one went through a proxy, one to the brokers")
	case !sameJSON(a.Scenario, b.Scenario):
		return differ("their scenarios differ")
	}
	return nil
}

// sameJSON compares two texts but for white space.
func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	if json.Compact(&x, a) != nil || json.Compact(&y, b) != nil {
		return bytes.Equal(a, b)
	}
	return bytes.Equal(x.Bytes(), y.Bytes())
}

// merging is a merge under way: the first share, to which the others are added.
type merging struct {
	of      int
	setting func(cause string) string // Merger.Setting
	whole   *Whole
	cases   []mergingCase
	allocs  float64 // of all successes
}

// mergingCase is what a case's record can't hold until the last share is added.
type mergingCase struct {
	whole, warmup span
	stages        []span
	anatomy       [6]float64 // sums, ns
	unknown       bool       // the anatomy of some share isn't known
	busy, ability float64    // of Generator.WorkersBusyShare: weighted by the workers, or the in-flight cap, and these
	allocs        float64
	begun         int    // shares that came to begin it
	limited       string // what kept the first of the shares whose generator was the limit; "": none was
	cut           string // why a share did not send all of it, and it was no answer of the target; "": all did
}

// span is when something began and ended, in nanoseconds after all were to begin it.
type span struct{ from, to int64 }

func (s *span) add(late int64, m *Measured, first bool) {
	from, to := late, late+m.ElapsedNS
	if first {
		*s = span{from, to}
		return
	}
	s.from, s.to = min(s.from, from), max(s.to, to)
}

func (g *merging) add(w *Whole) error {
	w.Run.Shards = []ShardRow{w.Run.row()}
	stepped := w.Run.Capacity != nil && w.Run.StoppedBy == StoppedByGuard // that the target could take no more is an answer
	if w.Run.CutShort != "" && !stepped {                                 // of the merged run a part is lost; itself it came to its end
		w.Run.Lost = append(w.Run.Lost, fmt.Sprintf("the rest of %s: %s", w.Run.Shard.named(), w.Run.CutShort))
	}
	w.Run.CutShort = ""
	w.keepSeries(g.of)
	first := g.whole == nil
	if err := w.stepped(g.whole); err != nil {
		return err
	}
	if first {
		g.whole = w
		g.cases = make([]mergingCase, len(w.Cases))
	}
	if len(w.Cases) != len(g.cases) {
		return fmt.Errorf("it has %d cases, the shares before it %d", len(w.Cases), len(g.cases))
	}
	for i := range w.Cases {
		if err := g.addCase(i, w); err != nil {
			return fmt.Errorf("case %s: %w", Printable(w.Run.Cases[i].Name), err)
		}
	}
	if p := w.Run.Process; p != nil {
		g.allocs += perMessage(p.AllocsPerMessage, w.Run.successes())
	}
	if first {
		return nil
	}
	return g.addRun(w)
}

// successes are those of all cases.
func (r *Run) successes() int64 {
	var sum int64
	for i := range r.Cases {
		sum += r.Cases[i].Successes()
	}
	return sum
}

func perMessage(each *float64, n int64) float64 {
	if each == nil {
		return 0
	}
	return *each * float64(n)
}

// keepSeries marks the points of a share with its number, or leaves them out where there are too many shares for them.
func (w *Whole) keepSeries(of int) {
	if of > mostSeries {
		w.Series = nil
		for i := range w.Run.Cases {
			w.Run.Cases[i].Intervals = nil
		}
	}
	for i := range w.Series {
		w.Series[i].Shard = new(w.Run.Shard.Index)
	}
}

// addRun adds what belongs to no case.
func (g *merging) addRun(w *Whole) error {
	into, from := g.whole.Run, w.Run
	if from.StartedAt.Before(into.StartedAt) {
		into.StartedAt = from.StartedAt
	}
	if from.EndedAt.After(into.EndedAt) {
		into.EndedAt = from.EndedAt
	}
	into.StoppedBy = cmp.Or(into.StoppedBy, from.StoppedBy)
	into.Lost = append(into.Lost, from.Lost...)
	into.Shards = append(into.Shards, from.Shards...)
	into.Outages = append(into.Outages, from.Outages...)
	into.MoreOutages += from.MoreOutages
	into.RouteChanges = foldChanges(into.RouteChanges, from.RouteChanges)
	into.Marks = append(into.Marks, from.Marks...)
	into.Leftover = into.Leftover.and(from.Leftover)
	g.whole.Series = append(g.whole.Series, w.Series...)
	if into.Process == nil || from.Process == nil {
		into.Process = nil
		return nil
	}
	addProcess(into.Process, from.Process)
	return nil
}

func addProcess(into, from *Process) {
	into.CPUNS = sum(into.CPUNS, from.CPUNS)
	into.MaxRSSBytes = atLeast(into.MaxRSSBytes, from.MaxRSSBytes)
}

// sum adds two that may be unknown: the sum is then.
func sum[N int | int64 | float64 | ListHash](a, b *N) *N {
	if a == nil || b == nil {
		return nil
	}
	return new(*a + *b)
}

// addCase adds case i of w to the shares before it. Of the first share that began it only what can't be in the record is noted.
func (g *merging) addCase(i int, w *Whole) error {
	acc, into, from := &g.cases[i], &g.whole.Run.Cases[i], &w.Run.Cases[i]
	hist, more := &g.whole.Cases[i], &w.Cases[i]
	if into.Name != from.Name || into.Round != from.Round || into.Mode != from.Mode || into.OpenLoop != from.OpenLoop {
		return fmt.Errorf("the shares before it have another case here: %s", Printable(into.Name))
	}
	acc.noteShare(w.Run.Shard, from)
	if from.CutShort != "" {
		from.CutShort = fmt.Sprintf("%s: %s", w.Run.Shard.named(), from.CutShort)
	}
	if len(from.Stages) == 0 && from.CutShort != "" { // it was over before this one's turn
		if into != from {
			into.CutShort, into.StoppedBy = joinWords(into.CutShort, from.CutShort), cmp.Or(into.StoppedBy, from.StoppedBy)
		}
		return nil
	}
	acc.begun++
	first := acc.begun == 1
	if first && into != from { // those before it did not come to begin it
		from.CutShort, from.StoppedBy = joinWords(into.CutShort, from.CutShort), cmp.Or(into.StoppedBy, from.StoppedBy)
		*into, *hist = *from, *more
	}
	if into.ScheduleHash != from.ScheduleHash {
		return fmt.Errorf("the shares before it have another schedule in %s", Printable(into.Name))
	}
	var late int64
	if from.LateNS != nil {
		late = *from.LateNS
	}
	if first {
		acc.stages = make([]span, len(from.Stages))
	}
	if len(from.Stages) != len(acc.stages) || (from.Warmup == nil) != (into.Warmup == nil) {
		return fmt.Errorf("it has %d stages, the shares before it %d", len(from.Stages), len(acc.stages))
	}
	acc.whole.add(late, &from.Measured, first)
	if from.Warmup != nil {
		acc.warmup.add(late, &from.Warmup.Measured, first)
	}
	for j := range from.Stages {
		acc.stages[j].add(late, &from.Stages[j].Measured, first)
	}
	acc.note(from)
	if first {
		return nil
	}
	into.SentHash, into.PlacedHash = sum(into.SentHash, from.SentHash), sum(into.PlacedHash, from.PlacedHash)
	into.CutShort, into.StoppedBy = joinWords(into.CutShort, from.CutShort), cmp.Or(into.StoppedBy, from.StoppedBy)
	into.LateNS = atLeast(into.LateNS, from.LateNS)
	into.Measured.sum(&from.Measured)
	err := sumKinds(into.Kinds, from.Kinds)
	if from.Warmup != nil {
		err = errors.Join(err, into.Warmup.sum(from.Warmup), hist.Warmup.Merge(more.Warmup))
	}
	for j := range from.Stages {
		err = errors.Join(err, into.Stages[j].sum(&from.Stages[j]), hist.Stages[j].Merge(&more.Stages[j]))
	}
	into.addShares(from)
	into.Generator.add(&from.Generator)
	if into.Process != nil && from.Process != nil {
		addProcess(into.Process, from.Process)
	} else {
		into.Process = nil
	}
	return errors.Join(err, hist.merge(more))
}

func joinWords(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// noteShare keeps what a share says of itself, and what the sums don't show.
func (acc *mergingCase) noteShare(s *Shard, c *Case) {
	for _, e := range c.Evidence {
		if e.Verdict == GeneratorLimited && acc.limited == "" {
			acc.limited = fmt.Sprintf("%s: %s", s.named(), e.Text)
		}
	}
	switch {
	case acc.cut != "":
	case len(c.Stages) == 0 || c.CutShort != "" && c.StoppedBy != StoppedByGuard && c.StoppedBy != StoppedByErrors && c.StoppedBy != StoppedByObjective:
		acc.cut = fmt.Sprintf("%s: %s", s.named(), c.CutShort)
	case c.LateNS != nil && *c.LateNS > int64(lateShard):
		acc.cut = fmt.Sprintf("%s began %s late", s.named(), FormatDuration(*c.LateNS))
	}
}

// note keeps what has to be weighted.
func (acc *mergingCase) note(c *Case) {
	n := c.Timed(c.Mode)
	if c.Anatomy == nil {
		acc.unknown = acc.unknown || n > 0
	} else {
		for i, p := range anatomyParts {
			acc.anatomy[i] += float64(p.of(c.Anatomy).Mean) * float64(n)
		}
	}
	g := &c.Generator
	width := float64(cmp.Or(g.InFlightCap, g.Workers))
	if g.WorkersBusyShare != nil {
		acc.busy += *g.WorkersBusyShare * width
		acc.ability += width
	}
	if c.Process != nil {
		acc.allocs += perMessage(c.Process.AllocsPerMessage, c.Successes())
	}
}

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
	c.Pulse = poolPulse([]*Case{c, from})
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

// merge adds another share's histograms but for the stages'.
func (c *WholeCase) merge(from *WholeCase) error {
	var err error
	each := func(into **Histogram, h *Histogram) {
		switch {
		case h == nil:
		case *into == nil:
			*into = h
		default:
			err = errors.Join(err, (*into).Merge(h))
		}
	}
	each(&c.First, from.First)
	each(&c.Last, from.Last)
	if c.Anatomy == nil {
		c.Anatomy = from.Anatomy
	} else {
		for i := range from.Anatomy {
			each(&c.Anatomy[i], from.Anatomy[i])
		}
	}
	for _, q := range from.Queues {
		at, found := slices.BinarySearchFunc(c.Queues, q, compareQueues)
		if found {
			c.Queues[at].Times.Merge(q.Times)
		} else {
			c.Queues = slices.Insert(c.Queues, at, q)
		}
	}
	if c.Batches == nil || from.Batches == nil {
		c.Batches = nil
	} else {
		c.Batches.merge(from.Batches)
	}
	return err
}

func compareQueues(a, b QueueTimes) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Broker, b.Broker), cmp.Compare(a.Queue, b.Queue))
}

// merge adds the batches of another share, which began at the same time.
func (b *BatchesInOrder) merge(from *BatchesInOrder) {
	for b.LengthNS < from.LengthNS {
		b.double()
	}
	for from.LengthNS < b.LengthNS {
		from.double()
	}
	if b.LengthNS != from.LengthNS { // unlike lengths that no doubling makes alike: no interval rather than a wrong one
		b.Batches = nil
		return
	}
	for i, batch := range from.Batches {
		if i < len(b.Batches) {
			b.Batches[i].Merge(batch)
		} else {
			b.Batches = append(b.Batches, batch)
		}
	}
}

// double puts neighbours together.
func (b *BatchesInOrder) double() {
	var halves []*Packed
	for i := 0; i < len(b.Batches); i += 2 {
		whole := b.Batches[i]
		if i+1 < len(b.Batches) {
			whole.Merge(b.Batches[i+1])
		}
		halves = append(halves, whole)
	}
	b.Batches, b.LengthNS = halves, 2*b.LengthNS
}

// Histograms are those of the run's cases, for its log; with rounds a case has several.
func (w *Whole) Histograms() ([]TaggedHistogram, error) {
	var all []TaggedHistogram
	for i := range w.Cases {
		c := &w.Run.Cases[i]
		total, err := w.Cases[i].total()
		if err != nil {
			return nil, err
		}
		for _, h := range total.Tagged(c.Mode, c.Kinds) {
			h.Case, h.Start, h.Length = c.Name, w.Run.StartedAt.Add(time.Duration(c.StartOffsetNS)), time.Duration(c.ElapsedNS)
			all = append(all, h)
		}
	}
	return all, nil
}

// total is all measured stages' times together.
func (c *WholeCase) total() (*StageTimes, error) {
	total := StageTimes{Times: NewTimes()}
	if len(c.Stages) > 0 {
		for range c.Stages[0].Kinds {
			total.Kinds = append(total.Kinds, NewTimes())
		}
	}
	for i := range c.Stages {
		if err := total.Merge(&c.Stages[i]); err != nil {
			return nil, err
		}
	}
	return &total, nil
}

// end derives all numbers from the sums and the histograms.
func (g *merging) end() (*Whole, error) {
	w := g.whole
	if w == nil {
		return nil, errors.New("nothing to merge: no share fits")
	}
	r := w.Run
	r.Shard = nil
	for i := range r.Cases {
		if err := g.cases[i].end(&r.Cases[i], &w.Cases[i]); err != nil {
			return nil, err
		}
	}
	n := r.successes()
	if p := r.Process; p != nil && n > 0 {
		p.each(n, g.allocs)
	}
	if err := r.poolAgain(w); err != nil {
		return nil, err
	}
	slices.SortStableFunc(r.Outages, func(a, b Outage) int { return a.BeganAt.Compare(b.BeganAt) })
	slices.SortStableFunc(r.Marks, func(a, b Mark) int { return a.At.Compare(b.At) })
	type key struct {
		name  string
		round int
	}
	order := map[key]int{}
	for i := range r.Cases {
		order[key{r.Cases[i].Name, r.Cases[i].Round}] = i
	}
	slices.SortStableFunc(w.Series, func(a, b Point) int {
		return cmp.Compare(order[key{a.Case, a.Round}], order[key{b.Case, b.Round}])
	})
	return w, nil
}

// poolAgain puts the rounds together, where there are any.
func (r *Run) poolAgain(w *Whole) error {
	if len(r.Pooled) == 0 {
		return nil
	}
	var names []string
	for i := range r.Pooled {
		names = append(names, r.Pooled[i].Name)
	}
	times, err := w.Histograms()
	if err != nil {
		return err
	}
	r.Pooled, err = Pool(names, r.Cases, times)
	return err
}

// each sets what n messages used, allocs objects in all.
func (p *Process) each(n int64, allocs float64) {
	if p.CPUNS != nil {
		p.CPUNSPerMessage = new(float64(*p.CPUNS) / float64(n))
	}
	if p.AllocsPerMessage != nil {
		p.AllocsPerMessage = new(allocs / float64(n))
	}
}

func (acc *mergingCase) end(c *Case, w *WholeCase) error {
	if acc.begun == 0 {
		return nil
	}
	total, err := w.total()
	if err != nil {
		return err
	}
	for i := range w.Stages {
		err = errors.Join(err, c.Stages[i].derive(c.Stages[i].Kinds, &w.Stages[i], acc.stages[i], c.Mode))
	}
	if w.Warmup != nil {
		err = errors.Join(err, c.Warmup.derive(c.Warmup.Kinds, w.Warmup, acc.warmup, c.Mode))
	}
	if err := errors.Join(err, c.derive(c.Kinds, total, acc.whole, c.Mode)); err != nil {
		return err
	}
	if c.Transport != nil {
		c.WireBytesPerSecond = PerSecond(c.Transport.BytesOut, c.ElapsedNS)
	}
	if len(c.Stages) == 1 {
		times := c.Response
		if c.Mode == modeOneway {
			times = c.WriteTime
		}
		w.Batches.Confide(times)
	}
	n := c.Successes()
	if p := c.Process; p != nil && n > 0 {
		p.each(n, acc.allocs)
	}
	c.Anatomy = nil
	if n = c.Timed(c.Mode); !acc.unknown && w.Anatomy != nil && n > 0 {
		c.Anatomy = &Anatomy{}
		for i, p := range anatomyParts {
			if h := w.Anatomy[i]; h != nil {
				*p.of(c.Anatomy) = NewPart(int64(math.Round(acc.anatomy[i]/float64(n))), h)
			}
		}
	}
	if acc.ability > 0 {
		c.Generator.WorkersBusyShare = new(acc.busy / acc.ability)
	}
	c.Generator.ServiceGrowth = nil
	if w.First != nil && w.Last != nil {
		if before := w.First.Quantile(0.5); before > 0 && w.Last.Count() > 0 {
			c.Generator.ServiceGrowth = new(float64(w.Last.Quantile(0.5)) / float64(before))
		}
	}
	c.setQueues(w.Queues)
	return nil
}

// derive sets the rates and the times of all shares' sends, and of the kinds that they are of.
func (m *Measured) derive(kinds []Kind, t *StageTimes, s span, mode string) error {
	m.rates(s)
	for i := range kinds {
		kinds[i].rates(s)
	}
	return t.Set(m, kinds, mode)
}

func (m *Measured) rates(s span) {
	m.ElapsedNS = s.to - s.from
	m.MessagesPerSecond = PerSecond(m.Successes(), m.ElapsedNS)
	m.BodyBytesPerSecond = nil
	if m.BodyBytes != nil {
		m.BodyBytesPerSecond = PerSecond(*m.BodyBytes, m.ElapsedNS)
	}
}

// setQueues sets the shares of queues, topics and brokers, and the skew, from the queues' times, which are in order.
func (c *Case) setQueues(queues []QueueTimes) {
	c.Queues = nil
	for _, q := range queues {
		c.Queues = append(c.Queues, Share{Topic: q.Topic, Broker: q.Broker, Queue: new(q.Queue), Acknowledged: q.Times.Count(), P99NS: q.Times.P99()})
	}
	c.Topics = together(queues, func(q *QueueTimes) Share { return Share{Topic: q.Topic} })
	c.Brokers = together(queues, func(q *QueueTimes) Share { return Share{Broker: q.Broker} })
	c.Skew = SkewOfQueues(c.Queues)
}

// together are the shares of all that of gives one name to, by it; what has none is left out.
func together(queues []QueueTimes, of func(*QueueTimes) Share) []Share {
	var all []Share
	times := map[Share]*Packed{}
	for i := range queues {
		s := of(&queues[i])
		switch {
		case s == Share{}:
			continue
		case times[s] == nil:
			times[s] = &Packed{}
			all = append(all, s)
		}
		times[s].Merge(queues[i].Times)
	}
	for i, s := range all {
		all[i].Acknowledged, all[i].P99NS = times[s].Count(), times[s].P99()
	}
	slices.SortFunc(all, func(a, b Share) int { return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Broker, b.Broker)) })
	return all
}

// maxLog bounds a file that a share is looked for in.
const maxLog = 1 << 30

// AddPath takes in what is at path: a share's directory or its file [WholeFile], a log, or a directory that holds any of these, one
// level deep. A directory of a share that has no such file (it was killed) is noted by its checkpoint.
func (m *Merger) AddPath(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("read a share: %w", err)
	}
	if !info.IsDir() {
		return m.addFile(path)
	}
	if found, err := m.addDir(path); found || err != nil {
		return err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("read shares: %w", err)
	}
	for _, e := range entries {
		at := filepath.Join(path, e.Name())
		if e.IsDir() {
			_, err = m.addDir(at)
		} else if e.Type().IsRegular() {
			err = m.addFile(at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addDir takes in a share's own directory; false: it is none.
func (m *Merger) addDir(path string) (bool, error) {
	whole := filepath.Join(path, WholeFile)
	if _, err := os.Stat(whole); err == nil {
		return true, m.addFile(whole)
	}
	r, err := Read(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return false, err
	}
	if r.Shard == nil {
		return true, fmt.Errorf("%s is no share of a run: only runs with --shard can be merged", Printable(path))
	}
	m.Began(r.Shard)
	return true, nil
}

// addFile takes in a share's file, or a log that has shares in it.
func (m *Merger) addFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read a share: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	in := bufio.NewReader(f)
	if magic, err := in.Peek(len(zstdMagic)); err != nil || string(magic) != zstdMagic {
		return m.AddPrinted(path, io.LimitReader(in, maxLog))
	}
	data, err := io.ReadAll(io.LimitReader(in, maxWholeCompress+1))
	if err != nil {
		return fmt.Errorf("read %s: %w", Printable(path), err)
	}
	return m.Add(path, data)
}

// zstdMagic begins what Zstandard has made (RFC 8878, 3.1.1).
const zstdMagic = "\x28\xb5\x2f\xfd"
