package message

import (
	"encoding/binary"
	"net/netip"
)

// OffsetID is where a broker keeps a message, "msgId" in its reply to a send (MessageDecoder.createMessageId): ip (4 or
// 16 bytes), port (4), offset in the commit log (8), big endian, as 32 or 56 upper-case hex digits.
type OffsetID struct {
	Addr   netip.AddrPort // the broker's store host
	Offset int64          // of the record in that broker's commit log, in bytes
}

// AppendHex appends the id as hex. An address that is the zero AddrPort is written as 0.0.0.0.
func (id OffsetID) AppendHex(dst []byte) []byte {
	var b [28]byte
	ip := id.Addr.Addr().Unmap()
	if !ip.IsValid() {
		ip = netip.IPv4Unspecified()
	}
	raw := appendAddr(b[:0], ip)
	raw = binary.BigEndian.AppendUint32(raw, uint32(id.Addr.Port()))
	raw = binary.BigEndian.AppendUint64(raw, uint64(id.Offset))
	return appendUpperHex(dst, raw)
}

// String is the id in hex.
func (id OffsetID) String() string { return string(id.AppendHex(make([]byte, 0, 56))) }

// ParseOffsetID reads an id of 32 hex digits (IPv4) or 56 (IPv6), of either case.
func ParseOffsetID(s string) (OffsetID, error) {
	var b [28]byte
	n := len(s) / 2
	if len(s) != 32 && len(s) != 56 || !decodeHex(b[:n], s) {
		return OffsetID{}, &IDError{ID: s, Reason: "an offset message id has 32 or 56 hex digits"}
	}
	port := binary.BigEndian.Uint32(b[n-12:])
	if port > 0xFFFF {
		return OffsetID{}, &IDError{ID: s, Reason: "the port in an offset message id is at most 65535"}
	}
	ip, _ := netip.AddrFromSlice(b[:n-12])
	return OffsetID{
		Addr:   netip.AddrPortFrom(ip, uint16(port)),
		Offset: int64(binary.BigEndian.Uint64(b[n-8:])),
	}, nil
}

// appendAddr appends the 4 or 16 bytes of ip.
func appendAddr(dst []byte, ip netip.Addr) []byte {
	if ip.Is4() {
		b := ip.As4()
		return append(dst, b[:]...)
	}
	b := ip.As16()
	return append(dst, b[:]...)
}
