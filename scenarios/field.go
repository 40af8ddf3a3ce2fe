package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rmqbench/internal/nearest"
)

// field is one key of the mapping that a T is read from. The tables of fields (schema.go) are all there is to know about a
// scenario's shape: reading, defaults, flags, showing and documentation follow them.
type field[T any] struct {
	key  string
	kind string // what to write, in words
	def  string // the default as it would be written; "" if there is none, or if it depends on other fields (defaults.go)
	help string // one line

	read  func(r *reader, n *node, into *T) // n is never nil
	show  func(from *T) *shown              // nil if there is nothing to show
	fill  func(n *node) *node               // n with the defaults within; n may be nil; nil for a value
	below func(path string) []Field         // of a mapping
	form  func() form                       // its JSON Schema, without the documentation
	must  bool                              // it may not be missing
}

// Field documents a field of a scenario.
type Field struct {
	Path    string // load.workers; load.stages[].for
	Kind    string // what to write: "a size like 1KiB"
	Default string // as it would be written; "" if there is none, or if Help says what it depends on
	Help    string
}

// Kinds of fields that hold other fields.
const (
	kindMapping  = "a mapping"
	kindMappings = "a list of mappings"
)

// shown is a value that is ready to be written: as YAML, as JSON, in one line.
type shown struct {
	key   string
	unit  string // of the key in JSON
	text  string // of a value
	json  any    // of a value
	keys  []*shown
	items []*shown // of a list
	shape shape
	from  string // where a value came from, if that is to be shown
}

// reader turns nodes into values and collects faults. A fault is kept once, however many cases share its node.
type reader struct {
	away   bool // the scenario is a shipped one and its target a cluster: its events stay behind
	file   string
	open   opener
	env    environ
	faults Faults
	known  map[Fault]bool
	bad    map[*node]bool      // values with a fault; what follows from them says nothing
	paths  []string            // of every field, for keys in the wrong place
	lines  map[string][]string // of each file
	meant  map[*node]string    // by an unknown key's value, the key that was meant

	extendedBy map[string]string // a file to the place, file:line, where another one extends it
	expanded   int               // bytes that came from the environment
	unset      map[*node]bool    // values that an environment variable should have given
}

func newReader(file string, open opener, env environ) *reader {
	r := &reader{file: file, open: open, env: env, known: map[Fault]bool{}, bad: map[*node]bool{}, unset: map[*node]bool{},
		lines: map[string][]string{}, meant: map[*node]string{}, extendedBy: map[string]string{}}
	for _, f := range fieldsOf("", scenarioFields) {
		r.paths = append(r.paths, f.Path)
	}
	return r
}

// maxFaults is how many faults are worth reading.
const maxFaults = 1_000

func (r *reader) fault(at place, format string, args ...any) {
	r.faultWith(at, "", format, args...)
}

// faultWith is fault with what is allowed.
func (r *reader) faultWith(at place, allowed, format string, args ...any) {
	f := Fault{File: cmp.Or(at.file, r.file), Line: at.line, Col: at.col, Msg: fmt.Sprintf(format, args...), Allowed: allowed}
	if at.source != "" {
		f = Fault{Source: at.source, Msg: f.Msg, Allowed: allowed}
	}
	if at.env != "" && !strings.Contains(f.Msg, at.env) {
		f.Msg += " (" + clip(at.env) + ")"
	}
	r.add(f)
}

// add keeps a fault, and says who extends the file that it is in.
func (r *reader) add(f Fault) {
	if by := r.extendedBy[f.File]; by != "" {
		f.Msg += "; extended by " + printable(by)
	}
	f = f.show(r.lines[f.File])
	if !r.known[f] && len(r.faults) < maxFaults {
		r.known[f] = true
		r.faults = append(r.faults, f)
	}
}

// faultAt is fault for a node's value.
func (r *reader) faultAt(n *node, format string, args ...any) {
	r.bad[n] = true
	r.fault(n.at, format, args...)
}

