package remoting

import (
	"encoding/binary"
	"fmt"
)

// A frame (RemotingCommand.encode):
//
//	int32 total         bytes that follow this field
//	int32 mark          top byte Serialize, low 24 bits the header's length
//	header[length]
//	body[total-4-length]
const (
	lengthBytes = 4
	markBytes   = 4

	// MaxFrame is the largest frame either side takes, its length field included (com.rocketmq.remoting.frameMaxLength).
	MaxFrame = 16 << 20

	maxHeader = 1<<24 - 1
)

// HeadEncoder writes a frame's head: length, mark and header, for a body of bodyLen bytes that follows it on the
// wire without being copied here. Over MaxFrame: [ErrFrameTooLarge]. On any error dst comes back unchanged.
type HeadEncoder interface {
	AppendHead(dst []byte, opaque int32, bodyLen int) ([]byte, error)
}

// AppendFrame appends the whole frame, body included. Errors as [Command.AppendHead].
func (c *Command) AppendFrame(dst []byte) ([]byte, error) {
	out, err := c.AppendHead(dst, c.Opaque, len(c.Body))
	if err != nil {
		return dst, err
	}
	return append(out, c.Body...), nil
}

// AppendHead appends c's frame without its body: int32 length of all that follows, uint8 serialization, uint24 header
// length, header; big endian, lengths in bytes (RemotingCommand.encodeHeader). opaque replaces c.Opaque.
// Over MaxFrame bytes: [ErrFrameTooLarge]; a header that the serialization can't hold: an error that says which field.
// On any error dst comes back unchanged.
func (c *Command) AppendHead(dst []byte, opaque int32, bodyLen int) ([]byte, error) {
	out := append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	var err error
	switch c.Serialize {
	case JSON:
		out = c.appendJSONHeader(out, opaque)
	case RocketMQ:
		out, err = c.appendBinaryHeader(out, opaque)
	default:
		err = fmt.Errorf("serialize type %d is neither JSON (0) nor ROCKETMQ (1)", c.Serialize)
	}
	if err != nil {
		return dst, err
	}
	if err := closeHead(out[len(dst):], c.Serialize, bodyLen); err != nil {
		return dst, err
	}
	return out, nil
}

// closeHead fills in length and mark of a head whose first eight bytes were left free.
func closeHead(head []byte, s Serialize, bodyLen int) error {
	header := len(head) - lengthBytes - markBytes
	if header > maxHeader || len(head)+bodyLen > MaxFrame {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrFrameTooLarge, len(head)+bodyLen, MaxFrame)
	}
	binary.BigEndian.PutUint32(head, uint32(markBytes+header+bodyLen))
	binary.BigEndian.PutUint32(head[lengthBytes:], uint32(s)<<24|uint32(header))
	return nil
}

// frameSize says how long the frame at the start of b is, its length field included. 0: more bytes are needed.
// A length that can't be is an error before anything of it is read: what isn't RocketMQ is named.
func frameSize(b []byte, limit int) (int, error) {
	if len(b) < lengthBytes {
		return 0, nil
	}
	total := int64(int32(binary.BigEndian.Uint32(b)))
	if total < markBytes || total+lengthBytes > int64(limit) {
		return 0, badLength(b, total, limit)
	}
	if len(b) >= lengthBytes+markBytes && int64(len(b)) < total+lengthBytes {
		if err := checkMark(b, total); err != nil {
			return 0, err
		}
	}
	return int(total) + lengthBytes, nil
}

// checkMark refuses what can't become a frame before the rest of it has come.
func checkMark(b []byte, total int64) error {
	mark := binary.BigEndian.Uint32(b[lengthBytes:])
	if n := int64(mark & maxHeader); n == 0 || n > total-markBytes {
		return named(b, fmt.Errorf("header of %d bytes in a frame with %d", n, total-markBytes))
	}
	if s := Serialize(mark >> 24); s != JSON && s != RocketMQ {
		return named(b, fmt.Errorf("serialize type %d is neither JSON (0) nor ROCKETMQ (1)", s))
	}
	return nil
}

