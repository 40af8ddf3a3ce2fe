package scenarios

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// environ looks up an environment variable.
type environ func(name string) (value string, ok bool)

// noEnviron has no variables.
func noEnviron(string) (string, bool) { return "", false }

// maxExpanded bounds the bytes that variables put into a scenario.
const maxExpanded = maxContent

// expand puts the environment into the values within n, which nobody shares yet: ${NAME}, or ${NAME:-default} where NAME may
// be unset or empty. $${ stands for ${.
func (r *reader) expand(n *node) {
	n.keys = slices.DeleteFunc(n.keys, func(e entry) bool {
		variable := strings.Contains(e.key, "${")
		if variable {
			r.bad[n] = true
			r.fault(e.at, "environment variables stand for values, not for keys")
		}
		r.expand(e.value)
		return variable
	})
	for _, item := range n.items {
		r.expand(item)
	}
	if n.shape != scalar || !strings.Contains(n.text, "${") {
		return
	}
	text, name, err := r.substitute(n.text)
	if err != nil {
		r.unset[n] = true
		r.faultAt(n, "%v", err)
		return
	}
	n.text = text
	if name != "" {
		n.at.env, n.quoted = "${"+name+"}", false // what it stands for has no quotes: a number is one
	}
}

// substitute gives text with the variables that it names, and the last of them.
func (r *reader) substitute(text string) (_, last string, err error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			return b.String(), last, nil
		}
		if literal, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(literal + "${")
			text = after
			continue
		}
		b.WriteString(before)
		inner, behind, closed := strings.Cut(after, "}")
		if !closed {
			return "", "", problem("${ has no }; for the characters themselves write $${")
		}
		name, def, hasDefault := strings.Cut(inner, ":-")
		value, err := r.variable(name, def, hasDefault)
		if err != nil {
			return "", "", problemf("${%s} %v", clip(name), err)
		}
		b.WriteString(value)
		text, last = behind, name
	}
}

// variable gives the value of an environment variable, or its default.
func (r *reader) variable(name, def string, hasDefault bool) (string, error) {
	switch {
	case name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") != "" || name[0] >= '0' && name[0] <= '9':
		return "", problem("must be ${NAME} or ${NAME:-default}; for the characters themselves write $${")
	case secretive(name):
		return "", problem("looks like a secret, and what a scenario holds is printed: secrets belong into the file that target.credentials names")
	}
	value, set := r.env(name)
	switch {
	case value == "" && hasDefault:
		return def, nil
	case !set:
		return "", problemf("is not set; write ${%s:-default} if it may be missing", clip(name))
	case !utf8.ValidString(value) || strings.ContainsFunc(value, func(c rune) bool { return !unicode.IsPrint(c) }):
		return "", problem("must be of printable characters only")
	}
	if r.expanded += len(value); r.expanded > maxExpanded {
		return "", problemf("makes it over %d KiB that come from the environment", maxExpanded>>10)
	}
	return value, nil
}

// secretive reports whether a variable's name says that its value is nobody's business.
func secretive(name string) bool {
	name = strings.ToUpper(name)
	for _, part := range []string{"SECRET", "PASSW", "TOKEN", "CREDENTIAL", "APIKEY"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	words := strings.Split(name, "_")
	return slices.Contains(words, "KEY") || slices.Contains(words, "PASS")
}
