package remoting

import (
	"strings"
	"testing"

	"rmqbench/internal/leaks"
)

func TestR14_Pushback(t *testing.T) {
	leaks.Check(t)
	for remark, want := range map[string]Pushback{
		"[REJECTREQUEST]system busy, start flow control for a while":                                                  RejectRequest,
		"[PCBUSY_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: 3ms, size of queue: 1":     PageCacheBusy,
		"[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: 213ms, size of queue: 12": QueueTimeout,
		"[OVERLOAD]system busy, start flow control for a while":                                                       Overload,
		"[PC_SYNCHRONIZED]broker busy, start flow control for a while":                                                PageCacheBusyPuts,
		"":                          UnknownPushback,
		"broker busy [OVERLOAD]":    UnknownPushback,
		"[OVERLOAD":                 UnknownPushback,
		"[]":                        UnknownPushback,
		"[overload] in lower case":  UnknownPushback,
		"[SOMETHING_ELSE] of later": UnknownPushback,
	} {
		err := &BrokerError{Addr: "a:1", Code: SystemBusy, Remark: remark}
		if got := err.Pushback(); got != want {
			t.Errorf("%q: %d, want %d", remark, got, want)
		}
		if setting := want.Setting(); (setting == "") != (want == UnknownPushback) || !strings.Contains(err.Error(), setting) {
			t.Errorf("%q: %v does not name %q", remark, err, setting)
		}
		if other := (&BrokerError{Code: SystemError, Remark: remark}); other.Pushback() != NoPushback || strings.Contains(other.Error(), "governs") {
			t.Errorf("%q with another code: %v", remark, other)
		}
	}
}