// clean reports whether nothing within n has had a fault.
func (r *reader) clean(n *node) bool {
	if n == nil {
		return true
	}
	return !r.bad[n] &&
		!slices.ContainsFunc(n.keys, func(e entry) bool { return !r.clean(e.value) }) &&
		!slices.ContainsFunc(n.items, func(i *node) bool { return !r.clean(i) })
}

// readFields reads the mapping n. later are keys that a later version will know.
func readFields[T any](r *reader, name string, n *node, fields []field[T], later []string, into *T) {
	if n.shape != mapping {
		r.faultAt(n, "%s must be a mapping, not %s", name, n.shape)
		return
	}
	var meant []string // keys that unknown ones were probably meant to be
	for _, e := range n.keys {
		i := slices.IndexFunc(fields, func(f field[T]) bool { return f.key == e.key })
		if i < 0 {
			r.bad[n] = true
			known := keysOf(fields)
			if name == "" {
				known = append(known, wholeKeys...)
			}
			meant = append(meant, r.unknown(e, known, later))
			continue
		}
		fields[i].read(r, e.value, into)
	}
	for _, f := range fields {
		if f.must && n.index(f.key) < 0 && !slices.Contains(meant, f.key) {
			r.faultAt(n, "%s is missing; write %s: %s", f.key, f.key, f.kind)
		}
	}
}

// unknown reports a key that none of known is, nor a later version's, and gives the one that was meant, or "".
func (r *reader) unknown(e entry, known, later []string) (meant string) {
	if before, again := r.meant[e.value]; again { // cases share what they don't override
		return before
	}
	defer func() { r.meant[e.value] = meant }()
	allowed := "keys here: " + strings.Join(known, ", ")
	elsewhere := slices.IndexFunc(r.paths, func(path string) bool { return strings.HasSuffix(path, "."+e.key) })
	meant = nearest.Word(e.key, known)
	switch {
	case slices.Contains(later, e.key):
		r.fault(e.at, "%s is not in this version", e.key)
	case elsewhere >= 0:
		r.faultWith(e.at, allowed, "unknown key %q here; nearest: %s", e.key, r.paths[elsewhere])
	case meant != "":
		r.faultWith(e.at, allowed, "unknown key %q; nearest: %s", clip(e.key), meant)
	default:
		r.fault(e.at, "unknown key %q; %s", clip(e.key), allowed)
	}
	return meant
}

func keysOf[T any](fields []field[T]) []string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return keys
}

// readValue reads the single value n of the kind k.
func readValue[V any](r *reader, key string, n *node, k kind[V]) (v V, ok bool) {
	switch {
	case r.unset[n]:
	case n.shape == null:
		r.faultAt(n, "%s has no value; write %s", key, k.name)
	case n.shape != scalar:
		r.faultAt(n, "%s must be %s, not %s", key, k.name, n.shape)
	case n.quoted && k.bare:
		r.faultAt(n, "%s must be %s, without quotes", key, k.name)
	default:
		v, err := k.parse(n.text)
		if err == nil {
			return v, true
		}
		r.faultAt(n, "%s %s", key, err)
	}
	return v, false
}

func showValue[V any](key string, k kind[V], v V) *shown {
	s := &shown{key: key, unit: k.unit, shape: scalar, text: k.text(v), json: v}
	if k.json != nil {
		s.json = k.json(v)
	}
	return s
}

// value is a field of one value.
func value[T, V any](key string, k kind[V], def, help string, at func(*T) *V) field[T] {
	return field[T]{
		key: key, kind: k.name, def: def, help: help,
		read: func(r *reader, n *node, into *T) {
			if v, ok := readValue(r, key, n, k); ok {
				*at(into) = v
			}
		},
		show: func(from *T) *shown { return showValue(key, k, *at(from)) },
		form: func() form { return scalarForm(k) },
	}
}

