package scenarios

import (
	"slices"
	"strings"
)

// node is a value of a scenario before it has a type. Nodes are never changed once they are read: trees of several cases
// share them, and merge and with copy only the mappings on the way to what they change.
type node struct {
	shape  shape
	text   string  // of a scalar
	quoted bool    // a scalar in quotes
	keys   []entry // of a mapping, in file order
	items  []*node // of a list
	at     place
}

type shape uint8

const (
	null shape = iota // nothing, or YAML's null
	scalar
	mapping
	list
)

func (s shape) String() string { return [...]string{"nothing", "one value", "a mapping", "a list"}[s] }

// entry is a key of a mapping with its value.
type entry struct {
	key   string
	at    place
	value *node
}

// place is where something was written.
type place struct {
	file      string // as faults name it
	line, col int    // in the file; 0 if it is not from there
	source    string // the flag as typed, or fromDefault
	env       string // the environment variable that the file's text names there, as ${NAME}
}

// fromDefault is the source of a value that nobody wrote.
const fromDefault = "default"

// get gives the value at the path of keys, or nil.
func (n *node) get(path ...string) *node {
	for _, key := range path {
		i := n.index(key)
		if i < 0 {
			return nil
		}
		n = n.keys[i].value
	}
	return n
}

func (n *node) index(key string) int {
	if n == nil {
		return -1
	}
	return slices.IndexFunc(n.keys, func(e entry) bool { return e.key == key })
}

// with gives n with the value at path; what was no mapping on the way becomes one.
func (n *node) with(value *node, path ...string) *node {
	if len(path) == 0 {
		return value
	}
	made := &node{shape: mapping, at: value.at}
	if n != nil && n.shape == mapping {
		made.at, made.keys = n.at, slices.Clone(n.keys)
	}
	e := entry{key: path[0], at: value.at, value: n.get(path[0]).with(value, path[1:]...)}
	if i := made.index(path[0]); i >= 0 {
		made.keys[i] = e
	} else {
		made.keys = append(made.keys, e)
	}
	return made
}

// without gives n without the key.
func (n *node) without(key string) *node {
	if n.index(key) < 0 {
		return n
	}
	made := *n
	made.keys = slices.DeleteFunc(slices.Clone(n.keys), func(e entry) bool { return e.key == key })
	return &made
}

// merge gives base overridden by over: mappings key by key, anything else as a whole.
func merge(base, over *node) *node {
	if base == nil || base.shape != mapping || over.shape != mapping {
		return over
	}
	made := &node{shape: mapping, at: base.at, keys: slices.Clone(base.keys)}
	for _, e := range over.keys {
		if i := made.index(e.key); i >= 0 {
			made.keys[i] = entry{e.key, e.at, merge(made.keys[i].value, e.value)}
		} else {
			made.keys = append(made.keys, e)
		}
	}
	return made
}

// shown gives n as it is written.
func (n *node) shown(key string) *shown {
	s := &shown{key: key, shape: n.shape, text: n.text}
	for _, e := range n.keys {
		s.keys = append(s.keys, e.value.shown(e.key))
	}
	for _, item := range n.items {
		s.items = append(s.items, item.shown(""))
	}
	return s
}

// words gives the single values within n.
func (n *node) words() string {
	if n.shape == scalar {
		return n.text
	}
	var all []string
	for _, e := range n.keys {
		all = append(all, e.value.words())
	}
	for _, i := range n.items {
		all = append(all, i.words())
	}
	return strings.Join(all, " ")
}
