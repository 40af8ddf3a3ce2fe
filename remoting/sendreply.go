package remoting

import "encoding/binary"

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
	t := typedHead{r.Serialize, int32(r.Code), r.Language, r.Version, opaque, FlagResponse}
	w := t.open(dst, &sendReplyKeys)
	r.write(&w)
	return t.close(dst, &w, bodyLen)
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

// SendReplyView is the header of a broker's answer to a send, read in place: its texts borrow from the frame.
type SendReplyView struct {
	MsgID, Region, RecallHandle []byte
	QueueID                     int32
	QueueOffset                 int64
	TraceOff                    bool // TRACE_ON is "false"
}

// Parse reads what is there; what is not, or is no number where one belongs, stays as it was.
func (v *SendReplyView) Parse(h *Head) {
	if h.Serialize == JSON {
		for it := h.Ext(); it.Next(); {
			v.set(it.Key(), it.Value())
		}
		return
	}
	for ext := h.ext; len(ext) > 0; { // parseBinary has checked the lengths
		k := int(binary.BigEndian.Uint16(ext))
		n := int(binary.BigEndian.Uint32(ext[2+k:]))
		key, value := ext[2:2+k], ext[6+k:6+k+n]
		ext = ext[6+k+n:]
		switch k { // which tells most fields apart
		case len("msgId"):
			if string(key) == "msgId" {
				v.MsgID = value
			}
		case len("transactionId"): // nothing of that length is ours
		case len("queueId"), len("queueOffset"), len("MSG_REGION"), len("TRACE_ON"), len("recallHandle"):
			v.set(key, value)
		}
	}
}

func (v *SendReplyView) set(key, value []byte) {
	switch string(key) {
	case "msgId":
		v.MsgID = value
	case "queueId":
		if n, err := ParseInt32(value); err == nil {
			v.QueueID = n
		}
	case "queueOffset":
		if n, err := ParseInt64(value); err == nil {
			v.QueueOffset = n
		}
	case "MSG_REGION":
		v.Region = value
	case "TRACE_ON":
		v.TraceOff = string(value) == "false"
	case "recallHandle":
		v.RecallHandle = value
	}
}
