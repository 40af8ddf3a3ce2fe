package results

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

const (
	// noClaim stands for a percentile that isn't claimed; a line under the table says why.
	noClaim = "—"
	// claimOverDelay is how many times the median delay a percentile must be to be claimed on an open loop.
	claimOverDelay = 3
)

// WriteTable writes a judged run for a terminal: a row a case (three on an open loop: from due, from call, and the wait
// between them), and one for each kind of a mix, and under it what the rows can't say. It goes under a line with the [Title]. Every name from outside
// is made [Printable].
func WriteTable(w io.Writer, r *Run) error {
	draw, shares := tableLines, queueTable
	if r.Selectors != nil { // says all of it that is to be compared
		draw = func(r *Run) ([]string, error) {
			lines, err := selectorGrid(r).lines()
			return append(lines, r.Selectors.words()...), err
		}
		shares = func(*Run) ([]string, error) { return nil, nil }
	}
	rows, err := draw(r)
	if err != nil {
		return fmt.Errorf("table: %w", err)
	}
	claims := claimLines(r)
	if r.Selectors != nil && !slices.ContainsFunc(rows, func(line string) bool { return strings.Contains(line, noClaim) }) {
		claims = nil // they are of columns that this table lacks
	}
	var anatomy []string
	if r.Selectors == nil {
		anatomy, err = anatomyTable(r)
	}
	if err != nil {
		return fmt.Errorf("table: %w", err)
	}
	shards, err := shardGrid(r).lines()
	if err != nil {
		return fmt.Errorf("table: %w", err)
	}
	causes, err := causeTable(r)
	if err != nil {
		return fmt.Errorf("table: %w", err)
	}
	queues, err := shares(r)
	if err != nil {
		return fmt.Errorf("table: %w", err)
	}
	var topics []string
	if r.Selectors == nil {
		topics, err = topicTable(r)
	}
	if err != nil {
		return fmt.Errorf("table: %w", err)
	}
	for _, line := range slices.Concat(rows, roundLines(r), anatomy, shards, shardLines(r), outcomeLines(r), causes, objectiveLines(r), markLines(r), outageLines(r), eventLines(r), avoidanceLines(r), topics, queues, arrivalLines(r), compressionLines(r), remarkLines(r), claims, costLines(r), leftoverLines(r), evidenceLines(r)) {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return fmt.Errorf("table: %w", err)
		}
	}
	return nil
}

// embeddedSays stands wherever figures are that an embedded broker made.
const embeddedSays = "EMBEDDED BROKER: measures this client, never RocketMQ"

// Title names the run and its target on one line; an embedded broker is named as what it is.
func Title(r *Run) string {
	words := []string{Printable(r.Name)}
	t := &r.Target
	if t.AnyEmbedded() {
		words = append(words, embeddedSays)
	}
	if !t.Embedded {
		if t.Cluster != "" {
			words = append(words, Printable(t.Cluster))
		}
		names := Printable(strings.Join(t.Namesrv, ";"))
		if t.Proxy {
			names = "through the proxy " + names + ": no claim about single brokers"
		}
		words = append(words, names)
		switch {
		case t.TLSInsecure:
			words = append(words, "TLS, NOT VERIFIED")
		case t.TLS:
			words = append(words, "TLS")
		}
		for _, b := range t.Brokers {
			words = append(words, strings.TrimSpace(Printable(b.Name)+" "+Printable(b.Version)))
		}
	}
	return strings.Join(words, " · ")
}

// VerdictLine is a judged run's verdict and, beside it, the share of errors of the case that had the most, if there were many.
func VerdictLine(r *Run) string {
	var worst *Case
	cases := r.wholes()
	for i := range cases {
		if c := &cases[i]; c.ErrorShare() > errorsShown && (worst == nil || c.ErrorShare() > worst.ErrorShare()) {
			worst = c
		}
	}
	if worst == nil {
		return string(r.Verdict)
	}
	return fmt.Sprintf("%s · %s of %s are errors", r.Verdict, formatShare(worst.ErrorShare()), Printable(worst.Name))
}

// row is one line of the table: the times of one case by one clock.
type row struct {
	label   string
	rate    string
	times   *Latency
	atLeast int64 // in ns: a percentile under it isn't claimed
	errors  string
	verdict string
	what    string // what the times are, by its key of definitions
}

