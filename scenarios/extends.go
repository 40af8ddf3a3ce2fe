package scenarios

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// maxExtends is how many files may lie beneath a scenario.
const maxExtends = 4

// opener gives the text of what a file extends, and its name. from is that file.
type opener func(ref, from string) (name string, data []byte, err error)

// openShipped takes the names of shipped scenarios only.
func openShipped(ref, _ string) (string, []byte, error) {
	if isPath(ref) {
		return "", nil, problemf("can't name a file here: this scenario comes from none")
	}
	data, err := Source(ref)
	return ref + ".yaml", data, err
}

// openFile takes files too; a relative path begins where from is.
func openFile(ref, from string) (string, []byte, error) {
	if !isPath(ref) {
		return openShipped(ref, from)
	}
	if !filepath.IsAbs(ref) {
		ref = filepath.Join(filepath.Dir(from), ref)
	}
	data, err := readFile(ref)
	return ref, data, err
}

// extended gives tree, of the last file of chain, over what it extends: mappings key by key, anything else as a whole. An
// empty list of cases and an empty matrix leave those of below out.
func (r *reader) extended(tree *node, chain []string) *node {
	e := tree.get("extends")
	if e == nil {
		return tree
	}
	tree = tree.without("extends")
	ref, ok := readValue(r, "extends", e, fileName)
	if !ok {
		return tree
	}
	from := chain[len(chain)-1]
	name, data, err := r.open(ref, from)
	switch {
	case err != nil:
		r.faultAt(e, "extends %s: %v", clip(ref), err)
		return tree
	case slices.Contains(chain, name):
		r.faultAt(e, "extends goes in a circle: %s", printable(strings.Join(append(chain[slices.Index(chain, name):], name), " → ")))
		return tree
	case len(chain) > maxExtends:
		r.faultAt(e, "extends goes on over more than %d files", maxExtends)
		return tree
	}
	r.extendedBy[name] = fmt.Sprintf("%s:%d", from, e.at.line)
	below := r.tree(name, data)
	if below == nil {
		r.bad[e] = true
		return tree
	}
	below = r.extended(below, append(slices.Clip(chain), name))
	for _, key := range []string{"cases", "matrix"} {
		if own := tree.get(key); own != nil && len(own.keys) == 0 && len(own.items) == 0 && (own.shape == list || own.shape == mapping) {
			tree, below = tree.without(key), below.without(key)
		}
	}
	whole := merge(below, tree)
	whole.at = tree.at
	return whole
}
