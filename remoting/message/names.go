package message

import (
	"fmt"
	"strings"
	"unicode"
)

// Limits of names, in characters (TopicValidator.java, RocketMQ 5.4.0), and of bodies, in bytes.
const (
	MaxTopicLen      = 127
	MaxRetryTopicLen = 255 // of %RETRY% and %DLQ% topics, for brokers
	MaxGroupLen      = 120
	MaxBodyLen       = 4 << 20 // default of client and broker
)

// Names with a meaning.
const (
	DefaultTopic         = "TBW102" // whose route an unknown topic takes
	DefaultProducerGroup = "DEFAULT_PRODUCER"
	TraceTopic           = "RMQ_SYS_TRACE_TOPIC"
	ScheduleTopic        = "SCHEDULE_TOPIC_XXXX"
	HalfTopic            = "RMQ_SYS_TRANS_HALF_TOPIC"
	OpHalfTopic          = "RMQ_SYS_TRANS_OP_HALF_TOPIC"
	RetryPrefix          = "%RETRY%"
	DLQPrefix            = "%DLQ%"
	SystemTopicPrefix    = "rmq_sys_"
	SystemGroupPrefix    = "CID_RMQ_SYS_"
)

// systemTopics says of each system topic whether clients may send to it (TopicValidator.java, RocketMQ 5.4.0).
var systemTopics = map[string]bool{
	DefaultTopic:       true,
	TraceTopic:         true,
	"BenchmarkTest":    true,
	"CHECKPOINT_TOPIC": true,

	ScheduleTopic:                         false,
	HalfTopic:                             false,
	OpHalfTopic:                           false,
	"RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC":    false,
	"RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC": false,
	"TRANS_CHECK_MAX_TIME_TOPIC":          false,
	"SELF_TEST_TOPIC":                     false,
	"OFFSET_MOVED_EVENT":                  false,
}

// NameError is a topic or group name that clients or brokers do not take.
type NameError struct {
	What    string // "topic" or "group"
	Name    string
	Problem string // what is wrong with it
	Allowed string // what would be right
}

func (e *NameError) Error() string {
	return fmt.Sprintf("%s %.300q %s: %s", e.What, e.Name, e.Problem, e.Allowed)
}

// CheckTopic tells whether a client may name a topic so: not blank, of the characters % | a-z A-Z 0-9 _ -, at most 127
// of them (Validators.checkTopic). The error is a [*NameError].
func CheckTopic(topic string) error { return checkName("topic", topic, MaxTopicLen) }

// CheckBrokerTopic is a broker's rule, which lets %RETRY% and %DLQ% topics have 255 characters
// (TopicValidator.validateTopic). The error is a [*NameError].
func CheckBrokerTopic(topic string) error {
	if strings.HasPrefix(topic, RetryPrefix) || strings.HasPrefix(topic, DLQPrefix) {
		return checkName("topic", topic, MaxRetryTopicLen)
	}
	return checkName("topic", topic, MaxTopicLen)
}

// CheckSendTopic tells whether a client may send to topic: [CheckTopic], and none of the topics that brokers keep their
// own messages in. The error is a [*NameError].
func CheckSendTopic(topic string) error {
	if err := CheckTopic(topic); err != nil {
		return err
	}
	if SendForbidden(topic) {
		return &NameError{"topic", topic, "is a broker's own", "send to a topic of yours"}
	}
	return nil
}

// SendForbidden says that brokers refuse sends to topic whoever sends.
func SendForbidden(topic string) bool {
	open, system := systemTopics[topic]
	return system && !open
}

// IsSystemTopic says that topic is not for users to create or delete; some take messages from clients.
func IsSystemTopic(topic string) bool {
	_, system := systemTopics[topic]
	return system || strings.HasPrefix(topic, SystemTopicPrefix)
}

// CheckGroup tells whether a group may be named so: not blank, of the characters of a topic, at most 120 of them
// (Validators.checkGroup; 4.x: 255). The error is a [*NameError].
func CheckGroup(group string) error { return checkName("group", group, MaxGroupLen) }

// CheckProducerGroup is [CheckGroup], and not the name of the default group, which a producer refuses to start with.
func CheckProducerGroup(group string) error {
	if group == DefaultProducerGroup {
		return &NameError{"group", group, "is the default group's name", "give your producer a group of its own"}
	}
	return CheckGroup(group)
}

func checkName(what, name string, most int) error {
	if strings.TrimFunc(name, unicode.IsSpace) == "" {
		return &NameError{what, name, "is blank", allowedCharacters}
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return &NameError{what, name, "holds other characters than allowed", allowedCharacters}
		}
	}
	if len(name) > most {
		return &NameError{what, name, "is too long", fmt.Sprintf("at most %d characters, not %d", most, len(name))}
	}
	return nil
}

const allowedCharacters = "letters and digits of ASCII, and _ - % |"

func nameByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '_' || c == '-' || c == '%' || c == '|'
}

// BodySizeError is a body that a client does not send: empty, or over the limit before compression.
type BodySizeError struct {
	Size int // bytes
	Max  int // bytes allowed
}

func (e *BodySizeError) Error() string {
	if e.Size == 0 {
		return "message: the body is empty: at least 1 byte is needed"
	}
	return fmt.Sprintf("message: the body has %d bytes: at most %d are allowed", e.Size, e.Max)
}

// CheckBody tells whether a body of size bytes may be sent: 1 to most bytes, before compression; most of 0 means
// [MaxBodyLen]. The error is a [*BodySizeError].
func CheckBody(size, most int) error {
	if most == 0 {
		most = MaxBodyLen
	}
	if size < 1 || size > most {
		return &BodySizeError{Size: size, Max: most}
	}
	return nil
}
