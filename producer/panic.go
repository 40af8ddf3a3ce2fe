package producer

import (
	"fmt"
	"runtime/debug"
)

// PanicError is a panic of a function that the application gave us, which we survived.
type PanicError struct {
	Where string // "selector", "send hook", "callback", …
	Value any    // what it panicked with
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic in a %s: %v", e.Where, e.Value) }

// panicked counts a panic just recovered, and keeps the first.
func (in *instance) panicked(where string, value any) *PanicError {
	e := &PanicError{Where: where, Value: value, Stack: debug.Stack()}
	in.firstPanic.CompareAndSwap(nil, e)
	in.panics.Add(1) // last: whoever sees the count finds the first
	return e
}

// FirstPanic is the first panic of a callback, hook or selector on this producer's client instance, nil if there was none;
// [Producer.Stats] counts them all (CallbackFails).
func (p *Producer) FirstPanic() *PanicError {
	if in := p.started(); in != nil {
		return in.firstPanic.Load()
	}
	return nil
}
