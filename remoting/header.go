package remoting

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// Head is a frame's header read in place: its texts borrow from the frame and are valid as long as the frame is.
type Head struct {
	Serialize Serialize
	Language  Language
	Code      int32
	Version   int32
	Opaque    int32
	Flag      int32

	remark text
	ext    []byte // the pairs: binary, or a JSON object
}

// text is a string in a frame: raw bytes, in a JSON header perhaps with escapes.
type text struct {
	raw     []byte
	escaped bool
}

// IsResponse reports whether the frame answers a request.
func (h *Head) IsResponse() bool { return h.Flag&FlagResponse != 0 }

// IsOneway reports whether the sender wants no answer.
func (h *Head) IsOneway() bool { return h.Flag&FlagOneway != 0 }

// Remark copies the remark.
func (h *Head) Remark() string {
	if h.remark.escaped {
		return string(h.remark.bytes())
	}
	return string(h.remark.raw)
}

// Get finds one ext field; the value borrows from the frame, or from the heap where it held escapes.
func (h *Head) Get(key string) (value []byte, ok bool) {
	for it := h.Ext(); it.Next(); {
		if string(it.Key()) == key {
			value, ok = it.Value(), true // go on: the last one counts
		}
	}
	return value, ok
}

// Ext walks the ext fields in the frame's order.
func (h *Head) Ext() Fields {
	if h.Serialize == JSON {
		return Fields{json: true, scan: scanner{b: h.ext}}
	}
	return Fields{scan: scanner{b: h.ext}}
}

// Fields walks the pairs of a header that was parsed without error.
type Fields struct {
	json       bool
	scan       scanner
	key, value text
}

// Next moves to the next pair and reports whether there is one. Pairs whose value is JSON's null are passed over.
func (f *Fields) Next() bool {
	if f.json {
		return f.nextJSON()
	}
	b := f.scan.b[f.scan.i:]
	if len(b) == 0 {
		return false
	}
	k := int(binary.BigEndian.Uint16(b))
	v := int(binary.BigEndian.Uint32(b[2+k:]))
	f.key.raw, f.value.raw = b[2:2+k], b[6+k:6+k+v]
	f.scan.i += 6 + k + v
	return true
}

func (f *Fields) nextJSON() bool {
	s := &f.scan
	for {
		s.space()
		if s.i >= len(s.b) || s.b[s.i] == '}' {
			return false
		}
		s.i++ // '{' or ','
		s.space()
		if s.i >= len(s.b) || s.b[s.i] == '}' {
			return false
		}
		f.key, _ = s.string()
		s.space()
		s.i++ // ':'
		s.space()
		var null bool
		f.value, null, _ = s.scalar()
		if !null {
			return true
		}
	}
}

// Key borrows the pair's key.
func (f *Fields) Key() []byte { return f.key.bytes() }

// Value borrows the pair's value.
func (f *Fields) Value() []byte { return f.value.bytes() }

func (t text) bytes() []byte {
	if t.escaped {
		return appendUnescaped(make([]byte, 0, len(t.raw)), t.raw) // an escape is longer than what it stands for
	}
	return t.raw
}

// The binary header (RocketMQSerializable.java): int16 code, int8 language, int16 version, int32 opaque, int32 flag,
// int32 remark length, remark, int32 ext length, pairs of int16 key length, key, int32 value length, value.
const binaryFixed = 2 + 1 + 2 + 4 + 4

// appendBinaryHeader leaves out pairs without a key; Java would skip them too.
func (c *Command) appendBinaryHeader(dst []byte, opaque int32) ([]byte, error) {
	if c.Code != int32(int16(c.Code)) {
		return nil, fmt.Errorf("code %d does not fit the binary header (16 bits); JSON takes it", c.Code)
	}
	dst = appendBinaryFixed(dst, c.Code, c.Language, c.Version, opaque, c.Flag)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(c.Remark)))
	dst = append(dst, c.Remark...)
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	for _, f := range c.Ext {
		if len(f.Key) > math.MaxInt16 {
			return nil, fmt.Errorf("ext key of %d bytes does not fit the binary header (15 bits)", len(f.Key))
		}
		dst = appendPair(dst, f.Key, f.Value)
	}
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst, nil
}

func appendBinaryFixed(dst []byte, code int32, l Language, version, opaque, flag int32) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	dst = append(dst, byte(l))
	dst = binary.BigEndian.AppendUint16(dst, uint16(version))
	dst = binary.BigEndian.AppendUint32(dst, uint32(opaque))
	return binary.BigEndian.AppendUint32(dst, uint32(flag))
}

func appendPair(dst []byte, key, value string) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(key)))
	dst = append(dst, key...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(value)))
	return append(dst, value...)
}

