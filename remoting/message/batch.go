package message

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
)

// batchHead is the length of a message in a batch without its body and properties, in bytes: size, magic, crc, flag and
// body length of 4 each, and 2 of properties length.
const batchHead = 22

// BatchMessage is one message in the body of SEND_BATCH_MESSAGE.
type BatchMessage struct {
	Flag              int32
	Body              []byte
	EncodedProperties []byte // see [DecodeProperties]
}

// BatchError is a batch body that cannot be written or read.
type BatchError struct {
	Offset int // where the message begins, in bytes; -1 when writing
	Reason string
}

func (e *BatchError) Error() string {
	if e.Offset < 0 {
		return "message: batch: " + e.Reason
	}
	return fmt.Sprintf("message: batch: %s at byte %d", e.Reason, e.Offset)
}

// AppendBatchMessage appends one message of a batch: int32 size of all, int32 0, int32 0 (magic and crc, which the
// broker fills in), int32 flag, int32 body length, body, int16 properties length, properties
// (MessageDecoder.encodeMessage). Properties of more than [MaxPropertiesLen] bytes are a [*BatchError], and dst comes
// back as it was.
func AppendBatchMessage(dst []byte, m BatchMessage) ([]byte, error) {
	if len(m.EncodedProperties) > MaxPropertiesLen || len(m.Body) > math.MaxInt32/2 {
		return dst, &BatchError{-1, fmt.Sprintf("properties of %d bytes (at most %d), body of %d", len(m.EncodedProperties), MaxPropertiesLen, len(m.Body))}
	}
	be := binary.BigEndian
	dst = be.AppendUint32(dst, uint32(m.Len()))
	dst = be.AppendUint64(dst, 0)
	dst = be.AppendUint32(dst, uint32(m.Flag))
	dst = append(be.AppendUint32(dst, uint32(len(m.Body))), m.Body...)
	return append(be.AppendUint16(dst, uint16(len(m.EncodedProperties))), m.EncodedProperties...), nil
}

// Len is how many bytes [AppendBatchMessage] appends for m.
func (m BatchMessage) Len() int { return batchHead + len(m.Body) + len(m.EncodedProperties) }

// Batch goes through the messages of a batch body. Their parts are parts of body. What is no message comes as the last
// pair, with a [*BatchError].
func Batch(body []byte) iter.Seq2[BatchMessage, error] {
	return func(yield func(BatchMessage, error) bool) {
		for at := 0; at < len(body); {
			m, n, reason := batchMessage(body[at:])
			if reason != "" {
				yield(BatchMessage{}, &BatchError{at, reason})
				return
			}
			if !yield(m, nil) {
				return
			}
			at += n
		}
	}
}

func batchMessage(buf []byte) (m BatchMessage, size int, reason string) {
	f := fieldReader{rest: buf}
	size = int(int32(f.uint32()))
	if f.bad || size < batchHead || size > len(buf) {
		return m, 0, fmt.Sprintf("size %d, with %d bytes there", size, len(buf))
	}
	f.rest = buf[4:size]
	f.bytes(8) // magic and crc
	m.Flag = int32(f.uint32())
	m.Body = f.bytes(int(int32(f.uint32())))
	m.EncodedProperties = f.bytes(int(int16(f.uint16())))
	if f.bad || len(f.rest) > 0 {
		return m, 0, fmt.Sprintf("a message whose fields do not fill its %d bytes", size)
	}
	return m, size, ""
}
