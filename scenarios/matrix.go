package scenarios

import (
	"slices"
	"strconv"
	"strings"

	"rmqbench/internal/nearest"
)

const (
	maxAxes         = 8
	maxCombinations = 1_024 // of a matrix, before exclude
	maxCases        = maxItems
)

const (
	excludeKey = "exclude"
	includeKey = "include"
)

// axis is a field that takes several values, a case each.
type axis struct {
	path   []string
	values []fix // each fixes path
}

func (a axis) name() string { return strings.Join(a.path, ".") }

// matrix is what multiplies the cases of a scenario: each of them is run with every combination of the axes' values that no
// item of exclude is part of, and with each item of include.
type matrix struct {
	at      place
	axes    []axis
	exclude [][]fix
	include [][]fix
}

// matrixFields document the keys of a matrix beside those that are paths.
func matrixFields() []Field {
	return []Field{
		{Path: "matrix", Kind: kindMapping, Help: "fields by their paths, each with a list of values, such as producer.selector: [random, hash]; every case is run with every combination"},
		{Path: "matrix." + excludeKey, Kind: kindMappings, Help: "combinations to leave out, by their values of some axes"},
		{Path: "matrix." + includeKey, Kind: kindMappings, Help: "combinations to add, of any fields by their paths"},
	}
}

