package remoting

import (
	"encoding/binary"
	"errors"
	"testing"
)

// A frame of exactly the largest size goes out and comes in; one byte more does neither.
func TestR36_FrameCapAtTheByte(t *testing.T) {
	head, err := request(nil).AppendHead(nil, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	most := MaxFrame - len(head)
	if _, err := request(nil).AppendHead(nil, 1, most); err != nil {
		t.Errorf("a frame of %d bytes: %v", MaxFrame, err)
	}
	if _, err := request(nil).AppendHead(nil, 1, most+1); !errors.Is(err, ErrFrameTooLarge) {
		t.Errorf("a frame of %d bytes: %v, want %v", MaxFrame+1, err, ErrFrameTooLarge)
	}
	for _, limit := range []int{100, MaxFrame} {
		for size, fits := range map[int]bool{limit - 1: true, limit: true, limit + 1: false} {
			first := binary.BigEndian.AppendUint32(nil, uint32(size-lengthBytes))
			if n, err := frameSize(first, limit); (err == nil) != fits || fits && n != size || !fits && !errors.Is(err, ErrBadFrame) {
				t.Errorf("a frame of %d bytes where %d are allowed: %d, %v", size, limit, n, err)
			}
		}
	}
}
