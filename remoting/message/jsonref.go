package message

import (
	"strconv"
	"strings"
)

// References of fastjson 1: {"$ref":"$.a.b[2]"} stands for the value at that path from the root. A backslash in a path
// takes the next character as it is. Paths that lead nowhere, to another reference's inside or up ("@", "..") are null.

// ref is the path of a reference, "" when v is none.
func (v *jsonValue) ref() string {
	if v == nil || v.kind != jsonObject || len(v.members) != 1 || v.members[0].name != "$ref" {
		return ""
	}
	return v.members[0].value.asString()
}

// resolve puts the value that is meant in the place of every reference below root. All paths are followed before any
// reference is replaced, so a reference to a reference is null.
func (p *jsonParser) resolve(root **jsonValue) {
	p.findRefs(root)
	if len(p.refs) == 0 {
		return
	}
	paths := jsonPaths{root: *root, places: map[*jsonValue]map[string]int{}}
	targets := make([]*jsonValue, len(p.refs))
	for i, place := range p.refs {
		if v := paths.follow((*place).ref()); v.ref() == "" {
			targets[i] = v
		}
	}
	for i, place := range p.refs {
		*place = targets[i]
	}
}

func (p *jsonParser) findRefs(place **jsonValue) {
	v := *place
	if v == nil {
		return
	}
	if v.ref() != "" {
		p.refs = append(p.refs, place)
		return
	}
	for i := range v.members {
		p.findRefs(&v.members[i].value)
	}
	for i := range v.items {
		p.findRefs(&v.items[i])
	}
}

// jsonPaths follows paths from root. It looks a member up by an index of its object, made once: many references into
// one big object must not cost its size each.
type jsonPaths struct {
	root   *jsonValue
	places map[*jsonValue]map[string]int
}

func (p *jsonPaths) follow(path string) *jsonValue {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok {
		return nil
	}
	v := p.root
	for rest != "" && v != nil {
		switch {
		case rest[0] == '.':
			var name string
			name, rest = pathName(rest[1:])
			v = p.member(v, name)
		case rest[0] == '[':
			index, after, ok := strings.Cut(rest[1:], "]")
			i, err := strconv.Atoi(index)
			if !ok || err != nil || i < 0 || i >= len(v.items) {
				return nil
			}
			v, rest = v.items[i], after
		default:
			return nil
		}
	}
	return v
}

// pathName reads a name up to a dot or bracket that no backslash stands before.
func pathName(s string) (name, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		case '.', '[':
			return b.String(), s[i:]
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}

func (p *jsonPaths) member(v *jsonValue, name string) *jsonValue {
	places, ok := p.places[v]
	if !ok {
		places = make(map[string]int, len(v.members))
		for i := range v.members {
			places[v.members[i].name] = i
		}
		p.places[v] = places
	}
	i, ok := places[name]
	if !ok {
		return nil
	}
	return v.members[i].value
}