// variable are the paths that an axis may have: those of every field of a case, and those that change the stages.
func variable() []string {
	var paths []string
	for _, f := range append(fieldsOf("", caseFields), fieldsOf("load.", stageFlagFields)...) {
		if !strings.Contains(f.Path, "[]") {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// matrix reads a scenario's matrix, which multiplies cases; nil is none.
func (r *reader) matrix(n, cases *node) matrix {
	var m matrix
	if n == nil {
		return m
	}
	m.at = n.at
	if n.shape != mapping {
		r.faultAt(n, "matrix must be a mapping, not %s", n.shape)
		return m
	}
	for _, e := range n.keys {
		if e.key != excludeKey && e.key != includeKey {
			if a, ok := r.axis(e); ok {
				m.axes = append(m.axes, a)
			}
		}
	}
	if len(m.axes) > maxAxes {
		r.faultAt(n, "matrix has %d fields; at most %d", len(m.axes), maxAxes)
		m.axes = m.axes[:maxAxes]
	}
	m.exclude = r.combinations(n.get(excludeKey), excludeKey, func(e entry) (fix, bool) { return r.excluded(e, m.axes) })
	m.include = r.combinations(n.get(includeKey), includeKey, func(e entry) (fix, bool) { return r.choice(e, e.value) })
	switch {
	case len(n.keys) == 0:
		r.faultAt(n, "matrix is empty; write producer.selector: [random, hash]")
	case r.clean(n):
		r.checkMatrix(m, n)
		r.checkAxes(m, cases)
	}
	return m
}

// axis reads one field's list of values.
func (r *reader) axis(e entry) (axis, bool) {
	n := e.value
	if n.shape != list {
		if _, known := r.choice(e, nil); known {
			r.faultAt(n, "%s must be a list of values, not %s", clip(e.key), n.shape)
		}
		return axis{}, false
	}
	if !r.length(clip(e.key), n, len(n.items)) {
		return axis{}, false
	}
	a := axis{path: strings.Split(e.key, ".")}
	for _, item := range n.items {
		f, ok := r.choice(e, item)
		if !ok {
			continue
		}
		if slices.ContainsFunc(a.values, f.same) {
			r.faultAt(item, "%s has %s twice", e.key, clip(f.text))
			continue
		}
		a.values = append(a.values, f)
	}
	return a, len(a.values) > 0
}

// choice checks that e names a field that may vary, and that value fits it. Without a value it checks the name alone.
func (r *reader) choice(e entry, value *node) (fix, bool) {
	if paths := variable(); !slices.Contains(paths, e.key) {
		r.bad[e.value] = true
		last := e.key[strings.LastIndex(e.key, ".")+1:]
		near := nearest.Word(e.key, paths)
		if i := slices.IndexFunc(paths, func(p string) bool { return strings.HasSuffix(p, "."+last) }); near == "" && i >= 0 {
			near = paths[i]
		}
		if strings.HasPrefix(e.key, "load.stages") {
			near = "load.stages as a whole, load.duration, load.rate, load.warmup"
		}
		if near == "" {
			near = "a field's path, such as producer.selector or message.size"
		}
		r.fault(e.at, "%q can't vary; nearest: %s", clip(e.key), near)
		return fix{}, false
	}
	if value == nil {
		return fix{}, true
	}
	return r.fix(strings.Split(e.key, "."), value)
}

// excluded checks that e is a value of one of the axes.
func (r *reader) excluded(e entry, axes []axis) (fix, bool) {
	i := slices.IndexFunc(axes, func(a axis) bool { return a.name() == e.key })
	if i < 0 {
		var names []string
		for _, a := range axes {
			names = append(names, a.name())
		}
		r.bad[e.value] = true
		r.fault(e.at, "exclude can't name %q, which this matrix does not vary; it has %s", clip(e.key), strings.Join(names, ", "))
		return fix{}, false
	}
	f, ok := r.choice(e, e.value)
	if ok && !slices.ContainsFunc(axes[i].values, f.same) {
		r.faultAt(e.value, "exclude names %s, which is no value of %s in this matrix", clip(f.text), e.key)
		return fix{}, false
	}
	return f, ok
}

// combinations reads a list of mappings from paths to values.
func (r *reader) combinations(n *node, key string, read func(entry) (fix, bool)) [][]fix {
	if n == nil {
		return nil
	}
	if n.shape != list {
		r.faultAt(n, "%s must be a list of mappings, not %s", key, n.shape)
		return nil
	}
	if !r.length(key, n, len(n.items)) {
		return nil
	}
	var all [][]fix
	for i, item := range n.items {
		if item.shape != mapping {
			r.faultAt(item, "%s[%d] must be a mapping, not %s", key, i, item.shape)
			continue
		}
		if len(item.keys) == 0 {
			r.faultAt(item, "%s[%d] is empty", key, i)
		}
		var one []fix
		for _, e := range item.keys {
			if f, ok := read(e); ok {
				one = append(one, f)
			}
		}
		if len(one) == len(item.keys) && len(one) > 0 {
			all = append(all, one)
		}
	}
	return all
}

// replaces reports whether nothing of the field at path is left once f is fixed.
func (f fix) replaces(path []string) bool {
	if len(f.path) <= len(path) && slices.Equal(f.path, path[:len(f.path)]) {
		return true
	}
	return len(path) > 1 && path[0] == "target" && f.path[0] == "target" &&
		(path[1] == "embedded" && f.path[1] == "namesrv" || f.path[1] == "embedded" && path[1] != "embedded")
}

// combination is what a matrix fixes in a case.
type combination struct {
	fixes    []fix
	included bool // exclude is not about it
}

// checkMatrix reports what is wrong with the matrix m of n as a whole, flags aside.
func (r *reader) checkMatrix(m matrix, n *node) {
	combinations := m.expand(nil, nil)
	switch {
	case m.size(nil) > maxCombinations:
		r.faultAt(n, "matrix has over %s combinations", thousands(maxCombinations))
	case len(combinations) == 0:
		r.faultAt(n.get(excludeKey), "exclude leaves nothing of the matrix")
	}
	for i, c := range m.include {
		same := func(d []fix) bool { return len(c) == len(d) && within(c, d) }
		if slices.ContainsFunc(m.include[:i], same) || slices.ContainsFunc(combinations, func(d combination) bool { return !d.included && same(d.fixes) }) {
			r.faultAt(n.get(includeKey).items[i], "include has a combination that is there already")
		}
	}
}

// checkAxes reports fields that both a case and the matrix set.
func (r *reader) checkAxes(m matrix, cases *node) {
	if cases == nil {
		return
	}
	for i, o := range cases.items {
		for _, a := range m.axes {
			if set := o.get(a.path...); set != nil && a.values[0].value.shape != mapping {
				r.faultAt(set, "cases[%d] sets %s, which the matrix varies", i, a.name())
			}
		}
	}
}

// countCases reports too few or too many, and whether it did not. With other faults there may be any number.
func (r *reader) countCases(m matrix, axes []axis, combinations, cases int) bool {
	if len(r.faults) > 0 {
		return true
	}
	at := m.at
	if len(axes) > 0 {
		at = axes[0].values[0].value.at
	}
	switch {
	case m.size(axes) > maxCombinations:
		r.fault(at, "matrix and flags have over %s combinations", thousands(maxCombinations))
	case combinations == 0:
		r.fault(at, "exclude leaves nothing of the matrix")
	case combinations*cases > maxCases:
		r.fault(at, "%s cases; at most %d", thousands(int64(combinations*cases)), maxCases)
	default:
		return true
	}
	return false
}

// size is the number of combinations of m's axes and others before exclude, or more than maxCombinations if it is more.
func (m matrix) size(others []axis) int {
	product := 1
	for _, a := range append(slices.Clip(m.axes), others...) {
		if product *= len(a.values); product > maxCombinations {
			break
		}
	}
	return product
}

// expand gives m's combinations in file order, the last axis changing first. Flags take the place of what m says of their
// fields: fixes have one value, and axes several, of which an item of include that names one is about that one. Without any of them
// it is one combination of nothing. Too many are none.
func (m matrix) expand(fixes []fix, axes []axis) []combination {
	replaced := func(path []string) bool {
		return slices.ContainsFunc(fixes, func(f fix) bool { return f.replaces(path) }) ||
			slices.ContainsFunc(axes, func(a axis) bool { return a.values[0].replaces(path) })
	}
	has := len(m.axes) > 0
	m.axes = slices.DeleteFunc(slices.Clone(m.axes), func(a axis) bool { return replaced(a.path) })
	if m.size(axes) > maxCombinations {
		return nil
	}
	var all []combination
	if has || len(m.include) == 0 {
		all = multiply(multiply([]combination{{}}, m.axes), axes)
	}
	for _, item := range m.include {
		var own []fix
		left := axes // those of the flags that the item says nothing of
		asked := true
		for _, f := range item {
			i := slices.IndexFunc(axes, func(a axis) bool { return slices.Equal(a.path, f.path) })
			switch {
			case i >= 0:
				asked = asked && slices.ContainsFunc(axes[i].values, f.same)
				left = slices.DeleteFunc(slices.Clone(left), func(a axis) bool { return slices.Equal(a.path, f.path) })
				own = append(own, f)
			case !replaced(f.path):
				own = append(own, f)
			}
		}
		if !asked { // several values were, and not this one
			continue
		}
		for _, c := range multiply([]combination{{own, true}}, left) {
			if !slices.ContainsFunc(all, func(d combination) bool { return len(c.fixes) == len(d.fixes) && within(c.fixes, d.fixes) }) {
				all = append(all, c)
			}
		}
	}
	return slices.DeleteFunc(all, func(c combination) bool {
		return !c.included && slices.ContainsFunc(m.exclude, func(x []fix) bool { return within(x, append(slices.Clip(fixes), c.fixes...)) })
	})
}

// taken are those of fixes that take the place of an axis.
func (m matrix) taken(fixes []fix) (all []fix) {
	for _, f := range fixes {
		if slices.ContainsFunc(m.axes, func(a axis) bool { return slices.Equal(a.path, f.path) }) {
			all = append(all, f)
		}
	}
	return all
}

// multiply gives each of all with each combination of the axes' values.
func multiply(all []combination, axes []axis) []combination {
	for _, a := range axes {
		var longer []combination
		for _, c := range all {
			for _, f := range a.values {
				longer = append(longer, combination{append(slices.Clip(c.fixes), f), c.included})
			}
		}
		all = longer
	}
	return all
}

// within reports whether each of part is in whole.
func within(part, whole []fix) bool {
	return !slices.ContainsFunc(part, func(f fix) bool {
		return !slices.ContainsFunc(whole, func(g fix) bool { return slices.Equal(f.path, g.path) && f.same(g) })
	})
}

// same reports whether two values of one field are the same.
func (f fix) same(g fix) bool { return f.text == g.text }

// namer names the combinations of a matrix.
type namer struct {
	keyed  map[string]bool     // paths whose values say nothing without the key: numbers, and what another axis has too
	values map[string][]string // of each path, in the order of their first combination
	given  map[string]bool
}

func newNamer(combinations []combination) *namer {
	n := &namer{map[string]bool{}, map[string][]string{}, map[string]bool{}}
	paths := map[string]string{} // by value
	for _, c := range combinations {
		for _, f := range c.fixes {
			path := strings.Join(f.path, ".")
			if !speaking(f.text) {
				n.keyed[path] = true
			}
			if other, there := paths[f.text]; there && other != path {
				n.keyed[path], n.keyed[other] = true, true
			}
			paths[f.text] = path
			if !slices.Contains(n.values[path], f.text) {
				n.values[path] = append(n.values[path], f.text)
			}
		}
	}
	return n
}

// speaking reports whether a value says by itself what it is of.
func speaking(text string) bool {
	switch text {
	case "true", "false", "on", "off", "auto":
		return false
	}
	_, err := strconv.ParseFloat(text, 64)
	return err != nil
}

// longestWord is how long a value in a name may be.
const longestWord = 16

// name gives a case's name: its own, if it has one, with the values of the combination. Where that is too long or there
// already, the number of the case takes the values' place.
func (n *namer) name(of *node, combination []fix) string {
	var words []string
	base := ""
	if of != nil {
		base = of.text
		words = append(words, base)
	}
	for _, f := range combination {
		text, key, path := f.value.words(), f.path[len(f.path)-1], strings.Join(f.path, ".")
		if f.value.shape == scalar {
			text = f.text
		}
		switch {
		case text == "" || len(text) > longestWord:
			words = append(words, key, ordinal(slices.Index(n.values[path], f.text)))
		case n.keyed[path]:
			words = append(words, key, text)
		default:
			words = append(words, text)
		}
	}
	name := strings.Join(words, " ")
	for i := len(n.given); len(name) > maxCase || n.given[name]; i++ {
		name = strings.TrimSpace(clipBytes(base, maxCase-len(ordinal(i))-1) + " " + ordinal(i))
	}
	n.given[name] = true
	return name
}

func ordinal(index int) string { return "#" + strconv.Itoa(index+1) }

// clipBytes gives at most n bytes of text.
func clipBytes(text string, n int) string {
	return strings.ToValidUTF8(text[:min(len(text), n)], "")
}
