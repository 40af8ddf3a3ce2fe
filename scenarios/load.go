package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// wholeKeys are those of a file that make cases of its fields, and are none themselves.
var wholeKeys = []string{"extends", "cases", "matrix"}

// flagsName is the name of a scenario that is made of flags alone.
const flagsName = "run"

// Load reads the scenario that ref names: a shipped one's name, or a file's path (with a / or ending in .yaml or .yml), with
// the files that it extends and the environment variables that it names. Errors are [Faults].
func Load(ref string, overrides ...Override) (*Scenario, error) {
	if !isPath(ref) {
		data, err := Source(ref)
		if err != nil {
			return nil, err
		}
		r := newReader(ref+".yaml", openFile, os.LookupEnv)
		r.away = slices.ContainsFunc(overrides, func(o Override) bool { return o.Path == "target.namesrv" })
		return r.parse(data, overrides)
	}
	data, err := readFile(ref)
	if err != nil {
		return nil, Faults{{File: ref, Msg: err.Error()}}
	}
	return newReader(ref, openFile, os.LookupEnv).parse(data, overrides)
}

func isPath(ref string) bool {
	return strings.ContainsAny(ref, `/\`) || strings.HasSuffix(ref, ".yaml") || strings.HasSuffix(ref, ".yml")
}

// readFile reads no more of the file than it takes to know that it is too large.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer func() { _ = f.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	return data, cause(err)
}

// cause is err without the path, which the fault names.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// FromFlags makes a scenario of one case from overrides on defaults: on the embedded broker unless target.namesrv is set,
// no warm-up, 10 s measured. Its name is run. Errors are [Faults].
func FromFlags(overrides ...Override) (*Scenario, error) {
	return newReader("", openShipped, noEnviron).scenario(nameless(flagsName), overrides)
}

// Parse reads a scenario from the text of a file; file is its name in errors, which are [Faults]. It may extend shipped
// scenarios only, and environment variables have their defaults.
func Parse(file string, data []byte, overrides ...Override) (*Scenario, error) {
	return newReader(file, openShipped, noEnviron).parse(data, overrides)
}

// parse reads the text of r's file and of those that it extends.
func (r *reader) parse(data []byte, overrides []Override) (*Scenario, error) {
	tree := r.tree(r.file, data)
	if tree == nil {
		return nil, r.faults
	}
	tree = r.extended(tree, []string{r.file})
	eventful := false
	if r.away {
		tree, eventful = withoutEvents(tree)
	}
	s, err := r.scenario(tree, overrides)
	if s != nil {
		s.EventsLeftOut = eventful
	}
	return s, err
}

// withoutEvents gives tree without any, and whether there were some.
func withoutEvents(tree *node) (*node, bool) {
	found := tree.index("events") >= 0
	tree = tree.without("events")
	if cases := tree.get("cases"); cases != nil {
		plain := *cases
		plain.items = slices.Clone(cases.items)
		for i, c := range plain.items {
			found = found || c.index("events") >= 0
			plain.items[i] = c.without("events")
		}
		tree = tree.with(&plain, "cases")
	}
	return tree, found
}

// tree reads one file; nil if there is nothing in it to go on with, which is a fault.
func (r *reader) tree(file string, data []byte) *node {
	tree, faults := parseYAML(file, data)
	r.lines[file] = strings.SplitN(string(data[:min(len(data), maxFile)]), "\n", maxLines+2)
	for _, f := range faults {
		r.add(f)
	}
	if tree == nil {
		return nil
	}
	r.expand(tree)
	switch v := tree.get("version"); {
	case tree.shape == null:
		r.fault(tree.at, "is empty; write version: 1")
		return nil
	case tree.shape != mapping:
		r.fault(tree.at, "a scenario must be a mapping, not %s", tree.shape)
		return nil
	case v != nil && v.shape == scalar && v.text != version.name: // another version has other keys
		readValue(r, "version", v, version)
		return nil
	}
	return tree
}

// scenario makes a Scenario of a file's tree and the flags.
func (r *reader) scenario(tree *node, overrides []Override) (*Scenario, error) {
	cases, varied, start := tree.get("cases"), tree.get("matrix"), tree.without("cases").without("matrix")
	readFields(r, "", start, scenarioFields, scenarioLater, &Scenario{})
	overlays := r.overlays(cases)
	matrix := r.matrix(varied, cases)
	faults := len(r.faults)
	fixes, axes := r.fixes(overrides)
	known := len(r.faults) == faults && r.clean(cases) && r.clean(varied) // what the cases are, all of them
	idle := &idleFields{}

	s := &Scenario{}
	base := r.resolve(start, fixes, s)
	s.origin = base
	if cases == nil && varied == nil && len(axes) == 0 {
		r.check(s.Load.label(), s, base)
		idle.see(r, apply(start, fixes), base)
	} else {
		if cases == nil {
			overlays = []*node{{shape: mapping}}
		}
		combinations := matrix.expand(fixes, axes)
		if !r.clean(varied) {
			combinations = []combination{{}} // what is wrong with the cases is wrong without a matrix too
		} else {
			known = r.countCases(matrix, axes, len(combinations), len(overlays)) && known
		}
		names := newNamer(combinations)
		for _, o := range overlays {
			for _, c := range combinations[:min(len(combinations), maxCases)] {
				named := c.fixes
				if len(named) == 0 && len(combinations) > 1 {
					named = matrix.taken(fixes)
				}
				made := Case{Name: names.name(o.get("name"), named)}
				tree, all := merge(start, overlay(o)), append(slices.Clip(c.fixes), fixes...)
				resolved := r.resolve(tree, all, &made.Scenario)
				r.check(made.Name, &made.Scenario, resolved)
				idle.see(r, apply(tree, all), resolved)
				s.cases, s.origins = append(s.cases, made), append(s.origins, resolved)
			}
		}
	}
	if known {
		idle.tell(r)
	}
	if runs := s.Repeat * max(len(s.cases), 1); runs > maxRuns {
		r.faultAt(base.get("repeat"), "repeat must be at most %d: %d cases in %d rounds are more than %d runs", max(maxRuns/max(len(s.cases), 1), 1), max(len(s.cases), 1), s.Repeat, maxRuns)
	}
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, func(a, b Fault) int {
			if a.Source != "" || b.Source != "" {
				return strings.Compare(a.Source, "") - strings.Compare(b.Source, "")
			}
			if a.File != b.File { // what is extended comes behind
				return cmp.Compare(len(r.extendedBy[a.File]), len(r.extendedBy[b.File]))
			}
			return (a.Line-b.Line)*maxFile + a.Col - b.Col
		})
		return nil, r.faults
	}
	nameDifferences(s.cases)
	return s, nil
}

// resolve reads tree with flags and defaults into s, and gives that tree.
func (r *reader) resolve(tree *node, fixes []fix, s *Scenario) *node {
	tree = withDefaults(apply(tree, fixes))
	readFields(r, "", tree, scenarioFields, scenarioLater, s)
	return tree
}

// overlay gives what an item of cases overrides. Other keys than those are faults by now, or its name.
func overlay(item *node) *node {
	o := *item
	o.keys = slices.DeleteFunc(slices.Clone(o.keys), func(e entry) bool { return !slices.Contains(keysOf(caseFields), e.key) })
	return &o
}

// overlays checks the list of cases and gives those that have a name.
func (r *reader) overlays(cases *node) []*node {
	if cases == nil {
		return nil
	}
	if cases.shape != list {
		r.faultAt(cases, "cases must be a list of mappings, not %s", cases.shape)
		return nil
	}
	if !r.length("cases", cases, len(cases.items)) {
		return nil
	}
	var named []*node
	lines := map[string]int{}
	for i, o := range cases.items {
		readFields(r, fmt.Sprintf("cases[%d]", i), o, overlayFields, nil, &Scenario{})
		name := o.get("name")
		if o.shape != mapping || name == nil || r.bad[name] {
			continue
		}
		if line, twice := lines[name.text]; twice {
			r.faultAt(name, "two cases are named %q; the first is on line %d", clip(name.text), line)
			continue
		}
		lines[name.text] = name.at.line
		named = append(named, o)
	}
	return named
}
