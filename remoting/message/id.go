package message

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"
)

// Bytes of a unique id after its address: pid 2, loader hash 4, milliseconds 4, counter 2.
const (
	idTail   = 12
	idMoves  = 6 // of those, what differs from one id of a source to the next
	idBytes4 = 4 + idTail
	idBytes6 = 16 + idTail
)

// UniqueID is a message's id as its client makes it, property UNIQ_KEY (MessageClientIDSetter.java): ip (4 or 16 bytes),
// low 16 bits of the pid, hash of the class loader (4), milliseconds since local midnight of the month's first day (4),
// counter (2), all big endian. It is comparable; the zero UniqueID is no id.
type UniqueID struct {
	b [idBytes6]byte
	n uint8 // bytes of b in use: 16 with IPv4, 28 with IPv6
}

// UniqueIDFields is what a UniqueID says.
type UniqueIDFields struct {
	IP         netip.Addr
	PID        uint16 // low 16 bits
	LoaderHash uint32 // whatever tells apart two clients of one process and host; Java: the class loader's hash
	Millis     uint32 // ms since local midnight of the month's first day; Java prints it signed
	Counter    uint16
}

// AppendHex appends the id as 32 (IPv4) or 56 (IPv6) upper-case hex digits, the form that goes to the wire.
func (id UniqueID) AppendHex(dst []byte) []byte { return appendUpperHex(dst, id.b[:id.n]) }

// String is the id in hex; the zero UniqueID gives "".
func (id UniqueID) String() string { return string(id.AppendHex(make([]byte, 0, 2*idBytes6))) }

// Fields takes the id apart; the zero UniqueID gives zero fields.
func (id UniqueID) Fields() UniqueIDFields {
	if id.n == 0 {
		return UniqueIDFields{}
	}
	tail := id.b[id.n-idTail : id.n]
	ip, _ := netip.AddrFromSlice(id.b[:id.n-idTail])
	return UniqueIDFields{
		IP:         ip,
		PID:        binary.BigEndian.Uint16(tail),
		LoaderHash: binary.BigEndian.Uint32(tail[2:]),
		Millis:     binary.BigEndian.Uint32(tail[6:]),
		Counter:    binary.BigEndian.Uint16(tail[10:]),
	}
}

// ParseUniqueID reads an id of 32 or 56 hex digits, of either case: the Go client ends its ids in lower case.
func ParseUniqueID(s string) (UniqueID, error) {
	var id UniqueID
	switch len(s) {
	case 2 * idBytes4:
		id.n = idBytes4
	case 2 * idBytes6:
		id.n = idBytes6
	default:
		return UniqueID{}, &IDError{ID: s, Reason: "a unique id has 32 or 56 hex digits"}
	}
	if !decodeHex(id.b[:id.n], s) {
		return UniqueID{}, &IDError{ID: s, Reason: "a unique id has hex digits only"}
	}
	return id, nil
}

// IDError says why a text is no id or handle of its kind.
type IDError struct {
	ID     string // as it came
	Reason string // what it should be
}

func (e *IDError) Error() string { return fmt.Sprintf("message: id %.80q: %s", e.ID, e.Reason) }

// IDSource makes the unique ids of one client. Any number of goroutines may call Next; none of them waits or allocates.
//
// An id holds 48 bits that move: milliseconds and a counter. The source keeps both, and the month above them, in one
// number that only grows, so its ids are all different within a month: a 65,537th id of one millisecond takes the next
// millisecond with it, ahead of the clock, and a clock set back leaves the milliseconds where they were (Java lets the
// counter wrap and repeats ids in both cases). What the layout cannot hold is the month itself: after a month's turn an
// id can equal one that was made at the same offset in another month, as with any RocketMQ client.
type IDSource struct {
	clock func() time.Time
	head  UniqueID                // address, pid and hash; the rest is zero
	start string                  // of the ids in hex, as far as head goes
	month atomic.Pointer[idMonth] // the month that the clock was last seen in

	_    [64]byte      // all who make ids write to last: nothing that others only read shares its cache line
	last atomic.Uint64 // month number 16 bits, milliseconds 32, counter 16, of the id last made
	_    [64]byte
}

// idMonth is a calendar month in the clock's zone, in ms since the epoch.
type idMonth struct {
	start, end int64
	number     uint64 // of the month, counted from the year 0; 16 bits
}

