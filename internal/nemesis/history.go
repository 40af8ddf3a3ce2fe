package nemesis

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"

	"rmqbench/producer"
	"rmqbench/remoting/message"
)

// Way is how a message is sent.
type Way uint8

// The ways.
const (
	Sync Way = iota
	Async
	Oneway
	Batch
	AsyncBatch
	Transaction
	ways
)

var wayNames = [ways]string{"sync", "async", "oneway", "batch", "async batch", "transaction"}

func (w Way) String() string { return wayNames[w] }

// Class is what a producer said became of a message.
type Class uint8

// The classes.
const (
	NotSent      Class = iota // nothing was said
	Acknowledged              // SEND_OK: it is stored
	Weak                      // stored, with less certainty than was asked for
	Ambiguous                 // it may be stored
	Refused                   // it is not
	Written                   // oneway: it may be stored
	classes
)

var classNames = [classes]string{"not sent", "acknowledged", "weak", "ambiguous", "refused", "written"}

func (c Class) String() string { return classNames[c] }

// Place is where a message lies.
type Place struct {
	Broker string
	Queue  int32
	Offset int64
}

func (p Place) String() string { return fmt.Sprintf("%s:%d at %d", p.Broker, p.Queue, p.Offset) }

// Sent is one message and what was said of it.
type Sent struct {
	Way    Way
	Sum    Sum    // of what was sent
	Class  Class  // by its first end
	Ends   int    // how often it ended; once is right
	Copies int    // that its attempts explain, at the most
	Asked  int    // how often a broker asked how its transaction ended; each answer may make it deliver it once more
	Place  *Place // where it was acknowledged; nil: not known
	Undone bool   // a transaction that rolls back: nobody gets it
	Cause  string // the error
}

// Sum is the SHA-256 of a message: flag, tags, keys, own property and body.
type Sum [sha256.Size]byte

// sum takes a message's parts together.
func sum(flag int32, tags, key, own string, body []byte) Sum {
	h := sha256.New()
	fmt.Fprintf(h, "%d\x00%s\x00%s\x00%s\x00", flag, tags, key, own)
	_, _ = h.Write(body) // a hash takes everything
	return Sum(h.Sum(nil))
}

// ownProperty is the application's property that every message has.
const ownProperty = "nemesis"

// sumOf is the sum of a message as it is sent.
func sumOf(m *producer.Message) Sum {
	own, _ := m.Properties.Get(ownProperty)
	return sum(m.Flag, m.Tags, m.Keys[0], own, m.Body)
}

// sumRead is the sum of a message as it is read back.
func sumRead(m *producer.Received) Sum {
	tags, _ := m.Properties.Get(message.PropertyTags)
	key, _ := m.Properties.Get(message.PropertyKeys)
	own, _ := m.Properties.Get(ownProperty)
	return sum(m.Flag, tags, key, own, m.Body)
}

// History is what was said of the messages of one run, by their numbers.
type History struct {
	Run string // tells its messages from those of other runs; without a dash

	mu   sync.Mutex // protects following
	sent []Sent
}

// NewHistory is of a run of so many messages.
func NewHistory(run string, n int) *History { return &History{Run: run, sent: make([]Sent, n)} }

// key names a message of the run.
func (h *History) key(n int) string { return fmt.Sprintf("%s-%d", h.Run, n) }

// Number is which message of the run a key names.
func (h *History) Number(key string) (int, bool) {
	rest, ours := strings.CutPrefix(key, h.Run+"-")
	var n int
	if _, err := fmt.Sscanf(rest, "%d", &n); !ours || err != nil || h.key(n) != key {
		return 0, false
	}
	return n, true
}

// Begin notes that a message is about to be sent.
func (h *History) Begin(n int, way Way, what Sum, undone bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent[n] = Sent{Way: way, Sum: what, Undone: undone}
}

// End notes what became of it. i is its number in its batch, 0 of others.
func (h *History) End(n int, res producer.SendResult, i int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &h.sent[n]
	s.Ends++
	if s.Ends > 1 {
		return
	}
	se, _ := errors.AsType[*producer.SendError](err)
	switch {
	case err == nil && (s.Way == Oneway):
		s.Class, s.Copies = Written, 1
	case err == nil:
		s.Class, s.Copies = Acknowledged, 1+res.Ambiguous
		if res.Status != producer.SendOK {
			s.Class = Weak
		}
		if s.Way != Transaction { // whose place is its half message's
			s.Place = &Place{res.Broker, res.QueueID, res.QueueOffset + int64(i)}
		}
	case se != nil && se.Ambiguous:
		s.Class, s.Copies = Ambiguous, se.Attempts
	default:
		s.Class = Refused
	}
	if err != nil {
		s.Cause = err.Error()
	}
}

// Asked notes that a broker asked how the message's transaction ended (see [producer.TransactionListener]); that may be before
// its send has ended.
func (h *History) Asked(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent[n].Asked++
}

// Sent is a copy of all messages.
func (h *History) Sent() []Sent {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Sent(nil), h.sent...)
}
