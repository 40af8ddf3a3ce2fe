package remoting

import (
	"encoding/binary"
	"strconv"
)

// SendTemplate is what the binary heads of all sends from one producer to one queue have in common, encoded once. It
// never changes, so any number of goroutines may use it.
type SendTemplate struct {
	head []byte // the frame up to the queue's id (field e); length, mark, opaque, flag and ext length are filled in
	tail []byte // the fields after the properties
}

// Where the variable parts of head are: after length and mark come int16 code, int8 language, int16 version.
const (
	opaqueAt = lengthBytes + markBytes + 5
	flagAt   = opaqueAt + 4
	extLenAt = flagAt + 4 + 4 // a remark's length, 0, lies between
)

// NewTemplate encodes the shared part of r, which must take V2 letters; r's own SysFlag, BornTimestamp, Flag and
// Properties are not in it.
func (r *SendRequest) NewTemplate() *SendTemplate {
	shared := typedHead{serialize: RocketMQ, code: int32(r.Code), language: r.Language, version: r.Version}
	head, tail := shared.open(nil, &sendKeysV2), pairWriter{keys: &sendKeysV2}
	r.writeFirst(&head)
	r.writeLast(&tail)
	return &SendTemplate{head: head.dst, tail: tail.dst}
}

// appendHead is [SendRequest.AppendHead] from the template.
func (t *SendTemplate) appendHead(dst []byte, opaque int32, bodyLen int, r *SendRequest) ([]byte, error) {
	from := len(dst)
	out := append(dst, t.head...)
	out = appendShort(out, 'f', int64(r.SysFlag))
	out = appendShort(out, 'g', r.BornTimestamp)
	out = appendShort(out, 'h', int64(r.Flag))
	if r.Properties != nil {
		out = append(out, 0, 1, 'i')
		out = binary.BigEndian.AppendUint32(out, uint32(len(r.Properties)))
		out = append(out, r.Properties...)
	}
	out = append(out, t.tail...)
	head := out[from:]
	binary.BigEndian.PutUint32(head[opaqueAt:], uint32(opaque))
	if r.Oneway {
		head[flagAt+3] = byte(FlagOneway)
	}
	binary.BigEndian.PutUint32(head[extLenAt:], uint32(len(head)-extLenAt-4))
	if err := closeHead(head, RocketMQ, bodyLen); err != nil {
		return dst, err
	}
	return out, nil
}

// appendShort appends a pair whose key is one letter and whose value is a number.
func appendShort(dst []byte, key byte, v int64) []byte {
	if 0 <= v && v <= 9 {
		return append(dst, 0, 1, key, 0, 0, 0, 1, byte('0'+v))
	}
	dst = append(dst, 0, 1, key, 0, 0, 0, 0)
	at := len(dst)
	dst = strconv.AppendInt(dst, v, 10)
	dst[at-1] = byte(len(dst) - at) // at most 20 digits
	return dst
}
