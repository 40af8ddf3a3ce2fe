package message

import (
	"fmt"
	"math"
)

// bodyDecoder takes Go values out of a JSON body. After the first error it goes on with zero values.
type bodyDecoder struct {
	body string
	err  error // the first; a *BodyError
}

// root reads a body that is an object; null after an error.
func (d *bodyDecoder) root(text []byte) *jsonValue {
	root, err := parseJSON(d.body, text)
	if err != nil {
		d.err = err
		return nil
	}
	if root.isNull() || root.kind != jsonObject {
		d.fail("not an object")
		return nil
	}
	return root
}

func (d *bodyDecoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = &BodyError{d.body, -1, fmt.Sprintf(format, args...)}
	}
}

// count adds more to have, and fails when that is too much to take in: what names the things.
func (d *bodyDecoder) count(have, more int, what string) int {
	have += max(more, 0)
	if have > MaxRouteQueues {
		d.fail("more than %d %s", MaxRouteQueues, what)
		return MaxRouteQueues
	}
	return have
}

func (d *bodyDecoder) int(v *jsonValue, key string) int { return d.intValue(v.get(key), key) }

// intValue is an int of Java: 32 bits.
func (d *bodyDecoder) intValue(v *jsonValue, name string) int {
	n, ok := v.asInt()
	if !ok || n < math.MinInt32 || n > math.MaxInt32 {
		d.fail("%s is no number of 32 bits: %.80q", name, v.asString())
		return 0
	}
	return int(n)
}

func (d *bodyDecoder) int64(v *jsonValue, key string) int64 {
	n, ok := v.get(key).asInt()
	if !ok {
		d.fail("%s is no number of 64 bits: %.80q", key, v.get(key).asString())
	}
	return n
}

func (d *bodyDecoder) array(v *jsonValue, name string) []*jsonValue {
	if !v.isNull() && v.kind != jsonArray {
		d.fail("%s is no array", name)
		return nil
	}
	if v == nil || d.err != nil {
		return nil
	}
	return v.items
}

func (d *bodyDecoder) members(v *jsonValue, name string) []jsonMember {
	if !v.isNull() && v.kind != jsonObject {
		d.fail("%s is no object", name)
		return nil
	}
	if v == nil || d.err != nil {
		return nil
	}
	return v.members
}

// strings reads an array of strings, and counts them into seen: several names may refer to one array.
func (d *bodyDecoder) strings(v *jsonValue, name string, seen *int) []string {
	items := d.array(v, name)
	if *seen = d.count(*seen, len(items), name); d.err != nil || len(items) == 0 {
		return nil
	}
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = item.asString()
	}
	return out
}
