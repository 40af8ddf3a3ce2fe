package results

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Pool puts the rounds of each case together, in the order of names: counts are summed, histograms merged, percentiles are
// those of the merge, with intervals from how much the rounds' own differ. What can't be put together without averaging is
// left out: stages, warm-up, percentiles of parts and queues, the generator. names without a case are skipped.
func Pool(names []string, cases []Case, histograms []TaggedHistogram) ([]Case, error) {
	var pooled []Case
	for _, name := range names {
		var rounds []*Case
		for i := range cases {
			if cases[i].Name == name {
				rounds = append(rounds, &cases[i])
			}
		}
		if len(rounds) == 0 {
			continue
		}
		times := map[string][]*Histogram{}
		for _, h := range histograms {
			if h.Case == name {
				times[h.Metric] = append(times[h.Metric], h.Histogram)
			}
		}
		c, err := pool(rounds, times)
		if err != nil {
			return nil, fmt.Errorf("rounds of %s: %w", name, err)
		}
		pooled = append(pooled, c)
	}
	return pooled, nil
}

// timedMetric is the metric whose times a mode's sends are known by, due until done.
func timedMetric(mode string) string {
	if mode == modeOneway {
		return "write_time"
	}
	return "response"
}

// pool is the rounds of one case together; times are their histograms by metric.
func pool(rounds []*Case, times map[string][]*Histogram) (Case, error) {
	first := rounds[0]
	c := Case{Name: first.Name, Params: first.Params, Mode: first.Mode, OpenLoop: first.OpenLoop, Rounds: len(rounds), SLO: slices.Clone(first.SLO)}
	var all []*Measured
	for _, r := range rounds {
		all = append(all, &r.Measured)
		c.CutShort = cmp.Or(c.CutShort, r.CutShort)
	}
	c.pool(all)
	for metric, into := range map[string]**Latency{"response": &c.Response, "write_time": &c.WriteTime, "service": &c.Service, "delay": &c.Delay} {
		whole := NewHistogram()
		for _, h := range times[metric] {
			if err := whole.Merge(h); err != nil {
				return c, err
			}
		}
		if *into = Summarize(whole); metric == timedMetric(first.Mode) {
			for _, h := range times[metric] {
				c.RoundP99NS = append(c.RoundP99NS, h.Quantile(0.99))
			}
		}
		(*into).confideRounds(times[metric])
	}
	if err := c.poolKinds(rounds, times); err != nil {
		return c, err
	}
	c.Queues, c.Brokers = poolShares(rounds, func(r *Case) []Share { return r.Queues }), poolShares(rounds, func(r *Case) []Share { return r.Brokers })
	c.Topics = poolShares(rounds, func(r *Case) []Share { return r.Topics })
	c.Skew, c.Anatomy = SkewOfQueues(c.Queues), poolAnatomy(rounds)
	c.Events, c.Keys, c.Pulse = first.Events, poolKeys(rounds), poolPulse(rounds)
	return c, nil
}

// pool sums what rounds counted. Their times are not known from them.
func (m *Measured) pool(rounds []*Measured) {
	first := rounds[0]
	m.Retries, m.AmbiguousAttempts, m.BodyBytes, m.BodyBytesEach = new(int64), new(int64), new(int64), first.BodyBytesEach
	m.StartOffsetNS = first.StartOffsetNS
	var wire float64
	for _, r := range rounds {
		m.Counts.add(&r.Counts)
		m.StartOffsetNS = min(m.StartOffsetNS, r.StartOffsetNS)
		m.ElapsedNS += r.ElapsedNS
		*m.BodyBytes += valueOf(r.BodyBytes)
		wire += valueOf(r.WireBytesPerSecond) * float64(r.ElapsedNS) / 1e9
	}
	m.MessagesPerSecond = PerSecond(m.Successes(), m.ElapsedNS)
	m.BodyBytesPerSecond = PerSecond(*m.BodyBytes, m.ElapsedNS)
	if wire > 0 {
		m.WireBytesPerSecond = PerSecond(int64(wire), m.ElapsedNS)
	}
}

// add adds all of from, attempts too, to maps of its own.
func (c *Counts) add(from *Counts) {
	c.Statuses, c.Errors = maps.Clone(c.Statuses), maps.Clone(c.Errors)
	c.Add(from)
	if from.Retries != nil {
		*c.Retries += *from.Retries
	}
	if from.AmbiguousAttempts != nil {
		*c.AmbiguousAttempts += *from.AmbiguousAttempts
	}
}

func valueOf[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// poolShares sums what each queue, topic or broker took, and how long that took on average. Its p99 is not known: those of the rounds
// don't add up.
func poolShares(rounds []*Case, of func(*Case) []Share) []Share {
	type place struct {
		topic, broker string
		queue         int32
	}
	sums := map[place]*Share{}
	times := map[place]*[2]int64{} // service and delay, summed
	for _, r := range rounds {
		for _, s := range of(r) {
			at := place{s.Topic, s.Broker, -1}
			if s.Queue != nil {
				at.queue = *s.Queue
			}
			if sums[at] == nil {
				sums[at], times[at] = &Share{Topic: s.Topic, Broker: s.Broker, Queue: s.Queue}, &[2]int64{}
			}
			times[at][0] += valueOf(s.ServiceMeanNS) * s.Acknowledged
			times[at][1] += valueOf(s.DelayMeanNS) * s.Acknowledged
			if s.BeforeChange != nil {
				sums[at].BeforeChange = new(valueOf(sums[at].BeforeChange) + *s.BeforeChange)
			}
			sums[at].Acknowledged += s.Acknowledged
		}
	}
	var all []Share
	for _, at := range slices.SortedFunc(maps.Keys(sums), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.broker, b.broker), cmp.Compare(a.queue, b.queue))
	}) {
		sums[at].timed(times[at][0], times[at][1])
		all = append(all, *sums[at])
	}
	return all
}