func rowsOf(c *Case) []row {
	times, name := c.timed(c.Mode)
	first := row{label: c.label(), rate: noClaim, times: times, errors: formatShare(c.ErrorShare()), verdict: Printable(string(c.Verdict)), what: name + "_ns"}
	if c.Mode == modeOneway {
		first.label += " · write time"
	}
	if c.MessagesPerSecond != nil {
		first.rate = FormatRate(*c.MessagesPerSecond)
		if c.Verdict == GeneratorLimited {
			first.rate = "≥" + first.rate
		}
	}
	if !c.OpenLoop && !c.Ordered {
		return append([]row{first}, c.kindRows()...)
	}
	first.label += " · from due"
	first.atLeast = leastClaimed(c)
	rows := []row{first, {label: "  from call", times: c.Service, what: "service_ns"}, {label: "  waited before sending", times: c.Delay, what: "delay_ns"}}
	return append(rows, c.kindRows()...)
}

// leastClaimed is what a percentile from due must reach on an open loop: under it, it says more of the generator's own
// wait than of the target. The wait for a key is the load's own.
func leastClaimed(c *Case) int64 {
	if !c.OpenLoop || c.Ordered || c.Delay == nil || c.Delay.P50 == nil {
		return 0
	}
	return claimOverDelay * *c.Delay.P50
}

// shown are the percentiles that the table has a column for.
var shown = percentiles[:4]

// tableLines are the rows under their header.
func tableLines(r *Run) ([]string, error) {
	withErrors := slices.ContainsFunc(r.wholes(), func(c Case) bool { return c.ErrorShare() != 0 })
	header := []string{"case", "msg/s"}
	for _, p := range shown {
		header = append(header, p.label)
	}
	header = append(header, "max")
	if withErrors {
		header = append(header, "errors")
	}
	header = append(header, "verdict")

	var rows [][]string
	cases := r.wholes()
	for i := range cases {
		for _, row := range rowsOf(&cases[i]) {
			rows = append(rows, row.cells(withErrors))
		}
	}
	return drawTable(header, rows, len(header)-1)
}

// drawTable draws columns that are aligned to the right, but for the first and those in left, without the spaces that pad
// the last one.
func drawTable(header []string, rows [][]string, left ...int) ([]string, error) {
	align := tw.MakeAlign(len(header), tw.AlignRight)
	for _, i := range append(left, 0) {
		align[i] = tw.AlignLeft
	}
	cells := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off},
		Padding:    tw.CellPadding{Global: tw.Padding{Right: "  ", Overwrite: true}},
		Alignment:  tw.CellAlignment{PerColumn: align},
	}
	var drawn strings.Builder
	table := tablewriter.NewTable(&drawn,
		tablewriter.WithConfig(tablewriter.Config{Header: cells, Row: cells, Behavior: tw.Behavior{TrimSpace: tw.Off}}),
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Symbols:  tw.NewSymbols(tw.StyleNone),
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		})))
	table.Header(header)
	if err := table.Bulk(rows); err != nil {
		return nil, err
	}
	if err := table.Render(); err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimRight(drawn.String(), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines, nil
}

func (r row) cells(withErrors bool) []string {
	cells := []string{r.label, r.rate}
	for _, p := range shown {
		cells = append(cells, r.percentile(p))
	}
	cells = append(cells, longestCell(r.times, r.what).Text)
	if withErrors {
		cells = append(cells, r.errors)
	}
	return append(cells, r.verdict)
}

func (r row) percentile(p percentile) string { return r.cell(p).Text }

// cell is a percentile; a dash where it isn't claimed.
func (r row) cell(p percentile) gridCell {
	c := p.cell(r.times, r.what)
	if c.Sort != "" && **p.of(r.times) < r.atLeast {
		c.Text = noClaim
	}
	return c
}

// outcomeLines says, for each case that had some, how many sends were neither acknowledged nor written, and why.
func outcomeLines(r *Run) []string {
	var lines []string
	cases := r.wholes()
	for i := range cases {
		c := &cases[i]
		var parts []string
		for _, f := range countFields {
			if n := *f.of(&c.Counts); n != 0 && f.isError {
				parts = append(parts, f.name+" "+groupDigits(n))
			}
		}
		if len(parts) == 0 {
			continue
		}
		line := fmt.Sprintf("%s: of %s %s", c.label(), FormatCount(c.Offered, "send"), strings.Join(parts, ", "))
		lines = append(lines, line)
	}
	return lines
}

