package remoting

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
