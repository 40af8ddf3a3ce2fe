package remoting

import (
	"encoding/binary"
	"strconv"
)

// SendReply is a broker's answer to a send as the wire wants it (SendMessageResponseHeader.java). It is a
// [HeadEncoder] that allocates nothing; its fields are read only while AppendHead runs.
type SendReply struct {
	Serialize     Serialize
	Code          Code // Success, or one of the three that mean stored as well
	Language      Language
	Version       int32
	MsgID         []byte // offset message id; of a batch one a message, joined by commas
	QueueID       int32
	QueueOffset   int64  // of a batch: the first message's
	TransactionID []byte // UNIQ_KEY; nil leaves the field out
	BatchUniqID   []byte // nil leaves the field out
	RecallHandle  []byte // nil leaves the field out
	TraceOn       bool
	Region        string // MSG_REGION
}

// sendReplyKeys are in the order of SendMessageResponseHeader.encode; what the processor adds comes after them.
var sendReplyKeys = [14]string{"msgId", "queueId", "queueOffset", "transactionId", "batchUniqId", "recallHandle", "TRACE_ON", "MSG_REGION"}

// AppendHead writes the head.
func (r *SendReply) AppendHead(dst []byte, opaque int32, bodyLen int) ([]byte, error) {
	out := append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	if r.Serialize == JSON {
		out = append(out, `{"code":`...)
		out = strconv.AppendInt(out, int64(r.Code), 10)
		out = append(out, `,"extFields":`...)
		w := pairWriter{dst: out, keys: &sendReplyKeys, json: true}
		r.write(&w)
		out = append(w.dst, '}')
		out = appendJSONMiddle(out, FlagResponse, r.Language, opaque)
		out = appendJSONEnd(out, r.Version)
	} else {
		out = appendBinaryFixed(out, int32(r.Code), r.Language, r.Version, opaque, FlagResponse)
		out = append(out, 0, 0, 0, 0, 0, 0, 0, 0) // no remark; ext length follows
		at := len(out)
		w := pairWriter{dst: out, keys: &sendReplyKeys}
		r.write(&w)
		out = w.dst
		binary.BigEndian.PutUint32(out[at-4:], uint32(len(out)-at))
	}
	if err := closeHead(out[len(dst):], r.Serialize, bodyLen); err != nil {
		return dst, err
	}
	return out, nil
}

func (r *SendReply) write(w *pairWriter) {
	w.bytes(0, r.MsgID)
	w.int(1, int64(r.QueueID))
	w.int(2, r.QueueOffset)
	if r.TransactionID != nil {
		w.bytes(3, r.TransactionID)
	}
	if r.BatchUniqID != nil {
		w.bytes(4, r.BatchUniqID)
	}
	if r.RecallHandle != nil {
		w.bytes(5, r.RecallHandle)
	}
	w.text(6, boolText(r.TraceOn))
	w.text(7, r.Region)
}
