package producer

import (
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// Received is a message that came from a broker (MessageExt.java): one to be checked, a question, an answer, or one that
// was looked for.
type Received struct {
	message.Record // Body as it was before compression
	Properties     message.Properties
}

// NewReceived inflates the record's body, to 16 MiB at the most, and reads its properties. A body that is not compressed
// stays the record's own.
func NewReceived(r message.Record) (*Received, error) {
	if r.SysFlag.Compressed() {
		body, err := message.AppendDecompressed(nil, r.Body, r.SysFlag, remoting.MaxFrame)
		if err != nil {
			return nil, err
		}
		r.Body, r.SysFlag = body, r.SysFlag.WithoutCompressed()
	}
	return &Received{Record: r, Properties: message.DecodeProperties(r.EncodedProperties)}, nil
}

// ID is the id that its sender gave it (UNIQ_KEY), "" if it has none.
func (r *Received) ID() string {
	id, _ := r.Properties.Get(message.PropertyUniqueKey)
	return id
}
