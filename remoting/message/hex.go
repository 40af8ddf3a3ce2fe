package message

// upperDigits are Java's: every id of RocketMQ is upper-case hex.
const upperDigits = "0123456789ABCDEF"

// appendUpperHex appends src as upper-case hex.
func appendUpperHex(dst, src []byte) []byte {
	for _, b := range src {
		dst = append(dst, upperDigits[b>>4], upperDigits[b&0xF])
	}
	return dst
}

// decodeHex fills dst from 2·len(dst) hex digits of either case, and reports whether s was that.
func decodeHex(dst []byte, s string) bool {
	if len(s) != 2*len(dst) {
		return false
	}
	for i := range dst {
		high, ok1 := digit(s[2*i])
		low, ok2 := digit(s[2*i+1])
		if !ok1 || !ok2 {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

func digit(c byte) (value byte, ok bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
