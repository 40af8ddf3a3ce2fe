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
func (s *Scenario) Render(w io.Writer) error {
	var b strings.Builder
	for _, k := range slices.DeleteFunc(showFields(scenarioFields, s), isCaseField) {
		k.yaml(&b, "")
	}
	b.WriteString("cases:\n")
	for _, c := range s.Cases() {
		fmt.Fprintf(&b, "  - name: %s\n", quote(c.Name))
		for _, k := range showFields(caseFields, &c.Scenario) {
			k.yaml(&b, "    ")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
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
			fmt.Fprintf(b, "%s  - %s\n", indent, item.flow())
		}
	default:
		fmt.Fprintf(b, "%s%s: %s\n", indent, s.key, s.flow())
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
