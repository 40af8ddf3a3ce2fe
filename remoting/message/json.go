package message

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The bodies of routes and admin replies are fastjson's JSON, which differs from JSON in three ways: keys may be bare
// (numbers), keys may be whole objects, and an object met twice is written as {"$ref":"<path to the first>"}. What is
// read here is that language and nothing laxer: no comments, no single quotes, no trailing commas.

// Bounds of a body, so that hostile text costs no more than text of its size may.
const (
	maxJSONDepth  = 64
	maxJSONValues = 1 << 20 // a topic's stats take 8 a queue
)

// BodyError is a body that could not be read.
type BodyError struct {
	Body   string // which: "route", "heartbeat", …
	Offset int    // bytes into it; -1 where the body is JSON and what it says is wrong
	Reason string
}

func (e *BodyError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("message: %s body: %s", e.Body, e.Reason)
	}
	return fmt.Sprintf("message: %s body: %s at byte %d", e.Body, e.Reason, e.Offset)
}

// parseJSON reads a whole body, and puts the referred value in every reference's place. The error is a *BodyError.
// Values may share parts or hold themselves after that: who walks them goes a fixed depth and bounds what he takes.
func parseJSON(body string, text []byte) (*jsonValue, error) {
	p := jsonParser{body: body, text: string(text)}
	root := p.value(0)
	p.space()
	if p.err == nil && p.at < len(p.text) {
		p.fail("text after the end")
	}
	if p.err != nil {
		return nil, p.err
	}
	p.resolve(&root)
	return root, nil
}

type jsonParser struct {
	body   string
	text   string
	at     int // next byte
	values int
	err    error // the first; nothing more is read after it

	refs []**jsonValue // where references stand
	slab []jsonValue   // room for values, so that each is not an allocation of its own
}

func (p *jsonParser) fail(reason string) *jsonValue {
	if p.err == nil {
		p.err = &BodyError{Body: p.body, Offset: p.at, Reason: reason}
		p.at = len(p.text)
	}
	return nil
}

func (p *jsonParser) make(v jsonValue) *jsonValue {
	if len(p.slab) == 0 {
		p.slab = make([]jsonValue, min(256, 16+len(p.text)/16))
	}
	made := &p.slab[0]
	p.slab = p.slab[1:]
	*made = v
	return made
}

func (p *jsonParser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// peek passes over space and gives the next byte, 0 at the end.
func (p *jsonParser) peek() byte {
	p.space()
	if p.at >= len(p.text) {
		return 0
	}
	return p.text[p.at]
}

// take passes over c, or fails.
func (p *jsonParser) take(c byte) {
	if p.peek() != c {
		p.fail(fmt.Sprintf("no %q", c))
		return
	}
	p.at++
}

func (p *jsonParser) value(depth int) *jsonValue {
	if depth > maxJSONDepth {
		return p.fail(fmt.Sprintf("nested deeper than %d", maxJSONDepth))
	}
	if p.values++; p.values > maxJSONValues {
		return p.fail(fmt.Sprintf("more than %d values", maxJSONValues))
	}
	switch c := p.peek(); c {
	case 0:
		return p.fail("the end of the text where a value should be")
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		return p.make(jsonValue{kind: jsonString, text: p.str()})
	default:
		word := p.word()
		switch word {
		case "null":
			return nil
		case "true", "false":
			return p.make(jsonValue{kind: jsonBool, text: word})
		}
		if word == "" || c != '-' && (c < '0' || c > '9') {
			return p.fail("no value")
		}
		return p.make(jsonValue{kind: jsonNumber, text: word})
	}
}

func (p *jsonParser) object(depth int) *jsonValue {
	p.at++
	obj := jsonValue{kind: jsonObject}
	for p.peek() != '}' && p.err == nil {
		if len(obj.members) > 0 {
			p.take(',')
		}
		var m jsonMember
		switch p.peek() {
		case '"':
			m.name = p.str()
		case '{':
			m.key = p.value(depth + 1)
			m.name = m.key.asName()
		default:
			if m.name = p.word(); m.name == "" {
				p.fail("no key")
			}
		}
		p.take(':')
		m.value = p.value(depth + 1)
		obj.members = append(obj.members, m)
	}
	p.take('}')
	return p.make(obj)
}

func (p *jsonParser) array(depth int) *jsonValue {
	p.at++
	arr := jsonValue{kind: jsonArray}
	for p.peek() != ']' && p.err == nil {
		if len(arr.items) > 0 {
			p.take(',')
		}
		arr.items = append(arr.items, p.value(depth+1))
	}
	p.take(']')
	return p.make(arr)
}

// word reads a bare word: a number, true, false, null, or a bare key. It may be empty.
func (p *jsonParser) word() string {
	start := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case c == '-', c == '+', c == '.', c == '_', c == '$':
		default:
			return p.text[start:p.at]
		}
		p.at++
	}
	return p.text[start:]
}

// str reads a string from its opening quote on. Bytes that are not UTF-8 stay, half a surrogate pair becomes U+FFFD.
func (p *jsonParser) str() string {
	p.at++
	start := p.at
	var out []byte // nil until there is something to undo
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case '"':
			if out == nil {
				p.at++
				return p.text[start : p.at-1]
			}
			out = append(out, p.text[start:p.at]...)
			p.at++
			return string(out)
		case '\\':
			out = append(out, p.text[start:p.at]...)
			out = p.escape(out)
			start = p.at
		default:
			p.at++
		}
	}
	p.fail("a string without its end")
	return ""
}

// escape reads one escape, or two that make a surrogate pair, from the backslash on.
func (p *jsonParser) escape(out []byte) []byte {
	if p.at++; p.at >= len(p.text) {
		return out
	}
	c := p.text[p.at]
	p.at++
	switch c {
	case '"', '\\', '/', '\'':
		return append(out, c)
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'v':
		return append(out, '\v')
	case '0':
		return append(out, 0)
	case 'x':
		return utf8.AppendRune(out, p.hex(2))
	case 'u':
		r := p.hex(4)
		if utf16.IsSurrogate(r) && strings.HasPrefix(p.text[p.at:], `\u`) {
			mark := p.at
			p.at += 2
			if pair := utf16.DecodeRune(r, p.hex(4)); pair != utf8.RuneError {
				return utf8.AppendRune(out, pair)
			}
			p.at = mark // the second is a character of its own
		}
		return utf8.AppendRune(out, r)
	}
	p.fail(fmt.Sprintf("unknown escape \\%c", c))
	return out
}

func (p *jsonParser) hex(digits int) rune {
	if len(p.text)-p.at < digits {
		p.fail("an escape without its digits")
		return 0
	}
	v, err := strconv.ParseUint(p.text[p.at:p.at+digits], 16, 32)
	if err != nil {
		p.fail("an escape without its digits")
		return 0
	}
	p.at += digits
	return rune(v)
}