// poolAnatomy is the means of all sends' parts; nil unless every round that had sends knows them.
func poolAnatomy(rounds []*Case) *Anatomy {
	var n int64
	var whole Anatomy
	sums := make([]float64, len(anatomyParts))
	for _, r := range rounds {
		if r.Timed(r.Mode) == 0 {
			continue
		}
		if r.Anatomy == nil {
			return nil
		}
		n += r.Timed(r.Mode)
		for i, p := range anatomyParts {
			sums[i] += float64(p.of(r.Anatomy).Mean) * float64(r.Timed(r.Mode))
		}
	}
	if n == 0 {
		return nil
	}
	for i, p := range anatomyParts {
		p.of(&whole).Mean = int64(math.Round(sums[i] / float64(n)))
	}
	return &whole
}

// poolKeys sums the keys of all rounds: a key counts once in each.
func poolKeys(rounds []*Case) *Keys {
	var sum *Keys
	for _, r := range rounds {
		if r.Keys == nil {
			continue
		}
		if sum == nil {
			sum = &Keys{}
		}
		sum.Used += r.Keys.Used
		sum.InTwoQueues += r.Keys.InTwoQueues
		sum.Pairs += r.Keys.Pairs
		sum.OrderBreaks += r.Keys.OrderBreaks
		if from := r.Keys.Change; from != nil {
			if sum.Change == nil {
				sum.Change = &KeyChange{}
			}
			sum.Change.Both += from.Both
			sum.Change.InOneBefore += from.InOneBefore
			sum.Change.Moved += from.Moved
		}
	}
	return sum
}

// poolPulse sums bins that lie at the same time in their rounds.
func poolPulse(rounds []*Case) []Pulse {
	var sums []Pulse
	for _, r := range rounds {
		for _, from := range r.Pulse {
			i := slices.IndexFunc(sums, func(p Pulse) bool { return p.Broker == from.Broker })
			if i < 0 {
				i = len(sums)
				sums = append(sums, Pulse{Broker: from.Broker, BinNS: from.BinNS})
			}
			sum := &sums[i]
			if more := len(from.Sends) - len(sum.Sends); more > 0 {
				sum.Sends = append(sum.Sends, make([]int64, more)...)
			}
			for j, n := range from.Sends {
				sum.Sends[j] += n
			}
		}
	}
	return sums
}

// minRounds is how many rounds an interval takes.
const minRounds = 3

// confideRounds puts 95 % intervals beside l's percentiles, from those of the rounds, each of which must have 10 sends beyond
// the percentile: rounds are apart from one another, so that they count as samples (Student's t).
func (l *Latency) confideRounds(rounds []*Histogram) {
	if l == nil || len(rounds) < minRounds {
		return
	}
	for _, p := range percentiles {
		at := *p.of(l)
		if at == nil || slices.ContainsFunc(rounds, func(h *Histogram) bool { return float64(h.Count())*(1-p.q) < batchPercent }) {
			continue
		}
		values := make([]float64, len(rounds))
		for i, h := range rounds {
			values[i] = float64(h.Quantile(p.q))
		}
		half := int64(math.Ceil(halfWidth(values)))
		if l.CI95 == nil {
			l.CI95 = map[string][2]int64{}
		}
		l.CI95[p.key] = [2]int64{max(*at-half, 0), *at + half}
	}
}

// wholes are the cases as a reader thinks of them: the rounds of each together, or where there are none each by itself.
func (r *Run) wholes() []Case {
	if len(r.Pooled) > 0 {
		return r.Pooled
	}
	return r.Cases
}

// judgePooled sets what the rounds' verdicts and counts say of them together. Cases must have been judged.
func (r *Run) judgePooled() {
	for i := range r.Pooled {
		p := &r.Pooled[i]
		p.Verdict, p.Evidence = Valid, []Evidence{}
		of := map[string]int{} // evidence of a code: its place
		for j := range r.Cases {
			c := &r.Cases[j]
			if c.Name != p.Name {
				continue
			}
			p.Verdict = worse(p.Verdict, c.Verdict)
			for _, e := range c.Evidence {
				at, known := of[e.Code]
				switch {
				case !known:
					of[e.Code] = len(p.Evidence)
					e.Rounds = 1
					p.Evidence = append(p.Evidence, e)
				case e.moreThan(&p.Evidence[at]):
					e.Rounds = p.Evidence[at].Rounds
					if e.Verdict == p.Evidence[at].Verdict {
						e.Rounds++
					} else {
						e.Rounds = 1
					}
					p.Evidence[at] = e
				case e.Verdict == p.Evidence[at].Verdict:
					p.Evidence[at].Rounds++
				}
			}
		}
		for j := range p.SLO {
			p.SLO[j].judge(p)
		}
	}
}

// moreThan reports whether e says worse than other, which is of the same code.
func (e *Evidence) moreThan(other *Evidence) bool {
	if e.Verdict != other.Verdict {
		return worse(e.Verdict, other.Verdict) == e.Verdict
	}
	return valueOf(e.Value) > valueOf(other.Value)
}

// label names a case, and its round, for people.
func (c *Case) label() string { return inRound(c.Name, c.Round) }

// inRound is a case's name, made printable, with the round if there is one.
func inRound(name string, round int) string {
	if round == 0 {
		return Printable(name)
	}
	return fmt.Sprintf("%s, round %d", Printable(name), round)
}

// roundLines says what a row is made of, where there are rounds.
func roundLines(r *Run) []string {
	if len(r.Pooled) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("a row is %d rounds together, each of all cases in an order of its own", r.Pooled[0].Rounds)}
}