// NewIDSource makes a source for the client at ip. Of pid the low 16 bits count. loaderHash is any number that two
// sources of one process and address do not share. A nil clock means time.Now; its zone says when a month begins.
// An ip that is the zero Addr is written as 0.0.0.0, and an IPv4 address mapped into IPv6 as IPv4.
func NewIDSource(ip netip.Addr, pid int, loaderHash uint32, clock func() time.Time) *IDSource {
	if clock == nil {
		clock = time.Now
	}
	if !ip.IsValid() {
		ip = netip.IPv4Unspecified()
	}
	s := &IDSource{clock: clock}
	address := ip.Unmap().AsSlice()
	n := copy(s.head.b[:], address)
	binary.BigEndian.PutUint16(s.head.b[n:], uint16(pid))
	binary.BigEndian.PutUint32(s.head.b[n+2:], loaderHash)
	s.head.n = uint8(n + idTail)
	s.start = string(appendUpperHex(nil, s.head.b[:n+idTail-idMoves]))
	now := clock()
	month := monthOf(now)
	s.month.Store(month)
	s.last.Store(month.stamp(now.UnixMilli()) - 1) // so that the first counter is 0
	return s
}

// Next makes an id that this source has not made before; see [IDSource] for how far that goes.
func (s *IDSource) Next() UniqueID { return s.NextAt(s.clock().UnixMilli()) }

// NextAt is Next for a caller that knows the time, in ms since the epoch.
func (s *IDSource) NextAt(ms int64) (id UniqueID) {
	s.Set(&id, s.SerialAt(ms))
	return id
}

// SerialAt takes the next id as a number, of which [IDSource.Set] and [IDSource.AppendHex] make it: who does not need the id yet
// keeps that.
func (s *IDSource) SerialAt(ms int64) uint64 {
	month := s.month.Load()
	if ms >= month.end {
		month = monthOf(time.UnixMilli(ms).In(s.clock().Location()))
		s.month.Store(month) // a late goroutine may put an older month back: the next call mends it
	}
	stamp := month.stamp(ms)
	for {
		last := s.last.Load()
		next := last + 1 // the counter wraps into the milliseconds
		if stamp>>16 > last>>16 {
			next = stamp | next&0xFFFF
		}
		if s.last.CompareAndSwap(last, next) {
			return next
		}
	}
}

// Set makes id the one of a number that this source gave.
func (s *IDSource) Set(id *UniqueID, serial uint64) {
	*id = s.head
	tail := id.b[s.head.n-idMoves:]
	binary.BigEndian.PutUint32(tail, uint32(serial>>16))
	binary.BigEndian.PutUint16(tail[4:], uint16(serial))
}

// AppendHex appends that id as [UniqueID.AppendHex] does, and faster.
func (s *IDSource) AppendHex(dst []byte, serial uint64) []byte {
	dst = append(dst, s.start...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(upperHex8(uint32(serial>>16))>>32))
	return binary.BigEndian.AppendUint64(dst, upperHex8(uint32(serial)))
}

// HexLen is how long the ids of this source are in hex.
func (s *IDSource) HexLen() int { return 2 * int(s.head.n) }

// upperHex8 is n in eight upper-case hex digits, the first in the highest byte: each nibble gets a byte, and what those over 9 lack
// to letters is added to all at once.
func upperHex8(n uint32) uint64 {
	x := uint64(n)
	x = (x | x<<16) & 0x0000FFFF_0000FFFF
	x = (x | x<<8) & 0x00FF00FF_00FF00FF
	x = (x | x<<4) & 0x0F0F0F0F_0F0F0F0F
	letters := (x + 0x06060606_06060606) >> 4 & 0x01010101_01010101
	return x + 0x30303030_30303030 + letters*('A'-'9'-1)
}

func monthOf(t time.Time) *idMonth {
	year, month, _ := t.Date()
	return &idMonth{
		start:  time.Date(year, month, 1, 0, 0, 0, 0, t.Location()).UnixMilli(),
		end:    time.Date(year, month+1, 1, 0, 0, 0, 0, t.Location()).UnixMilli(),
		number: uint64(uint16(year*12 + int(month) - 1)),
	}
}

// stamp is the month and the ms since its start, in place for IDSource.last, with counter 0. A time before the month
// counts as its start.
func (m *idMonth) stamp(ms int64) uint64 {
	return m.number<<48 | uint64(uint32(max(ms-m.start, 0)))<<16
}
