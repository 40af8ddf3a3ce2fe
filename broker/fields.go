package broker

import (
	"fmt"

	"rmqbench/remoting"
)

// fields reads the ext fields of a rare request, and keeps the first fault.
type fields struct {
	head *remoting.Head
	err  error
}

// text is a required field.
func (f *fields) text(key string) string {
	v, ok := f.head.Get(key)
	if !ok && f.err == nil {
		f.err = fmt.Errorf("the custom field <%s> is null", key)
	}
	return string(v)
}

func (f *fields) optional(key string) string {
	v, _ := f.head.Get(key)
	return string(v)
}

func (f *fields) int(key string) int32 {
	text := f.text(key)
	n, err := remoting.ParseInt32([]byte(text))
	f.fault(key, err)
	return n
}

func (f *fields) long(key string) int64 {
	text := f.text(key)
	n, err := remoting.ParseInt64([]byte(text))
	f.fault(key, err)
	return n
}

func (f *fields) fault(key string, err error) {
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("field %s: %w", key, err)
	}
}

// or is the answer to a request whose fields could be read, or that they couldn't.
func (f *fields) or(a *remoting.Command) *remoting.Command {
	if f.err != nil {
		return answer(remoting.SystemError, f.err.Error())
	}
	return a
}