// must makes a field one that may not be missing.
func must[T any](f field[T]) field[T] {
	f.must = true
	return f
}

// option is a field of one value whose zero means that it isn't there.
func option[T any, V comparable](key string, k kind[V], help string, at func(*T) *V) field[T] {
	f := value(key, k, "", help, at)
	f.show = func(from *T) *shown {
		var zero V
		if v := *at(from); v != zero {
			return showValue(key, k, v)
		}
		return nil
	}
	return f
}

// values is a field of a list of single values. One value alone may be written without the list, and several in one text,
// with commas or semicolons between them.
func values[T, V any](key string, k kind[V], help string, at func(*T) *[]V) field[T] {
	return field[T]{
		key: key, kind: "a list of " + k.name, help: help,
		read: func(r *reader, n *node, into *T) {
			items := n.items
			if n.shape == scalar && IsEndpoint(n.text) { // whose query may hold anything
				items = []*node{n}
			} else if n.shape != list {
				items = nil
				for part := range strings.FieldsFuncSeq(n.text, func(c rune) bool { return c == ',' || c == ';' }) {
					items = append(items, &node{shape: scalar, text: strings.TrimSpace(part), quoted: n.quoted, at: n.at})
				}
				if n.shape != scalar || len(items) == 0 {
					items = []*node{n}
				}
			}
			if !r.length(key, n, len(items)) {
				return
			}
			got := make([]V, 0, len(items))
			for _, item := range items {
				v, ok := readValue(r, key, item, k)
				if !ok {
					r.bad[n] = true
				}
				got = append(got, v)
			}
			*at(into) = got
		},
		show: func(from *T) *shown {
			s := &shown{key: key, unit: k.unit, shape: list}
			for _, v := range *at(from) {
				s.items = append(s.items, showValue("", k, v))
			}
			if len(s.items) == 0 {
				return nil
			}
			return s
		},
		form: func() form {
			return form{"anyOf": []any{scalarForm(k), form{"type": "string", "pattern": "[,;]"}, listForm(scalarForm(k))}}
		},
	}
}

// length refuses a list that is empty or too long.
func (r *reader) length(key string, n *node, items int) bool {
	switch {
	case items == 0:
		r.faultAt(n, "%s is empty", key)
	case items > maxItems:
		r.faultAt(n, "%s has %s items; at most %d", key, thousands(int64(items)), maxItems)
	default:
		return true
	}
	return false
}

// Pair is an entry of a mapping whose keys are values too.
type Pair[K, V any] struct {
	Key   K
	Value V
}

// table is a field of a mapping whose keys are of a kind.
func table[T, K, V any](key string, keys kind[K], values kind[V], help string, at func(*T) *[]Pair[K, V]) field[T] {
	return field[T]{
		key: key, kind: kindMapping, help: help,
		read: func(r *reader, n *node, into *T) {
			if n.shape != mapping {
				r.faultAt(n, "%s must be a mapping, not %s", key, n.shape)
				return
			}
			if !r.length(key, n, len(n.keys)) {
				return
			}
			got := make([]Pair[K, V], 0, len(n.keys))
			for _, e := range n.keys {
				k, err := keys.parse(e.key)
				if err != nil {
					r.bad[n] = true
					r.fault(e.at, "a key of %s %s", key, err)
				}
				v, _ := readValue(r, clip(e.key), e.value, values)
				got = append(got, Pair[K, V]{k, v})
			}
			*at(into) = got
		},
		show: func(from *T) *shown {
			s := &shown{key: key, shape: mapping}
			for _, p := range *at(from) {
				s.keys = append(s.keys, showValue(keys.text(p.Key), values, p.Value))
			}
			if len(s.keys) == 0 {
				return nil
			}
			return s
		},
		form: func() form {
			f := form{"type": "object", "minProperties": 1, "maxProperties": maxItems, "additionalProperties": scalarForm(values)}
			if expr, ok := keys.form["pattern"]; ok {
				f["propertyNames"] = form{"pattern": expr}
			}
			return f
		},
	}
}

