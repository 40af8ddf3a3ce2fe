package producer

import (
	"errors"
	"fmt"

	"rmqbench/remoting/message"
)

// JavaHasher is an argument that knows its hash code, as Java's hashCode would give it.
type JavaHasher interface{ HashCode() int32 }

// Errors of selectors that pick by a key.
var (
	ErrNoKey       = errors.New("nothing to hash: no argument, and the message has neither a sharding key nor a key")
	ErrNotHashable = errors.New("no string, integer, bool or JavaHasher")
	ErrHash451     = errors.New("RocketMQ 4.5.1 finds no queue for a hash of -2147483648 unless their number is a power of two")
)

// Hash picks by the argument's Java hash code, so that messages of one argument share a queue while the queues stay the
// same (SelectMessageQueueByHash.java, 4.9 and 5.x): the remainder by the number of queues, without its sign.
//
// Java's String is a string here; Integer, Short and Byte are int32, int16 and int8; Long is int64 or int; Boolean is
// bool; anything else brings its own hash code as a [JavaHasher]. Without an argument it is the message's sharding key
// or else its first key, where Java throws.
func Hash() Selector { return hash{} }

type hash struct{}

func (hash) Select(queues []MessageQueue, m *Message, arg any) (int, error) {
	code, err := javaHashOf(m, arg)
	return message.HashPick(code, len(queues)), err
}

// Hash451 is [Hash] as of RocketMQ 4.5.1. It takes the sign off before the remainder, which leaves one hash code for which
// there is no queue: [ErrHash451], where Java throws. All others get the same queue as from Hash.
func Hash451() Selector { return hash451{} }

type hash451 struct{}

func (hash451) Select(queues []MessageQueue, m *Message, arg any) (int, error) {
	code, err := javaHashOf(m, arg)
	if err != nil {
		return 0, err
	}
	at, ok := message.HashPick451(code, len(queues))
	if !ok {
		return 0, ErrHash451
	}
	return at, nil
}

func javaHashOf(m *Message, arg any) (int32, error) {
	return hashOf(m, arg, message.JavaHash, func(code int32) int32 { return code })
}

// hashOf hashes the argument or else the message's own key: a text, or what has a Java hash code already.
func hashOf[H any](m *Message, arg any, ofText func(string) H, ofCode func(int32) H) (H, error) {
	switch v := arg.(type) {
	case nil:
		if m.ShardingKey != "" {
			return ofText(m.ShardingKey), nil
		}
		if len(m.Keys) > 0 {
			return ofText(m.Keys[0]), nil
		}
		return *new(H), ErrNoKey
	case string:
		return ofText(v), nil
	case int32:
		return ofCode(v), nil
	case int16:
		return ofCode(int32(v)), nil
	case int8:
		return ofCode(int32(v)), nil
	case int64:
		return ofCode(message.JavaHashLong(v)), nil
	case int:
		return ofCode(message.JavaHashLong(int64(v))), nil
	case bool:
		return ofCode(message.JavaHashBool(v)), nil
	case JavaHasher:
		return ofCode(v.HashCode()), nil
	}
	return *new(H), fmt.Errorf("argument of type %T: %w", arg, ErrNotHashable)
}
