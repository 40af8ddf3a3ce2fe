package results

import (
	"fmt"
	"strconv"
)

// ListHash tells lists of sends apart, whatever their order: the sum of a hash of each, modulo 2⁶⁴. That of two lists together is
// the sum of theirs.
type ListHash uint64

// MarshalText writes 16 hexadecimal digits: as a JSON number it would lose some.
func (h ListHash) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(h)), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *ListHash) UnmarshalText(text []byte) error {
	v, err := strconv.ParseUint(string(text), 16, 64)
	if err != nil || len(text) != 16 {
		return fmt.Errorf("hash of a list %q: 16 hexadecimal digits", Printable(string(text)))
	}
	*h = ListHash(v)
	return nil
}
