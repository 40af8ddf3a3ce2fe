package message

import (
	"math"
	"strconv"
	"strings"
)

type jsonKind uint8

const (
	jsonNull jsonKind = iota
	jsonBool
	jsonNumber
	jsonString
	jsonObject
	jsonArray
)

// jsonValue is one value. The nil jsonValue is null, and so is one of an unknown kind: every method takes it.
type jsonValue struct {
	kind    jsonKind
	text    string       // of a string, a number or a bool
	members []jsonMember // of an object, in the order of the text
	items   []*jsonValue // of an array
}

// jsonMember is one pair of an object. An object as a key is in key, and name is what it is called in a reference.
type jsonMember struct {
	name  string
	key   *jsonValue
	value *jsonValue
}

// get is the value of that key, null when there is none; of several the last.
func (v *jsonValue) get(name string) *jsonValue {
	if v == nil {
		return nil
	}
	for i := len(v.members) - 1; i >= 0; i-- {
		if v.members[i].name == name {
			return v.members[i].value
		}
	}
	return nil
}

// isNull says that there is no value.
func (v *jsonValue) isNull() bool { return v == nil || v.kind == jsonNull }

// asString is the text of a string, a number or a bool, "" of anything else.
func (v *jsonValue) asString() string {
	if v == nil {
		return ""
	}
	return v.text
}

// asInt is a whole number, also one in quotes or with a fraction of nothing; null is 0.
func (v *jsonValue) asInt() (n int64, ok bool) {
	if v.isNull() {
		return 0, true
	}
	if v.kind != jsonNumber && v.kind != jsonString {
		return 0, false
	}
	if n, err := strconv.ParseInt(v.text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(v.text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// asFloat is a number; anything else is 0.
func (v *jsonValue) asFloat() float64 {
	f, err := strconv.ParseFloat(v.asString(), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

// asBool is true for true and "true" only.
func (v *jsonValue) asBool() bool { return strings.EqualFold(v.asString(), "true") }

// asName is what fastjson calls an object that serves as a key: its toString. The one class that servers use so is
// MessageQueue.
func (v *jsonValue) asName() string {
	if v == nil {
		return ""
	}
	return "MessageQueue [topic=" + v.get("topic").asString() + ", brokerName=" + v.get("brokerName").asString() +
		", queueId=" + v.get("queueId").asString() + "]"
}
