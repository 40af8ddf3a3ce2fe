package remoting

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON in place, without allocating where all is well.
type scanner struct {
	b      []byte
	i      int
	values int // that were read
}

const (
	maxDepth = 16 // of nested values, under keys that nobody asked for

	// maxPairs bounds the ext fields of a header, and all values of a JSON one. RocketMQ's have some thirty at the most;
	// without a bound a frame of 16 MiB holds millions, which cost whoever copies them many times that.
	maxPairs = 4096
)

func (s *scanner) fault(what string) error {
	return fmt.Errorf("JSON header, byte %d: %s", s.i, what)
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// peek is the byte at hand, 0 at the end.
func (s *scanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) take(c byte) bool {
	if s.peek() != c || s.i >= len(s.b) {
		return false
	}
	s.i++
	return true
}

// end allows nothing but white space after the object.
func (s *scanner) end() error {
	s.space()
	if s.i != len(s.b) {
		return s.fault("more after the object")
	}
	return nil
}

// string reads a quoted string; its escapes are checked here and undone by whoever wants the text.
func (s *scanner) string() (text, error) {
	if !s.take('"') {
		return text{}, s.fault("no string")
	}
	from := s.i
	if n := bytes.IndexByte(s.b[from:], '"'); n >= 0 && bytes.IndexByte(s.b[from:from+n], '\\') < 0 {
		s.i += n + 1
		return text{raw: s.b[from : from+n]}, nil
	}
	t := text{}
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			t.raw = s.b[from:s.i]
			s.i++
			return t, nil
		case c == '\\':
			t.escaped = true
			n := escapeLen(s.b[s.i:])
			if n == 0 {
				return text{}, s.fault("unknown escape")
			}
			s.i += n
		default:
			s.i++
		}
	}
	return text{}, s.fault("string without end")
}

// escapeLen is the length of the escape at the start of b, 0 if it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) >= 6 {
			if _, ok := hex4(b[2:6]); ok {
				return 6
			}
		}
	}
	return 0
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte) (r rune, ok bool) {
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// scalar reads a string, a number, true, false or null.
func (s *scanner) scalar() (t text, null bool, err error) {
	if err := s.count(); err != nil {
		return text{}, false, err
	}
	if s.peek() == '"' {
		t, err = s.string()
		return t, false, err
	}
	from := s.i
	for s.i < len(s.b) && isWord(s.b[s.i]) {
		s.i++
	}
	w := s.b[from:s.i]
	switch string(w) {
	case "null":
		return text{}, true, nil
	case "true", "false":
		return text{raw: w}, false, nil
	}
	if len(w) > 0 && (w[0] == '-' || '0' <= w[0] && w[0] <= '9') {
		return text{raw: w}, false, nil
	}
	s.i = from
	return text{}, false, s.fault("no value")
}

// count notes one value more.
func (s *scanner) count() error {
	if s.values++; s.values > maxPairs {
		return s.fault(fmt.Sprintf("more than %d values", maxPairs))
	}
	return nil
}

func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '+' || c == '.'
}

// flatObject checks an object whose values are scalars, such as extFields.
func (s *scanner) flatObject() error {
	s.i++ // '{'
	s.space()
	if s.take('}') {
		return nil
	}
	for {
		s.space()
		if _, err := s.string(); err != nil {
			return err
		}
		s.space()
		if !s.take(':') {
			return s.fault("no colon after a key")
		}
		s.space()
		if _, _, err := s.scalar(); err != nil {
			return err
		}
		s.space()
		if s.take(',') {
			continue
		}
		if s.take('}') {
			return nil
		}
		return s.fault("neither comma nor closing brace")
	}
}

// skip passes over any value.
func (s *scanner) skip(depth int) error {
	open := s.peek()
	if open != '{' && open != '[' {
		_, _, err := s.scalar()
		return err
	}
	if err := s.count(); err != nil {
		return err
	}
	if depth == maxDepth {
		return s.fault("nested too deep")
	}
	s.i++
	s.space()
	closing := open + 2 // in ASCII both brackets lie two apart
	if s.take(closing) {
		return nil
	}
	for {
		s.space()
		if open == '{' {
			if _, err := s.string(); err != nil {
				return err
			}
			s.space()
			if !s.take(':') {
				return s.fault("no colon after a key")
			}
			s.space()
		}
		if err := s.skip(depth + 1); err != nil {
			return err
		}
		s.space()
		if s.take(',') {
			continue
		}
		if s.take(closing) {
			return nil
		}
		return s.fault("neither comma nor closing bracket")
	}
}

func (s *scanner) int32(t text) (int32, error) {
	n, err := parseInt(t.raw, 32)
	if err != nil {
		return 0, s.fault("no 32-bit number: " + err.Error())
	}
	return int32(n), nil
}

var errNumber = errors.New("not a number of that size")

// parseInt reads a decimal integer of at most the given bits without allocating.
func parseInt(b []byte, bits int) (int64, error) {
	digits := bytes.TrimPrefix(b, []byte("-"))
	if len(digits) == 0 || len(digits) > 19 {
		return 0, errNumber
	}
	var n uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, errNumber
		}
		n = n*10 + uint64(c-'0')
	}
	limit := uint64(1)<<(bits-1) - 1
	if len(digits) < len(b) {
		if n > limit+1 {
			return 0, errNumber
		}
		return -int64(n), nil
	}
	if n > limit {
		return 0, errNumber
	}
	return int64(n), nil
}

// appendUnescaped undoes the escapes of a string that [scanner.string] took.
func appendUnescaped(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			dst = append(dst, raw[i])
			i++
			continue
		}
		switch c := raw[i+1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, n := unescapeRune(raw[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		default:
			dst = append(dst, c)
		}
		i += 2
	}
	return dst
}

// unescapeRune reads \uXXXX, or two of them that make one rune.
func unescapeRune(b []byte) (rune, int) {
	r, _ := hex4(b[2:])
	if utf16.IsSurrogate(r) && len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		lo, _ := hex4(b[8:]) // 0 if it is none: no second half
		if both := utf16.DecodeRune(r, lo); both != utf8.RuneError {
			return both, 12
		}
	}
	return r, 6 // AppendRune makes U+FFFD of a lone surrogate
}
