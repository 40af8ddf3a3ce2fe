package scenarios

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Resolved gives s as data for encoding/json: version, name, description, seed, and cases with every value that a run needs.
// The keys are a file's, with the unit behind those of sizes (size_bytes) and durations (for_ns).
func (s *Scenario) Resolved() any {
	resolved := asMap(slices.DeleteFunc(showFields(scenarioFields, s), isCaseField))
	cases := []any{}
	for _, c := range s.Cases() {
		m := asMap(showFields(caseFields, &c.Scenario))
		m["name"] = c.Name
		cases = append(cases, m)
	}
	resolved["cases"] = cases
	return resolved
}

// Render writes s as a scenario file that says every value, which [Parse] reads back into the same cases.
func (s *Scenario) Render(w io.Writer) error { return s.render(w, false) }

// Explain is Render with a comment behind each value that says where it came from: the flag as typed, the environment's
// variable, the file and its line, or default.
func (s *Scenario) Explain(w io.Writer) error { return s.render(w, true) }

func (s *Scenario) render(w io.Writer, origins bool) error {
	var b strings.Builder
	keys := func(fields []field[Scenario], of *Scenario, tree *node) []*shown {
		all := showFields(fields, of)
		if origins {
			for _, k := range all {
				k.trace(tree.get(k.key))
			}
		}
		return all
	}
	for _, k := range slices.DeleteFunc(keys(scenarioFields, s, s.origin), isCaseField) {
		k.yaml(&b, "")
	}
	b.WriteString("cases:\n")
	for i, c := range s.Cases() {
		fmt.Fprintf(&b, "  - name: %s\n", quote(c.Name))
		tree := s.origin
		if len(s.cases) > 0 {
			tree = s.origins[i]
		}
		for _, k := range keys(caseFields, &c.Scenario, tree) {
			k.yaml(&b, "    ")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// trace says where s and what is within it came from; n is what it was read from.
func (s *shown) trace(n *node) {
	switch {
	case s.shape == mapping:
		for _, k := range s.keys {
			k.trace(n.get(k.key))
		}
	case s.shape == list && n != nil && n.shape == list && len(n.items) == len(s.items):
		for i, item := range s.items {
			item.trace(n.items[i])
		}
	default:
		s.from = n.origin()
	}
}

// origin says where a value came from.
func (n *node) origin() string {
	switch {
	case n == nil || n.at.source == fromDefault:
		return fromDefault
	case n.at.source != "":
		return n.at.source
	}
	from := fmt.Sprintf("%s:%d", printable(n.at.file), n.at.line)
	if n.at.env != "" {
		from += " " + clip(n.at.env)
	}
	return from
}

// comment is where the values within s came from, each place once; "" if nobody asked.
func (s *shown) comment() string {
	if all := s.froms(nil); len(all) > 0 {
		return "  # " + strings.Join(all, "; ")
	}
	return ""
}

func (s *shown) froms(all []string) []string {
	if s.from != "" && !slices.Contains(all, s.from) {
		all = append(all, s.from)
	}
	for _, within := range slices.Concat(s.keys, s.items) {
		all = within.froms(all)
	}
	return all
}

func isCaseField(s *shown) bool { return slices.Contains(keysOf(caseFields), s.key) }

func asMap(keys []*shown) map[string]any {
	m := make(map[string]any, len(keys))
	for _, s := range keys {
		m[s.key+s.unit] = s.data()
	}
	return m
}

// data gives the value for encoding/json.
func (s *shown) data() any {
	switch s.shape {
	case mapping:
		return asMap(s.keys)
	case list:
		items := make([]any, len(s.items))
		for i, item := range s.items {
			items[i] = item.data()
		}
		return items
	}
	return s.json
}

// line gives the value as YAML in one line; a single value as it is, without quotes.
func (s *shown) line() string {
	if s.shape == scalar {
		return s.text
	}
	return s.flow()
}

func (s *shown) flow() string {
	var parts []string
	switch s.shape {
	case mapping:
		for _, k := range s.keys {
			parts = append(parts, k.key+": "+k.flow())
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case list:
		for _, item := range s.items {
			parts = append(parts, item.flow())
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return quote(s.text)
}

// yaml writes the key with its value, mappings over several lines and lists of mappings an item a line.
func (s *shown) yaml(b *strings.Builder, indent string) {
	switch {
	case s.shape == mapping:
		fmt.Fprintf(b, "%s%s:\n", indent, s.key)
		for _, k := range s.keys {
			k.yaml(b, indent+"  ")
		}
	case s.shape == list && s.items[0].shape == mapping:
		fmt.Fprintf(b, "%s%s:\n", indent, s.key)
		for _, item := range s.items {
			fmt.Fprintf(b, "%s  - %s%s\n", indent, item.flow(), item.comment())
		}
	default:
		fmt.Fprintf(b, "%s%s: %s%s\n", indent, s.key, s.flow(), s.comment())
	}
}

// plain matches texts that mean themselves in YAML, between flow brackets too.
var plain = regexp.MustCompile(`^[a-zA-Z0-9/][a-zA-Z0-9_./-]*( [a-zA-Z0-9_./-]+)*$`)

// quote gives text as a scenario file reads it back.
func quote(text string) string {
	text = strings.ReplaceAll(text, "${", "$${")
	if plain.MatchString(text) && !strings.EqualFold(text, "null") {
		return text
	}
	return strconv.Quote(text)
}
