package producer

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rmqbench/remoting/message"
)

// Message is what is sent. A send never modifies it, and reads it until the send has ended.
type Message struct {
	Topic       string
	Body        []byte
	Tags        string             // one tag; consumers filter on it
	Keys        []string           // index keys; none holds a space
	Flag        int32              // the application's, stored as it is
	Number      int64              // the sender's own, for its selectors; it is not sent, and nobody else reads it
	Stamped     bool               // note in SendResult when it was prepared and encoded: two looks at the clock more
	NoWaitStore bool               // don't wait until the broker has flushed or copied it
	ShardingKey string             // messages of one keep their order; brokers and 5.x proxies read it
	BuyerID     string             // BUYER_ID; brokers of units want it
	DelayLevel  int                // 1 to 18: consumers get it 1s 5s 10s 30s 1m … 2h later, as the broker is configured; 0: at once
	DeliverAt   time.Time          // consumers get it then; brokers from 5.0 on. The zero time: at once
	DelayFor    time.Duration      // consumers get it so much later, in ms; brokers from 5.0 on. 0: at once
	Properties  message.Properties // the application's own, in this order; no value is empty
}

// delayed says that consumers are to get it later.
func (m *Message) delayed() bool {
	return m.DelayLevel != 0 || m.DelayFor != 0 || !m.DeliverAt.IsZero()
}

// plain says that it has no property but those of every message.
func (m *Message) plain() bool {
	return len(m.Tags)|len(m.Keys)|len(m.ShardingKey)|len(m.BuyerID)|len(m.Properties)|m.DelayLevel|int(m.DelayFor) == 0 && m.DeliverAt.IsZero()
}

// idKey is what comes before the message's id in its properties.
const idKey = message.PropertyUniqueKey + "\x01"

// wait is what comes after it: whether the broker is to wait for its store.
func (m *Message) wait() string {
	if m.NoWaitStore {
		return "\x02" + message.PropertyWaitStoreOK + "\x01false\x02"
	}
	return "\x02" + message.PropertyWaitStoreOK + "\x01true\x02"
}

// appendProperties writes the properties string: what the client sets first, then the application's. more is nil for most.
func (m *Message) appendProperties(dst []byte, id message.UniqueID, more *extra) []byte {
	dst = append(dst, idKey...)
	return m.appendOthers(id.AppendHex(dst), more)
}

// appendOthers is appendProperties after the id.
func (m *Message) appendOthers(dst []byte, more *extra) []byte {
	dst = append(dst, m.wait()...)
	if more == nil && m.plain() {
		return dst
	}
	if len(m.Keys) > 0 {
		dst = append(dst, message.PropertyKeys+"\x01"...)
		for i, k := range m.Keys {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = append(dst, k...)
		}
		dst = append(dst, 2)
	}
	dst = appendText(dst, message.PropertyTags, m.Tags)
	dst = appendText(dst, message.PropertyShardingKey, m.ShardingKey)
	dst = appendText(dst, message.PropertyBuyerID, m.BuyerID)
	if m.delayed() && (more == nil || !more.undelayed) {
		dst = m.appendDelay(dst)
	}
	if more != nil {
		dst = message.AppendProperties(dst, more.properties)
	}
	return message.AppendProperties(dst, m.Properties)
}

// appendText writes a property unless its value is empty.
func appendText(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, key...)
	dst = append(dst, 1)
	dst = append(dst, value...)
	return append(dst, 2)
}

// appendDelay writes the one property that says when consumers get it (Message.setDelayTimeLevel, setDelayTimeSec,
// setDelayTimeMs, setDeliverTimeMs).
func (m *Message) appendDelay(dst []byte) []byte {
	key, n := message.PropertyDelay, int64(m.DelayLevel)
	switch {
	case !m.DeliverAt.IsZero():
		key, n = message.PropertyTimerDeliverMS, m.DeliverAt.UnixMilli()
	case m.DelayFor%time.Second != 0:
		key, n = message.PropertyTimerDelayMS, m.DelayFor.Milliseconds()
	case m.DelayFor != 0:
		key, n = message.PropertyTimerDelaySec, int64(m.DelayFor/time.Second)
	}
	dst = append(dst, key...)
	dst = append(dst, 1)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, 2)
}

// maxDelayLevel is the last of a broker's default levels (messageDelayLevel); above it brokers take the last.
const maxDelayLevel = 18

// Faults of a message's fields.
var (
	ErrDelayLevel = fmt.Errorf("a delay level is 0 to %d", maxDelayLevel)
	ErrDelayFor   = errors.New("a delay is at least 1ms")
	ErrDelayTwice = errors.New("one of DelayLevel, DeliverAt and DelayFor says when it is delivered, not two")
)

// check refuses what no broker would take, or what the properties string can't hold.
func (m *Message) check(maxBody int) error {
	if err := message.CheckBody(len(m.Body), maxBody); err != nil || m.plain() {
		return err
	}
	return m.checkFields()
}

// checkFields is the part of check that is of the fields which a plain message leaves empty.
func (m *Message) checkFields() error {
	if m.delayed() {
		if err := m.checkDelay(); err != nil {
			return err
		}
	}
	switch {
	case hasSeparator(m.Tags):
		return &PropertyError{message.PropertyTags, separated}
	case hasSeparator(m.ShardingKey):
		return &PropertyError{message.PropertyShardingKey, separated}
	case hasSeparator(m.BuyerID):
		return &PropertyError{message.PropertyBuyerID, separated}
	}
	for _, k := range m.Keys {
		if k == "" || hasSeparator(k) || strings.Contains(k, " ") {
			return &PropertyError{message.PropertyKeys, "a key is empty or holds a space or a separator (0x01, 0x02)"}
		}
	}
	for _, p := range m.Properties {
		switch {
		case p.Key == "" || p.Value == "":
			return &PropertyError{p.Key, "key or value is empty; readers would pass it over"}
		case hasSeparator(p.Key) || hasSeparator(p.Value):
			return &PropertyError{p.Key, separated}
		case message.ReservedProperty(p.Key):
			return &PropertyError{p.Key, "client and broker use it between them; what an application may say of it, the message has a field for"}
		}
	}
	return nil
}

func (m *Message) checkDelay() error {
	ways := 0
	for _, set := range [...]bool{m.DelayLevel != 0, m.DelayFor != 0, !m.DeliverAt.IsZero()} {
		if set {
			ways++
		}
	}
	switch {
	case ways > 1:
		return ErrDelayTwice
	case m.DelayLevel < 0 || m.DelayLevel > maxDelayLevel:
		return ErrDelayLevel
	case m.DelayFor != 0 && m.DelayFor < time.Millisecond:
		return ErrDelayFor
	}
	return nil
}

const separated = "it holds a separator (0x01, 0x02)"

// hasSeparator: RocketMQ's properties string escapes nothing, so a value with a separator would become other properties.
func hasSeparator(s string) bool { return s != "" && strings.ContainsAny(s, "\x01\x02") }