// block is a field of a mapping with fields of its own.
func block[T, B any](key, help string, fields []field[B], later []string, at func(*T) *B) field[T] {
	return field[T]{
		key: key, kind: kindMapping, help: help,
		read: func(r *reader, n *node, into *T) { readFields(r, key, n, fields, later, at(into)) },
		show: func(from *T) *shown { return &shown{key: key, shape: mapping, keys: showFields(fields, at(from))} },
		fill: func(n *node) *node { return fill(n, fields) },
		below: func(path string) []Field {
			return fieldsOf(path+".", fields)
		},
		form: func() form { return objectForm(fields) },
	}
}

// optionalBlock is a block that may be missing, and then has no defaults either.
func optionalBlock[T, B any](key, help string, fields []field[B], later []string, at func(*T) **B) field[T] {
	f := block(key, help, fields, later, func(into *T) *B {
		*at(into) = new(B)
		return *at(into)
	})
	f.show = func(from *T) *shown {
		if b := *at(from); b != nil {
			return &shown{key: key, shape: mapping, keys: showFields(fields, b)}
		}
		return nil
	}
	f.fill = func(n *node) *node {
		if n == nil {
			return nil
		}
		return fill(n, fields)
	}
	return f
}

// blocks is a field of a list of mappings. empty says whether the list may be.
func blocks[T, B any](key, help string, empty bool, fields []field[B], later []string, at func(*T) *[]B) field[T] {
	return field[T]{
		key: key, kind: kindMappings, help: help,
		read: func(r *reader, n *node, into *T) {
			if n.shape != list {
				r.faultAt(n, "%s must be a list of mappings, not %s", key, n.shape)
				return
			}
			*at(into) = nil
			if empty && len(n.items) == 0 || !r.length(key, n, len(n.items)) {
				return
			}
			got := make([]B, len(n.items))
			for i, item := range n.items {
				readFields(r, fmt.Sprintf("%s[%d]", key, i), item, fields, later, &got[i])
			}
			*at(into) = got
		},
		show: func(from *T) *shown {
			s := &shown{key: key, shape: list}
			for i := range *at(from) {
				s.items = append(s.items, &shown{shape: mapping, keys: showFields(fields, &(*at(from))[i])})
			}
			if len(s.items) == 0 {
				return nil
			}
			return s
		},
		below: func(path string) []Field { return fieldsOf(path+"[].", fields) },
		form: func() form {
			f := listForm(objectForm(fields))
			if empty {
				delete(f, "minItems")
			}
			return f
		},
	}
}

func showFields[T any](fields []field[T], from *T) []*shown {
	var keys []*shown
	for _, f := range fields {
		if s := f.show(from); s != nil {
			keys = append(keys, s)
		}
	}
	return keys
}

// fill gives the mapping n with the static defaults that it lacks.
func fill[T any](n *node, fields []field[T]) *node {
	if n != nil && n.shape != mapping {
		return n // a fault, which its reader reports
	}
	for _, f := range fields {
		have := n.get(f.key)
		switch {
		case f.fill != nil:
			if filled := f.fill(have); filled != have {
				n = n.with(filled, f.key)
			}
		case have == nil && f.def != "":
			n = n.with(defaulted(f.def), f.key)
		}
	}
	return n
}

// defaulted is a value that nobody wrote.
func defaulted(text string) *node {
	return &node{shape: scalar, text: text, at: place{source: fromDefault}}
}

func fieldsOf[T any](prefix string, fields []field[T]) []Field {
	var all []Field
	for _, f := range fields {
		path := prefix + f.key
		all = append(all, Field{Path: path, Kind: f.kind, Default: f.def, Help: f.help})
		if f.below != nil {
			all = append(all, f.below(path)...)
		}
	}
	return all
}
