package message

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A Java string is a row of UTF-16 code units: it hashes and compares by those, which Go's UTF-8 strings do otherwise.

// JavaHash is String.hashCode: h = 31·h + c over the code units, in 32 bits. A byte that is not UTF-8 counts as U+FFFD.
func JavaHash(s string) int32 {
	var h int32
	for _, r := range s {
		if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
			h = 31*(31*h+high) + low
			continue
		}
		h = 31*h + r
	}
	return h
}

// CompareJava orders two strings as String.compareTo does. It differs from Go's order where a character above U+FFFF
// meets one from U+E000 to U+FFFF.
func CompareJava(a, b string) int {
	for a != "" && b != "" {
		ra, na := utf8.DecodeRuneInString(a)
		rb, nb := utf8.DecodeRuneInString(b)
		if ra != rb {
			if wideA, wideB := ra > 0xFFFF, rb > 0xFFFF; wideA != wideB {
				ra, rb = firstUnit(ra), firstUnit(rb)
			}
			return int(ra - rb)
		}
		a, b = a[na:], b[nb:]
	}
	return strings.Compare(a, b)
}

func firstUnit(r rune) rune {
	if high, _ := utf16.EncodeRune(r); high != utf8.RuneError {
		return high
	}
	return r
}
