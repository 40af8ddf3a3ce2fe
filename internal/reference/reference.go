// Package reference writes what a command says of itself, its help, as a page of Markdown and as manual pages.
package reference

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commands are root and all below it that are no secret, each before its own.
func commands(root *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{root}
	for _, c := range root.Commands() {
		if !c.Hidden && c.Name() != "help" && c.Name() != "completion" {
			all = append(all, commands(c)...)
		}
	}
	return all
}

// Markdown is a section for each command below root, in the order of their names.
func Markdown(root *cobra.Command) string {
	var b strings.Builder
	for _, c := range commands(root) {
		fmt.Fprintf(&b, "## %s\n\n%s.\n\n```\n%s\n```\n", c.CommandPath(), strings.TrimSuffix(c.Short, "."), usage(c))
		for _, p := range paragraphs(c.Long) {
			if p.table {
				fmt.Fprintf(&b, "\n```\n%s\n```\n", p.text)
			} else {
				fmt.Fprintf(&b, "\n%s\n", cell(p.text))
			}
		}
		if flags := flagsOf(c); len(flags) > 0 {
			b.WriteString("\n| flag | is |\n|---|---|\n")
			for _, f := range flags {
				fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(f.spelling, "|", `\|`), strings.ReplaceAll(cell(f.usage), "|", `\|`))
			}
		}
		if c.Example != "" {
			fmt.Fprintf(&b, "\n```sh\n%s\n```\n", dedent(c.Example))
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// Page is a manual page: its file's name and its text.
type Page struct{ Name, Text string }

// Man is a manual page of section 1 for each command. date and source, perhaps empty, stand at the foot of each.
func Man(root *cobra.Command, date, source string) []Page {
	var all []Page
	listed := commands(root)
	for _, c := range listed {
		name := dashed(c)
		var b strings.Builder
		fmt.Fprintf(&b, ".TH %s 1 %q %q\n", strings.ToUpper(name), date, source)
		fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.nf\n%s\n.fi\n.SH DESCRIPTION\n", roff(name), roff(c.Short), roff(usage(c)))
		for _, p := range paragraphs(cmp.Or(c.Long, c.Short+".")) {
			if p.table {
				fmt.Fprintf(&b, ".PP\n.nf\n%s\n.fi\n", roff(p.text))
			} else {
				fmt.Fprintf(&b, ".PP\n%s\n", roff(p.text))
			}
		}
		if flags := flagsOf(c); len(flags) > 0 {
			b.WriteString(".SH OPTIONS\n")
			for _, f := range flags {
				fmt.Fprintf(&b, ".TP\n\\fB%s\\fP\n%s\n", roff(f.spelling), roff(f.usage))
			}
		}
		if c.Example != "" {
			fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(dedent(c.Example)))
		}
		var also []string
		for _, other := range listed {
			if other.Parent() == c || other == c.Parent() {
				also = append(also, fmt.Sprintf(".BR %s (1)", roff(dashed(other))))
			}
		}
		if len(also) > 0 {
			fmt.Fprintf(&b, ".SH SEE ALSO\n%s\n", strings.Join(also, ",\n"))
		}
		all = append(all, Page{name + ".1", b.String()})
	}
	return all
}

func dashed(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// usage is the line that shows a command's arguments.
func usage(c *cobra.Command) string {
	line := c.UseLine()
	if c.HasSubCommands() {
		line = c.CommandPath() + " COMMAND"
	}
	return line
}

// flag is one as it is typed, and what it is, with its default.
type flag struct{ spelling, usage string }

// flagsOf are a command's own and those that it has of its parents, but for --help.
func flagsOf(c *cobra.Command) []flag {
	var all []flag
	c.InheritedFlags() // makes Flags whole
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		takes, usage := pflag.UnquoteUsage(f)
		spelling := "--" + f.Name
		if f.Shorthand != "" {
			spelling = "-" + f.Shorthand + ", " + spelling
		}
		if takes != "" && f.NoOptDefVal == "" {
			spelling += " " + takes
		}
		if !slices.Contains([]string{"", "false", "0", "0s", "[]"}, f.DefValue) {
			usage += " (default " + f.DefValue + ")"
		}
		all = append(all, flag{spelling, usage})
	})
	return all
}

// paragraph is one of a help text; a table's lines stay as they are.
type paragraph struct {
	text  string
	table bool
}

// paragraphs cuts a help text where lines are empty, and where lines that are set in follow others or end.
func paragraphs(text string) []paragraph {
	var all []paragraph
	fresh := true
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" {
			fresh = true
			continue
		}
		table := strings.HasPrefix(line, "  ")
		if last := len(all) - 1; !fresh && all[last].table == table {
			all[last].text += "\n" + line
		} else {
			all = append(all, paragraph{line, table})
		}
		fresh = false
	}
	for i, p := range all {
		if p.table {
			all[i].text = dedent(p.text)
		}
	}
	return all
}

// dedent takes from each line the blanks that all begin with.
func dedent(text string) string {
	text = strings.Trim(text, "\n")
	least := len(text)
	for line := range strings.Lines(text) {
		if body := strings.TrimLeft(line, " "); strings.TrimSpace(body) != "" {
			least = min(least, len(line)-len(body))
		}
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(line[min(least, len(line)-len(strings.TrimLeft(line, " "))):])
	}
	return b.String()
}

// cell is text that Markdown shall show as it is.
func cell(text string) string {
	return strings.NewReplacer("<", "&lt;", "*", `\*`, "_", `\_`).Replace(text)
}

// roff is text that troff shall show as it is.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
