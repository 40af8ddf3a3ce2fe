package message

import (
	"strconv"
	"strings"
)

// TraceNull stands for a text that is not there, such as the tag of a message without one: Java prints null so.
const TraceNull = "null"

// Separators of trace records: after a field, and after a record.
const (
	traceFieldEnd  = 0x01
	traceRecordEnd = 0x02
)

// TraceKind is what a trace record is about (TraceType.java).
type TraceKind string

// The kinds of trace record. A producer writes the first three.
const (
	TracePub            TraceKind = "Pub"
	TraceEndTransaction TraceKind = "EndTransaction"
	TraceRecall         TraceKind = "Recall"
	TraceSubBefore      TraceKind = "SubBefore"
	TraceSubAfter       TraceKind = "SubAfter"
)

// TraceRecord is one record of RMQ_SYS_TRACE_TOPIC. Which fields go to the wire depends on Kind.
type TraceRecord struct {
	Kind                 TraceKind
	Time                 int64 // ms since the epoch
	Region               string
	Group                string
	Topic                string
	MessageID            string // UNIQ_KEY
	Tags                 string // TraceNull when there is none, as the other texts that may be missing
	Keys                 string
	StoreHost            string // host:port of the broker
	BodyLength           int    // bytes
	CostMillis           int
	MessageType          int // 0 normal, 1 half, 2 commit, 3 delay, 4 order (MessageType.java)
	OffsetMessageID      string
	Success              bool
	TransactionID        string
	TransactionState     string // LocalTransactionState.java
	FromTransactionCheck bool
	RequestID            string // consumers, as what follows
	RetryTimes           int
	ContextCode          int
	Cloud                bool // the access channel is CLOUD, which is told neither time nor group after consumption
}

// AppendTrace appends a record: fields ended by 0x01, the last by 0x02 (TraceDataEncoder.encoderFromContextBean,
// RocketMQ 5.4.0). A message of the trace topic is such records back to back. An unknown kind appends nothing.
func AppendTrace(dst []byte, r *TraceRecord) []byte {
	w := traceWriter{dst}
	switch r.Kind {
	case TracePub:
		w.head(r)
		w.text(r.Topic, r.MessageID, r.Tags, r.Keys, r.StoreHost)
		w.int(int64(r.BodyLength))
		w.int(int64(r.CostMillis))
		w.int(int64(r.MessageType))
		w.text(r.OffsetMessageID)
		w.bool(r.Success)
	case TraceEndTransaction:
		w.head(r)
		w.text(r.Topic, r.MessageID, r.Tags, r.Keys, r.StoreHost)
		w.int(int64(r.MessageType))
		w.text(r.TransactionID, r.TransactionState)
		w.bool(r.FromTransactionCheck)
	case TraceRecall:
		w.head(r)
		w.text(r.Topic, r.MessageID)
		w.bool(r.Success)
	case TraceSubBefore:
		w.head(r)
		w.text(r.RequestID, r.MessageID)
		w.int(int64(r.RetryTimes))
		w.text(r.Keys)
	case TraceSubAfter:
		w.text(string(r.Kind), r.RequestID, r.MessageID)
		w.int(int64(r.CostMillis))
		w.bool(r.Success)
		w.text(r.Keys)
		w.int(int64(r.ContextCode))
		if r.Cloud {
			return append(w.out, traceRecordEnd)
		}
		w.int(r.Time)
		w.text(r.Group)
	default:
		return dst
	}
	w.out[len(w.out)-1] = traceRecordEnd
	return w.out
}

// IndexKeys are the keys by which a trace message with r in it is found: the message's id and its keys.
func (r *TraceRecord) IndexKeys() []string {
	keys := []string{r.MessageID}
	if r.Keys != TraceNull {
		keys = append(keys, strings.Fields(r.Keys)...)
	}
	return keys
}

// traceWriter appends fields, each with the separator after it.
type traceWriter struct{ out []byte }

func (w *traceWriter) head(r *TraceRecord) {
	w.text(string(r.Kind))
	w.int(r.Time)
	w.text(r.Region, r.Group)
}

func (w *traceWriter) text(fields ...string) {
	for _, s := range fields {
		w.out = append(append(w.out, s...), traceFieldEnd)
	}
}

func (w *traceWriter) int(n int64) {
	w.out = append(strconv.AppendInt(w.out, n, 10), traceFieldEnd)
}

func (w *traceWriter) bool(b bool) {
	w.out = append(strconv.AppendBool(w.out, b), traceFieldEnd)
}