// maxOutages is how many marks have a line, and brokers whose outages have one.
const maxOutages = 10

// foldFrom is of how many alike one line tells.
const foldFrom = 3

// outageLines tells of the times in which a broker took nothing: one by one, or together where a broker had many.
func outageLines(r *Run) []string {
	var lines []string
	told := 0
	for _, broker := range inOrder(r.Outages, func(o *Outage) string { return o.Broker }) {
		if len(lines) == maxOutages {
			break
		}
		if told += len(broker); len(broker) >= foldFrom {
			lines = append(lines, outagesTogether(broker))
			continue
		}
		for _, o := range broker {
			lines = append(lines, fmt.Sprintf("%s: outage of %s from %s on, %s; meanwhile refused %s, ambiguous %s, failed %s", inRound(o.Case, o.Round), o.of(),
				o.BeganAt.UTC().Format("15:04:05.000Z"), o.end(), groupDigits(o.Refused), groupDigits(o.Ambiguous), groupDigits(o.Failed)))
		}
	}
	if more := int64(len(r.Outages)-told) + r.MoreOutages; more > 0 {
		lines = append(lines, FormatCount(more, "more outage"))
	}
	return lines
}

func (o *Outage) of() string {
	if o.Topic != "" {
		return "any broker of topic " + Printable(o.Topic)
	}
	if o.Broker == "" {
		return "any broker"
	}
	return Printable(o.Broker)
}

func (o *Outage) end() string {
	if o.FirstSuccessNS == nil {
		return "no send succeeded again"
	}
	return "the first success after " + FormatDuration(*o.FirstSuccessNS)
}

// outagesTogether is one line for outages of one broker.
func outagesTogether(all []*Outage) string {
	cases := map[string]bool{}
	var longest *Outage
	var endless, refused, ambiguous, failed int64
	for _, o := range all {
		cases[o.Case] = true
		refused, ambiguous, failed = refused+o.Refused, ambiguous+o.Ambiguous, failed+o.Failed
		if o.FirstSuccessNS == nil {
			endless++
		} else if longest == nil || *o.FirstSuccessNS > *longest.FirstSuccessNS {
			longest = o
		}
	}
	in := fmt.Sprintf("%d cases", len(cases))
	if len(cases) == 1 {
		in = Printable(all[0].Case)
	}
	line := fmt.Sprintf("%d outages of %s in %s", len(all), all[0].of(), in)
	if longest != nil {
		line += ", the longest until the first success after " + FormatDuration(*longest.FirstSuccessNS)
	}
	if endless > 0 {
		line += fmt.Sprintf(", %d without one", endless)
	}
	return line + fmt.Sprintf("; meanwhile refused %s, ambiguous %s, failed %s", groupDigits(refused), groupDigits(ambiguous), groupDigits(failed))
}

// inOrder groups what has the same key, in the order of each key's first.
func inOrder[T any, K comparable](all []T, key func(*T) K) [][]*T {
	var groups [][]*T
	at := map[K]int{}
	for i := range all {
		k := key(&all[i])
		g, known := at[k]
		if !known {
			g = len(groups)
			at[k], groups = g, append(groups, nil)
		}
		groups[g] = append(groups[g], &all[i])
	}
	return groups
}

// markLines tells when moments were marked.
func markLines(r *Run) []string {
	var lines []string
	for i := range r.Marks[:min(len(r.Marks), maxOutages)] {
		m := &r.Marks[i]
		lines = append(lines, fmt.Sprintf("mark %d at %s, %s after the beginning", i+1, m.At.UTC().Format("15:04:05.000Z"), FormatDuration(m.OffsetNS)))
	}
	if more := len(r.Marks) - len(lines); more > 0 {
		lines = append(lines, groupDigits(int64(more))+" more marks")
	}
	return lines
}

