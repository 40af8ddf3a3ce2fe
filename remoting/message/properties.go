package message

import (
	"bytes"
	"strings"
)

// Separators of the properties string: key 0x01 value 0x02, pair after pair (MessageDecoder.messageProperties2String).
// Nothing is escaped: a key or value that holds one of the two arrives as something else.
const (
	keyEnd  = 0x01
	pairEnd = 0x02
)

// MaxPropertiesLen is the longest properties string a broker stores, in bytes: it keeps the length in an int16.
const MaxPropertiesLen = 32767

// Property is one user or system property of a message.
type Property struct{ Key, Value string }

// Properties are a message's properties in the order in which they go to the wire. Keys are unique as long as only
// [Properties.Set] adds them; for a key that occurs twice the later value holds.
type Properties []Property

// Get returns the value of key, and whether it is there.
func (p Properties) Get(key string) (value string, ok bool) {
	if i := p.index(key); i >= 0 {
		return p[i].Value, true
	}
	return "", false
}

// Set gives key its value: in place when the key is there, else at the end.
func (p *Properties) Set(key, value string) {
	if i := p.index(key); i >= 0 {
		(*p)[i].Value = value
		return
	}
	*p = append(*p, Property{key, value})
}

// Delete takes every pair of that key out, and keeps the order of the others.
func (p *Properties) Delete(key string) {
	kept := (*p)[:0]
	for _, pair := range *p {
		if pair.Key != key {
			kept = append(kept, pair)
		}
	}
	clear((*p)[len(kept):])
	*p = kept
}

// Map is a copy of p as a map.
func (p Properties) Map() map[string]string {
	m := make(map[string]string, len(p))
	for _, pair := range p {
		m[pair.Key] = pair.Value
	}
	return m
}

func (p Properties) index(key string) int {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i].Key == key {
			return i
		}
	}
	return -1
}

// AppendProperties appends the properties string of props. The last pair keeps its 0x02, as 4.5.1 to 4.9.0 and 5.2.0 on
// write it; 4.9.1 to 5.1.x drop that byte, and everybody reads both. It only allocates to grow dst.
func AppendProperties(dst []byte, props Properties) []byte {
	for i := range props {
		dst = append(dst, props[i].Key...)
		dst = append(dst, keyEnd)
		dst = append(dst, props[i].Value...)
		dst = append(dst, pairEnd)
	}
	return dst
}

// PropertiesLen is the number of bytes that [AppendProperties] appends for props.
func PropertiesLen(props Properties) int {
	n := 2 * len(props)
	for i := range props {
		n += len(props[i].Key) + len(props[i].Value)
	}
	return n
}

// DecodeProperties reads a properties string as MessageDecoder.string2messageProperties does: each piece up to a 0x02,
// or up to the end, is a pair cut at its first 0x01; a piece without key, value or 0x01 is passed over; a key met again
// takes the later value at its first place. The result shares no memory with a []byte. Without any pair it is nil.
func DecodeProperties[T string | []byte](text T) Properties {
	var props Properties
	var places map[string]int // of each key in props, once there are too many to look through
	rest := string(text)
	for rest != "" {
		var piece string
		piece, rest, _ = strings.Cut(rest, string(rune(pairEnd)))
		key, value, _ := strings.Cut(piece, string(rune(keyEnd)))
		if key == "" || value == "" {
			continue
		}
		if len(props) < manyProperties {
			props.Set(key, value)
			continue
		}
		if places == nil {
			places = make(map[string]int, 2*manyProperties)
			for i := range props {
				places[props[i].Key] = i
			}
		}
		if i, ok := places[key]; ok {
			props[i].Value = value
			continue
		}
		places[key] = len(props)
		props = append(props, Property{key, value})
	}
	return props
}

// manyProperties is the number of pairs up to which looking at each costs less than a map does.
const manyProperties = 16

// LookupProperty finds the value of key in a properties string without decoding it, by the rules of [DecodeProperties].
// The value is a part of encoded. It does not allocate.
func LookupProperty(encoded []byte, key string) (value []byte, ok bool) {
	if key == "" {
		return nil, false
	}
	for end := len(encoded); end > 0; { // from the end: the last pair of a key holds
		start := bytes.LastIndexByte(encoded[:end], pairEnd) + 1
		piece := encoded[start:end]
		if n := len(key); len(piece) > n+1 && piece[n] == keyEnd && string(piece[:n]) == key {
			return piece[n+1:], true
		}
		end = start - 1
	}
	return nil, false
}

// DeleteProperty takes every pair of that key out of a properties string and leaves all other bytes as they are, also
// those of pieces that are no pairs (MessageUtils.deleteProperty). A pair without a value goes, a key without 0x01 stays.
func DeleteProperty(encoded, key string) string {
	prefix := key + string(rune(keyEnd))
	if !strings.Contains(encoded, prefix) {
		return encoded
	}
	var kept strings.Builder
	kept.Grow(len(encoded))
	for rest := encoded; rest != ""; {
		end := strings.IndexByte(rest, pairEnd) + 1
		if end == 0 {
			end = len(rest)
		}
		if !strings.HasPrefix(rest, prefix) {
			kept.WriteString(rest[:end])
		}
		rest = rest[end:]
	}
	return kept.String()
}