// named says what is wrong with a frame, or what it is instead of one.
func named(b []byte, fault error) error {
	if other := foreignProtocol(b); other != "" {
		return fmt.Errorf("%w: it speaks %s", ErrNotRocketMQ, other)
	}
	return fmt.Errorf("%w: %w", ErrBadFrame, fault)
}

func badLength(b []byte, total int64, limit int) error {
	return named(b, fmt.Errorf("a length of %d (0x%08x), allowed are %d to %d", total, uint32(total), markBytes, limit-lengthBytes))
}

// foreignProtocol names what the first bytes of a connection belong to if it is a protocol that people meet by
// mistake, or "".
func foreignProtocol(b []byte) string {
	if len(b) < lengthBytes {
		return ""
	}
	switch string(b[:lengthBytes]) {
	case "HTTP", "GET ", "POST":
		return "HTTP"
	case "PRI ":
		return "HTTP/2"
	}
	if b[0] >= 0x14 && b[0] <= 0x17 && b[1] == 3 { // TLS record types from change_cipher_spec to data
		return "TLS"
	}
	// HTTP/2's first frame: 24 bits of length, type SETTINGS (4), flags 0, stream 0. As a frame of ours it has no header.
	if len(b) >= 8 && b[0] == 0 && string(b[3:8]) == "\x04\x00\x00\x00\x00" {
		return "HTTP/2 (gRPC; of a proxy's ports remoting is 8080, gRPC 8081)"
	}
	return ""
}

// ParseFrame reads the head of one whole frame in place. The head and the body borrow from frame. Any fault is an
// [ErrBadFrame], or [ErrNotRocketMQ] where another protocol is known; Java closes the connection on each of them, and so do we.
func ParseFrame(frame []byte) (Head, []byte, error) {
	var h Head
	if len(frame) < lengthBytes+markBytes {
		return h, nil, fmt.Errorf("%w: %d bytes are no frame", ErrBadFrame, len(frame))
	}
	if total := int64(int32(binary.BigEndian.Uint32(frame))); total != int64(len(frame)-lengthBytes) {
		return h, nil, fmt.Errorf("%w: length says %d, %d follow", ErrBadFrame, total, len(frame)-lengthBytes)
	}
	mark := binary.BigEndian.Uint32(frame[lengthBytes:])
	rest := frame[lengthBytes+markBytes:]
	n := int(mark & maxHeader)
	if n > len(rest) {
		return h, nil, fmt.Errorf("%w: header of %d bytes in a frame with %d", ErrBadFrame, n, len(rest))
	}
	h.Serialize = Serialize(mark >> 24)
	var err error
	switch h.Serialize {
	case JSON:
		err = h.parseJSON(rest[:n])
	case RocketMQ:
		err = h.parseBinary(rest[:n])
	default:
		err = fmt.Errorf("serialize type %d is neither JSON (0) nor ROCKETMQ (1)", h.Serialize)
	}
	if err != nil {
		return Head{}, nil, named(frame, err)
	}
	return h, rest[n:], nil
}

// Decode reads one whole frame into a command with copies of its own. Errors as [ParseFrame].
func Decode(frame []byte) (*Command, error) {
	h, body, err := ParseFrame(frame)
	if err != nil {
		return nil, err
	}
	return h.command(body), nil
}

// command copies what the head and the body borrow. Of two ext fields with one key the later one counts, as in Java's map.
func (h *Head) command(body []byte) *Command {
	c := &Command{Serialize: h.Serialize, Code: h.Code, Language: h.Language, Version: h.Version, Opaque: h.Opaque, Flag: h.Flag, Remark: h.Remark()}
	seen := make(map[string]int)
	for it := h.Ext(); it.Next(); {
		if i, ok := seen[string(it.Key())]; ok {
			c.Ext[i].Value = string(it.Value())
			continue
		}
		f := Field{string(it.Key()), string(it.Value())}
		seen[f.Key] = len(c.Ext)
		c.Ext = append(c.Ext, f)
	}
	if len(body) > 0 {
		c.Body = append([]byte(nil), body...)
	}
	return c
}