// claimLines explains the percentiles that the rows leave out.
func claimLines(r *Run) []string {
	var lacking []percentile
	var drowned []string
	cases := r.wholes()
	for _, p := range shown {
		for i := range cases {
			if slices.ContainsFunc(rowsOf(&cases[i]), func(r row) bool { return r.times != nil && *p.of(r.times) == nil }) {
				lacking = append(lacking, p)
				break
			}
		}
	}
	for _, p := range shown {
		var of []*Case
		for i := range cases {
			first := rowsOf(&cases[i])[0]
			if first.times == nil {
				continue
			}
			if v := *p.of(first.times); v != nil && *v < first.atLeast {
				of = append(of, &cases[i])
			}
		}
		why := func(who string, wait int64) {
			drowned = append(drowned, fmt.Sprintf("%s %s: no %s from due, it is under %d × the median wait before sending (%s)", noClaim, who, p.label, claimOverDelay, FormatDuration(wait)))
		}
		if len(of) >= foldFrom {
			longest := slices.MaxFunc(of, func(a, b *Case) int { return cmp.Compare(*a.Delay.P50, *b.Delay.P50) })
			why(fmt.Sprintf("%d of %d cases, the worst %s", len(of), len(cases), longest.label()), *longest.Delay.P50)
			continue
		}
		for _, c := range of {
			why(c.label(), *c.Delay.P50)
		}
	}
	if len(lacking) == 0 {
		return drowned
	}
	var needs []string
	for _, p := range lacking {
		needs = append(needs, p.label+" "+groupDigits(p.needs))
	}
	return append([]string{noClaim + " too few sends; a percentile needs: " + strings.Join(needs, ", ")}, drowned...)
}

// costLines says what of the numbers is the instrument's own.
func costLines(r *Run) []string {
	if r.InstrumentCost == nil {
		return nil
	}
	return []string{r.InstrumentCost.words()}
}

const instrumentItself = "the instrument itself"

func (c *InstrumentCost) words() string {
	parts := []string{}
	if c.MessagesPerSecond != nil {
		parts = append(parts, FormatRate(*c.MessagesPerSecond)+" msg/s")
	}
	if c.P50NS != nil {
		parts = append(parts, "p50 "+FormatDuration(*c.P50NS))
	}
	if c.CPUNSPerMessage != nil {
		parts = append(parts, FormatDuration(int64(*c.CPUNSPerMessage))+" CPU a message")
	}
	return fmt.Sprintf(instrumentItself+" (%s, %s, a broker that does nothing): %s", Printable(c.Mode), FormatBytes(c.BodyBytes), strings.Join(parts, ", "))
}

// inRounds says how many of a case's rounds e holds of.
func inRounds(e *Evidence, c *Case) string {
	if c.Rounds == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d of %s rounds, the worst)", e.Rounds, groupDigits(int64(c.Rounds)))
}

// evidenceLines gives the reasons for a verdict that isn't VALID, and what a reader of VALID numbers must know: kind by kind, and one line
// for a kind that many cases have. The record has each.
func evidenceLines(r *Run) []string {
	var lines, atCeiling []string
	for _, e := range r.Evidence {
		if e.Case == "" {
			lines = append(lines, Printable(string(e.Verdict))+" "+Printable(e.Text))
		}
	}
	cases := r.wholes()
	type line struct {
		of *Case
		e  *Evidence
	}
	var all []line
	for i := range cases {
		for j := range cases[i].Evidence {
			switch e := &cases[i].Evidence[j]; {
			case e.Verdict != Valid, e.Code == codeScheduleMissed, e.Code == codeErrorShare, e.Code == codeVerified, e.Code == codeBodiesVerified, e.Code == codeClockSet:
				all = append(all, line{&cases[i], e})
			case e.Code == codeCPUCeiling:
				atCeiling = append(atCeiling, cases[i].label())
			}
		}
	}
	type kind struct {
		code    string
		verdict Verdict
	}
	for _, alike := range inOrder(all, func(l *line) kind { return kind{l.e.Code, l.e.Verdict} }) {
		before := ""
		if v := alike[0].e.Verdict; v != Valid {
			before = Printable(string(v)) + " "
		}
		if len(alike) < foldFrom {
			for _, l := range alike {
				rounds := ""
				if l.e.Verdict != Valid {
					rounds = inRounds(l.e, l.of)
				}
				lines = append(lines, before+l.of.label()+rounds+": "+Printable(l.e.Text))
			}
			continue
		}
		worst, how := alike[0], "such as"
		for _, l := range alike {
			if l.e.Value != nil {
				how = "the worst"
			}
			if l.e.moreThan(worst.e) {
				worst = l
			}
		}
		lines = append(lines, fmt.Sprintf("%s%d of %d cases, %s %s: %s", before, len(alike), len(cases), how, worst.of.label(), Printable(worst.e.Text)))
	}
	if len(atCeiling) > 0 {
		lines = append(lines, "the CPU was full: the ceiling of client and broker together ("+strings.Join(atCeiling, ", ")+")")
	}
	return lines
}
