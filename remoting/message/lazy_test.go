package message

import (
	"encoding/json"
	"testing"
)

// lazy is a field of a vector whose type depends on the case's kind.
type lazy[T any] struct{ text json.RawMessage }

func (l *lazy[T]) UnmarshalJSON(text []byte) error {
	l.text = append(l.text[:0], text...)
	return nil
}

func (l lazy[T]) decode(t *testing.T) (v T) {
	t.Helper()
	if err := json.Unmarshal(l.text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
