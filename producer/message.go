package producer

import (
	"strings"

	"rmqbench/remoting/message"
)

// Message is what is sent. A send never modifies it, and reads it until the send has ended.
type Message struct {
	Topic       string
	Body        []byte
	Tags        string             // one tag; consumers filter on it
	Keys        []string           // index keys; none holds a space
	Flag        int32              // the application's, stored as it is
	Stamped     bool               // note in SendResult.Stamps when it was encoded: a look at the clock more
	NoWaitStore bool               // don't wait until the broker has flushed or copied it
	Properties  message.Properties // the application's own, in this order; no value is empty
}

// appendProperties writes the properties string: what the client sets first, then the application's.
func (m *Message) appendProperties(dst []byte, id message.UniqueID) []byte {
	dst = append(dst, message.PropertyUniqueKey+"\x01"...)
	dst = id.AppendHex(dst)
	wait := "\x02" + message.PropertyWaitStoreOK + "\x01true\x02"
	if m.NoWaitStore {
		wait = "\x02" + message.PropertyWaitStoreOK + "\x01false\x02"
	}
	dst = append(dst, wait...)
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
	if m.Tags != "" {
		dst = append(dst, message.PropertyTags+"\x01"...)
		dst = append(dst, m.Tags...)
		dst = append(dst, 2)
	}
	return message.AppendProperties(dst, m.Properties)
}

// check refuses what no broker would take, or what the properties string can't hold.
func (m *Message) check(maxBody int) error {
	if err := message.CheckBody(len(m.Body), maxBody); err != nil {
		return err
	}
	if hasSeparator(m.Tags) {
		return &PropertyError{message.PropertyTags, separated}
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
		}
		switch p.Key {
		case message.PropertyUniqueKey, message.PropertyWaitStoreOK, message.PropertyKeys, message.PropertyTags:
			return &PropertyError{p.Key, "the client sets it, from the message's own fields"}
		}
	}
	return nil
}

const separated = "it holds a separator (0x01, 0x02)"

// hasSeparator: RocketMQ's properties string escapes nothing, so a value with a separator would become other properties.
func hasSeparator(s string) bool { return strings.ContainsAny(s, "\x01\x02") }
