package remoting

import "strings"

// Pushback is why a broker answered SYSTEM_BUSY: it is to be left alone for a while, not asked again at once. The protocol
// tells the reasons apart by nothing but a bracketed word at the start of the remark (SendMessageProcessor.java,
// BrokerFastFailure.java, NettyRemotingAbstract.java; RocketMQ 4.5.1 to 5.4.0).
type Pushback uint8

// The reasons.
const (
	NoPushback        Pushback = iota // another answer than SYSTEM_BUSY
	UnknownPushback                   // SYSTEM_BUSY with none of the following
	RejectRequest                     // the commit log was locked for too long, no transient buffer is free, or it is a slave
	PageCacheBusy                     // the same, and the sends in its queue were thrown out
	QueueTimeout                      // the send waited too long in the broker's queue
	Overload                          // the broker's send queue is full
	PageCacheBusyPuts                 // the store itself found the page cache busy
)

// pushbacks hold for each reason the word in brackets and the broker's setting that governs it.
var pushbacks = [...]struct{ reason, setting string }{
	RejectRequest:     {"REJECTREQUEST", "osPageCacheBusyTimeOutMills"},
	PageCacheBusy:     {"PCBUSY_CLEAN_QUEUE", "osPageCacheBusyTimeOutMills"},
	QueueTimeout:      {"TIMEOUT_CLEAN_QUEUE", "waitTimeMillsInSendQueue"},
	Overload:          {"OVERLOAD", "sendThreadPoolQueueCapacity"},
	PageCacheBusyPuts: {"PC_SYNCHRONIZED", "osPageCacheBusyTimeOutMills"},
}

// String is the broker's word, such as "TIMEOUT_CLEAN_QUEUE"; "" without one.
func (p Pushback) String() string { return pushbacks[p].reason }

// Setting is the key in broker.conf that governs it, such as "waitTimeMillsInSendQueue"; "" where there is none.
func (p Pushback) Setting() string { return pushbacks[p].setting }

// Pushback tells why the broker was busy; NoPushback if it was not that.
func (e *BrokerError) Pushback() Pushback {
	if e.Code != SystemBusy {
		return NoPushback
	}
	if rest, ok := strings.CutPrefix(e.Remark, "["); ok {
		if word, _, ok := strings.Cut(rest, "]"); ok {
			for p := RejectRequest; int(p) < len(pushbacks); p++ {
				if pushbacks[p].reason == word {
					return p
				}
			}
		}
	}
	return UnknownPushback
}
