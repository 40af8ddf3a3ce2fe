package producer

import (
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// Status is how a broker stored a message (SendStatus.java).
type Status uint8

// The statuses; all but SendOK are stored, with less certainty than was asked for.
const (
	SendOK Status = iota
	FlushDiskTimeout
	FlushSlaveTimeout
	SlaveNotAvailable
)

var statusNames = [...]string{"SEND_OK", "FLUSH_DISK_TIMEOUT", "FLUSH_SLAVE_TIMEOUT", "SLAVE_NOT_AVAILABLE"}

// String is Java's name of the status.
func (s Status) String() string { return statusNames[s] }

// statusOf maps an answer's code to a status, if the message was stored (MQClientAPIImpl.processSendResponse).
func statusOf(code remoting.Code) (Status, bool) {
	switch code {
	case remoting.Success:
		return SendOK, true
	case remoting.FlushDiskTimeout:
		return FlushDiskTimeout, true
	case remoting.FlushSlaveTimeout:
		return FlushSlaveTimeout, true
	case remoting.SlaveNotAvailable:
		return SlaveNotAvailable, true
	}
	return 0, false
}

// SendResult is a message's place at the broker. Of a oneway send only ID, Broker, QueueID and Attempts are known.
type SendResult struct {
	Status       Status
	Attempts     int              // how many were made, this one included
	Ambiguous    int              // attempts before this one that may have stored the message too
	ID           message.UniqueID // the client's id of the message (msgId)
	OffsetID     OffsetMsgID      // the broker's id of the record (offsetMsgId)
	Broker       string
	QueueID      int32
	QueueOffset  int64  // in messages
	WireBytes    int    // of the body as sent, after compression
	Region       string // the broker's (MSG_REGION), "DefaultRegion" unless configured
	TraceOff     bool   // the broker asks for no trace of it (TRACE_ON is "false")
	RecallHandle string // of a timer message, for [Producer.Recall]; "" from brokers before 5.3.2
	Prepared     int64  // of stamped messages: when it was checked and compressed, remoting.Nanotime; 0 if there was a retry
	Stamps       remoting.Stamps
}

// OffsetMsgID is the broker's id of a stored record, kept without the heap; message.ParseOffsetID takes its text apart.
type OffsetMsgID struct {
	n uint8 // before b, of which a short id uses the beginning
	b [56]byte
}

// String is the id as the broker wrote it, "" if it wrote none.
func (id OffsetMsgID) String() string { return string(id.b[:id.n]) }

// set keeps an id; a longer text than an id's is none.
func (id *OffsetMsgID) set(text []byte) {
	id.n = 0
	if len(text) <= len(id.b) {
		id.n = uint8(copy(id.b[:], text))
	}
}