// parseBinary checks every length of b, so that [Fields] may trust them.
func (h *Head) parseBinary(b []byte) error {
	if len(b) < binaryFixed+4+4 {
		return fmt.Errorf("binary header of %d bytes, at least %d", len(b), binaryFixed+8)
	}
	h.Code = int32(int16(binary.BigEndian.Uint16(b)))
	h.Language = Language(b[2])
	h.Version = int32(int16(binary.BigEndian.Uint16(b[3:])))
	h.Opaque = int32(binary.BigEndian.Uint32(b[5:]))
	h.Flag = int32(binary.BigEndian.Uint32(b[9:]))
	b = b[binaryFixed:]
	n := int64(int32(binary.BigEndian.Uint32(b)))
	if n < 0 || n > int64(len(b)-8) {
		return fmt.Errorf("remark of %d bytes in a header with %d left", n, len(b)-8)
	}
	h.remark.raw, b = b[4:4+n], b[4+n:]
	n = int64(int32(binary.BigEndian.Uint32(b)))
	if n < 0 || n > int64(len(b)-4) {
		return fmt.Errorf("ext fields of %d bytes in a header with %d left", n, len(b)-4)
	}
	h.ext = b[4 : 4+n]
	pairs := 0
	for p := h.ext; len(p) > 0; {
		if pairs++; pairs > maxPairs {
			return fmt.Errorf("more than %d ext fields", maxPairs)
		}
		if len(p) < 2 {
			return errors.New("ext key is cut off")
		}
		k := int(int16(binary.BigEndian.Uint16(p)))
		if k < 0 || len(p) < 2+k+4 {
			return fmt.Errorf("ext key of %d bytes with %d left", k, len(p)-2)
		}
		v := int64(int32(binary.BigEndian.Uint32(p[2+k:])))
		if v < 0 || v > int64(len(p)-6-k) {
			return fmt.Errorf("ext value of %d bytes with %d left", v, len(p)-6-k)
		}
		p = p[6+k+int(v):]
	}
	return nil
}

// appendJSONHeader writes the keys that RemotingSerializable.java writes, in its order.
func (c *Command) appendJSONHeader(dst []byte, opaque int32) []byte {
	dst = append(dst, `{"code":`...)
	dst = strconv.AppendInt(dst, int64(c.Code), 10)
	if c.Ext != nil {
		dst = append(dst, `,"extFields":{`...)
		for i, f := range c.Ext {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSONString(dst, f.Key)
			dst = append(dst, ':')
			dst = appendJSONString(dst, f.Value)
		}
		dst = append(dst, '}')
	}
	dst = appendJSONMiddle(dst, c.Flag, c.Language, opaque)
	if c.Remark != "" {
		dst = append(dst, `,"remark":`...)
		dst = appendJSONString(dst, c.Remark)
	}
	return appendJSONEnd(dst, c.Version)
}

func appendJSONMiddle(dst []byte, flag int32, l Language, opaque int32) []byte {
	dst = append(dst, `,"flag":`...)
	dst = strconv.AppendInt(dst, int64(flag), 10)
	dst = append(dst, `,"language":"`...)
	dst = append(dst, l.String()...)
	dst = append(dst, `","opaque":`...)
	return strconv.AppendInt(dst, int64(opaque), 10)
}

func appendJSONEnd(dst []byte, version int32) []byte {
	dst = append(dst, `,"serializeTypeCurrentRPC":"JSON","version":`...)
	dst = strconv.AppendInt(dst, int64(version), 10)
	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

// appendJSONString quotes s. Bytes that are no UTF-8 become U+FFFD, as Java's decoder would make of them.
func appendJSONString[S string | []byte](dst []byte, s S) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// parseJSON reads what fastjson would: unknown keys, missing keys, numbers in quotes, any white space. A later
// duplicate of a key counts. Nested values are allowed under unknown keys only, to a small depth.
func (h *Head) parseJSON(b []byte) error {
	s := scanner{b: b}
	s.space()
	if !s.take('{') {
		return s.fault("no JSON object")
	}
	s.space()
	if s.take('}') {
		return s.end()
	}
	for {
		s.space()
		key, err := s.string()
		if err != nil {
			return err
		}
		s.space()
		if !s.take(':') {
			return s.fault("no colon after a key")
		}
		s.space()
		name := key.raw
		if key.escaped && len(name) <= 6*len("extFields") { // longer ones are none of ours
			name = key.bytes()
		}
		if err := h.setJSON(&s, name); err != nil {
			return err
		}
		s.space()
		if s.take(',') {
			continue
		}
		if s.take('}') {
			return s.end()
		}
		return s.fault("neither comma nor closing brace")
	}
}

func (h *Head) setJSON(s *scanner, key []byte) error {
	switch string(key) {
	case "extFields":
		if s.peek() != '{' {
			_, null, err := s.scalar()
			if err == nil && !null {
				return s.fault("extFields is no object")
			}
			h.ext = nil
			return err
		}
		from := s.i
		if err := s.flatObject(); err != nil {
			return err
		}
		h.ext = s.b[from:s.i]
		return nil
	case "code", "flag", "opaque", "version", "language", "remark":
	default:
		return s.skip(0)
	}
	v, null, err := s.scalar()
	if err != nil || null {
		return err
	}
	switch key[0] {
	case 'c':
		h.Code, err = s.int32(v)
	case 'f':
		h.Flag, err = s.int32(v)
	case 'o':
		h.Opaque, err = s.int32(v)
	case 'v':
		h.Version, err = s.int32(v)
	case 'l':
		h.Language = languageNamed(v.raw)
	default:
		h.remark = v
	}
	return err
}

func languageNamed(name []byte) Language {
	for i, l := range languages {
		if equalFold(name, l) {
			return Language(i)
		}
	}
	return unknownLanguage
}

// equalFold compares ASCII, upper being in upper case.
func equalFold(b []byte, upper string) bool {
	if len(b) != len(upper) {
		return false
	}
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != upper[i] {
			return false
		}
	}
	return true
}
