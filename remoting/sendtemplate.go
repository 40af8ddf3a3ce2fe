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
	if r.Properties == nil {
		return t.Close(dst, t.open(dst, r), opaque, bodyLen, r)
	}
	return t.Close(dst, append(t.Open(dst, r, len(r.Properties)), r.Properties...), opaque, bodyLen, r)
}

// Open begins a head whose properties, propertiesLen bytes, its caller appends before [SendTemplate.Close] ends it: they need not be
// put together elsewhere first. r's own are not read.
func (t *SendTemplate) Open(dst []byte, r *SendRequest, propertiesLen int) []byte {
	out := append(t.open(dst, r), 0, 1, 'i')
	return binary.BigEndian.AppendUint32(out, uint32(propertiesLen))
}

func (t *SendTemplate) open(dst []byte, r *SendRequest) []byte {
	out := append(dst, t.head...)
	out = appendShort(out, 'f', int64(r.SysFlag))
	out = appendShort(out, 'g', r.BornTimestamp)
	return appendShort(out, 'h', int64(r.Flag))
}

// Close ends the head that out, what Open made of dst and the properties, has after dst. It returns dst with it, or dst alone with
// an error, as [SendRequest.AppendHead].
func (t *SendTemplate) Close(dst, out []byte, opaque int32, bodyLen int, r *SendRequest) ([]byte, error) {
	out = append(out, t.tail...)
	head := out[len(dst):]
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
