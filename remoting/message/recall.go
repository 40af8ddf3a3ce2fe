package message

import (
	"encoding/base64"
	"strings"
)

// RecallHandle is what a broker gives for a timer message, and takes to recall it (RecallMessageHandle.HandleV1):
// "v1 topic broker time id" in URL-safe base64 with padding.
type RecallHandle struct {
	Topic    string
	Broker   string
	Time     string // ms since the epoch in decimal, as the broker wrote it: TIMER_OUT_MS + 1
	UniqueID string // UNIQ_KEY of the message
}

const recallVersion = "v1"

// String is the handle as text. A field that holds a space makes a handle that means something else.
func (h RecallHandle) String() string {
	text := strings.Join([]string{recallVersion, h.Topic, h.Broker, h.Time, h.UniqueID}, " ")
	return base64.URLEncoding.EncodeToString([]byte(text))
}

// ParseRecallHandle reads a handle, with its padding or without. The error is an [*IDError].
func ParseRecallHandle(s string) (RecallHandle, error) {
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return RecallHandle{}, &IDError{ID: s, Reason: "a recall handle is URL-safe base64"}
	}
	fields := strings.Split(string(text), " ")
	if len(fields) < 5 || fields[0] != recallVersion {
		return RecallHandle{}, &IDError{ID: s, Reason: `a recall handle says "v1 topic broker time id"`}
	}
	return RecallHandle{Topic: fields[1], Broker: fields[2], Time: fields[3], UniqueID: fields[4]}, nil
}
