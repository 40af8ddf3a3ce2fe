package broker

import (
	"bytes"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// Arrival is a message that a broker stores, as [Options].Arrived is told of it. Its slices are valid until that returns.
type Arrival struct {
	At        int64 // remoting.Nanotime
	Broker    string
	Topic     string
	Queue     int32
	BodyBytes int
	Stored    int    // bytes of its record
	Unique    []byte // the producer's id of it (UNIQ_KEY): two of the same are one message sent twice
}

// arrived tells of a record that was stored. Under mu, so that a broker's arrivals come one after the other.
func (b *Broker) arrived(r *message.Record, stored int) {
	b.opts.Arrived(Arrival{At: remoting.Nanotime(), Broker: b.name, Topic: r.Topic, Queue: r.QueueID, BodyBytes: len(r.Body), Stored: stored,
		Unique: property(r.EncodedProperties, message.PropertyUniqueKey)})
}

// property finds a value in an encoded properties string; nil if it isn't there.
func property(encoded []byte, key string) []byte {
	for pair := range bytes.SplitSeq(encoded, []byte{2}) {
		if name, value, ok := bytes.Cut(pair, []byte{1}); ok && string(name) == key {
			return value
		}
	}
	return nil
}
