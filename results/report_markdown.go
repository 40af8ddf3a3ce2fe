package results

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// writeMarkdown writes a summary for a pull request: verdict, a row a case, objectives, what a reader must know, and where it ran.
func writeMarkdown(w io.Writer, r *Result) error {
	run := r.Run
	cases := run.wholes()
	var b strings.Builder
	fmt.Fprintf(&b, "### %s %s\n\n", verdictMark(run.Verdict), mdText(Title(run)))
	fmt.Fprintf(&b, "**%s**", mdText(VerdictLine(run)))
	if run.Capacity != nil {
		fmt.Fprintf(&b, " · %s", mdText(run.Capacity.Sentence(run.Target.Embedded)))
	}
	b.WriteString("\n\n")
	if run.Capacity != nil && run.Capacity.Need != nil {
		fmt.Fprintf(&b, "%s\n\n", mdText(run.Capacity.Need.Sentence()))
	}
	if run.Selectors != nil {
		b.WriteString(selectorGrid(run).markdown())
		for _, line := range run.Selectors.words() {
			b.WriteString("- " + mdText(line) + "\n")
		}
		b.WriteString("\n")
	}
	if len(cases) > 0 {
		header := []string{"case", "msg/s"}
		for _, p := range shown {
			header = append(header, p.label)
		}
		header = append(header, "max", "errors", "verdict")
		var rows [][]string
		for i := range cases {
			c := &cases[i]
			for _, row := range rowsOf(c) {
				cells := row.cells(true)
				cells[0] = mdText(cells[0])
				rows = append(rows, cells)
			}
		}
		table := mdTable(header, rows, len(header)-1)
		if run.Selectors != nil { // which says what there is to compare
			table = mdDetails("The cases", table)
		}
		b.WriteString(table)
	}
	if c := run.Capacity; c != nil {
		if len(c.Parts) > 0 {
			b.WriteString(c.searchGrid().markdown())
		}
		b.WriteString(mdDetails("Rate and latency", c.curveGrid("").markdown()))
		for i := range c.Parts {
			b.WriteString(mdDetails("Rate and latency "+mdText(c.Parts[i].With()), c.Parts[i].curveGrid("").markdown()))
		}
	}
	b.WriteString(shardGrid(run).markdown())
	if run.Capacity == nil {
		if table := mdAnatomy(run); table != "" {
			b.WriteString(mdDetails("Where the time went", table))
		}
	}
	if topics := topicGrid(run).markdown(); topics != "" {
		b.WriteString(mdDetails("What each topic took", topics))
	}
	var lines []string
	for _, line := range slices.Concat(roundLines(run), shardLines(run), outcomeLines(run), causeLines(run), objectiveLines(run), markLines(run), outageLines(run), eventLines(run), avoidanceLines(run), skewLines(run), arrivalLines(run), compressionLines(run), remarkLines(run), claimLines(run), costLines(run), leftoverLines(run), evidenceLines(run)) {
		lines = append(lines, "- "+mdText(line)+"\n")
	}
	if len(lines) > 0 {
		b.WriteString(strings.Join(lines, "") + "\n")
	}
	var told []string
	for _, d := range disclosure(run) {
		told = append(told, mdText(d.name)+" "+mdText(d.value))
	}
	fmt.Fprintf(&b, "<sub>%s</sub>\n", strings.Join(told, " · "))
	_, err := io.WriteString(w, b.String())
	return err
}

// mdAnatomy is a row for each case that knows where its time went; "" where none does.
func mdAnatomy(r *Run) string {
	header, rows := anatomyRows(r, "case, mean", func(c *Case) string { return mdText(c.Name) })
	if len(rows) == 0 {
		return ""
	}
	return mdTable(header, rows)
}

// verdictMark is a verdict for somebody who only glances.
func verdictMark(v Verdict) string {
	switch v {
	case Valid:
		return "✅"
	case Suspect, GeneratorLimited:
		return "⚠️"
	}
	return "❌"
}

// mdTable is a table of cells that are Markdown already; columns but the first and those in left are aligned to the right.
func mdTable(header []string, rows [][]string, left ...int) string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	rule := make([]string, len(header))
	for i := range rule {
		if rule[i] = "--:"; i == 0 || slices.Contains(left, i) {
			rule[i] = ":--"
		}
	}
	line(header)
	line(rule)
	for _, row := range rows {
		line(row)
	}
	return b.String() + "\n"
}

// mdDetails folds Markdown away under a line.
func mdDetails(line, folded string) string {
	return "<details><summary>" + line + "</summary>\n\n" + folded + "</details>\n\n"
}

// mdText is a text from outside as Markdown that shows it and does nothing: no HTML, no link, no picture, no table's border and
// nobody told of it.
func mdText(s string) string {
	var b strings.Builder
	for _, r := range Printable(s) {
		switch r {
		case '\\', '`', '*', '_', '{', '}', '[', ']', '(', ')', '#', '!', '|', '~', '<', '>', '&', '$':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '@': // a backslash doesn't keep GitHub from telling whoever is called so
			b.WriteString("@\u200b")
		default:
			b.WriteRune(r)
		}
	}
	return mdLinks.Replace(b.String())
}

// mdLinks keeps addresses from becoming links by themselves.
var mdLinks = strings.NewReplacer("://", ":\u200b//", "www.", "www\u200b.")
