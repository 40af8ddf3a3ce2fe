package bench

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"rmqbench/producer"
	"rmqbench/remoting"
)

func TestClassify(t *testing.T) {
	answer := func(code remoting.Code, remark string) error {
		return &producer.SendError{Topic: "t", Broker: "b", Attempts: 1, Err: remoting.NewBrokerError("10.0.0.1:10911", code, remark)}
	}
	call := func(sent bool, err error) error {
		return &producer.SendError{Topic: "t", Broker: "b", Attempts: 1, Ambiguous: sent, Err: &remoting.CallError{Addr: "10.0.0.1:10911", Sent: sent, Err: err}}
	}
	dial := fmt.Errorf("%w: %w", remoting.ErrDial, errors.New("connect: connection refused"))
	for name, tt := range map[string]struct {
		res    producer.SendResult
		err    error
		oneway bool
		want   outcome
		cause  string
	}{
		"acknowledged":        {want: acknowledged},
		"written":             {oneway: true, want: written},
		"flush disk timeout":  {res: producer.SendResult{Status: producer.FlushDiskTimeout}, want: weak},
		"flush slave timeout": {res: producer.SendResult{Status: producer.FlushSlaveTimeout}, want: weak},
		"no slave":            {res: producer.SendResult{Status: producer.SlaveNotAvailable}, want: weak},

		"busy":                {err: answer(remoting.SystemBusy, ""), want: refused, cause: "SYSTEM_BUSY"},
		"busy, with a reason": {err: answer(remoting.SystemBusy, "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: 213ms, size of queue: 12"), want: refused, cause: "SYSTEM_BUSY [TIMEOUT_CLEAN_QUEUE]"},
		"busy, odd remark":    {err: answer(remoting.SystemBusy, "[took 213 ms]"), want: refused, cause: "SYSTEM_BUSY"},
		"busy, open bracket":  {err: answer(remoting.SystemBusy, "[PC"), want: refused, cause: "SYSTEM_BUSY"},
		"busy, long bracket":  {err: answer(remoting.SystemBusy, "[AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDDEEEEEEEEEE]"), want: refused, cause: "SYSTEM_BUSY"},
		"busy, escape":        {err: answer(remoting.SystemBusy, "[\x1b[31m]"), want: refused, cause: "SYSTEM_BUSY"},
		"not available":       {err: answer(remoting.ServiceNotAvailable, "disk full"), want: refused, cause: "SERVICE_NOT_AVAILABLE"},
		"flow control":        {err: answer(remoting.FlowControl, ""), want: refused, cause: "FLOW_CONTROL"},
		"go away":             {err: answer(remoting.GoAway, ""), want: refused, cause: "GO_AWAY"},
		"illegal":             {err: answer(remoting.MessageIllegal, "the message body is too long"), want: failed, cause: "MESSAGE_ILLEGAL"},
		"no permission":       {err: answer(remoting.NoPermission, ""), want: failed, cause: "not authorized (NO_PERMISSION)"},
		"unknown topic":       {err: answer(remoting.TopicNotExist, ""), want: failed, cause: "TOPIC_NOT_EXIST"},
		"unknown code":        {err: answer(999, "?"), want: failed, cause: "999"},
		"busy after an attempt without an answer": {
			err:  &producer.SendError{Attempts: 2, Ambiguous: true, Err: remoting.NewBrokerError("b", remoting.SystemBusy, "")},
			want: ambiguous, cause: "SYSTEM_BUSY"},

		"selector":              {err: &producer.SendError{Err: &producer.SelectorError{Err: producer.ErrNoKey}}, want: failed, cause: "selector"},
		"timeout":               {err: call(true, remoting.ErrTimeout), want: ambiguous, cause: "timeout"},
		"timeout, not sent":     {err: call(false, remoting.ErrTimeout), want: failed, cause: "timeout"},
		"connection lost":       {err: call(true, io.EOF), want: ambiguous, cause: "connection lost"},
		"lost before":           {err: call(false, io.EOF), want: failed, cause: "connection lost"},
		"closed":                {err: call(true, remoting.ErrClosed), want: ambiguous, cause: "connection lost"},
		"no connection":         {err: call(false, dial), want: failed, cause: "cannot connect"},
		"no connection in time": {err: call(false, fmt.Errorf("%w: %w", remoting.ErrDial, remoting.ErrTimeout)), want: failed, cause: "cannot connect"},
		"HTTP":                  {err: call(true, fmt.Errorf("%w: it speaks HTTP", remoting.ErrNotRocketMQ)), want: ambiguous, cause: "not RocketMQ's protocol"},
		"bad frame":             {err: call(true, remoting.ErrBadFrame), want: ambiguous, cause: "not RocketMQ's protocol"},
		"frame too large":       {err: call(false, remoting.ErrFrameTooLarge), want: failed, cause: "frame too large"},
		"a plain call error":    {err: &remoting.CallError{Sent: true, Err: remoting.ErrTimeout}, want: ambiguous, cause: "timeout"},

		"drained, sent":     {err: call(true, errDrained), want: ambiguous, cause: "cut off at the end of the drain"},
		"drained, not sent": {err: call(false, errDrained), want: failed, cause: "cut off at the end of the drain"},
		"drained, dialling": {err: call(false, fmt.Errorf("%w: %w", remoting.ErrDial, errDrained)), want: failed, cause: "cut off at the end of the drain"},
		"hurried":           {err: call(true, errHurried), want: ambiguous, cause: "cut off to end at once"},

		"no route":         {err: &producer.SendError{Err: &producer.RouteError{Topic: "t", Err: remoting.NewBrokerError("ns", remoting.TopicNotExist, "")}}, want: failed, cause: "no route"},
		"name server busy": {err: &producer.SendError{Err: &producer.RouteError{Topic: "t", Err: remoting.NewBrokerError("ns", remoting.SystemBusy, "")}}, want: failed, cause: "no route"},
		"name server down": {err: &producer.SendError{Err: &producer.RouteError{Topic: "t", Err: &producer.NameServerError{Addrs: []string{"a"}, Err: dial}}}, want: failed, cause: "no route"},
		"too late":         {err: &producer.SendError{Err: producer.ErrCallTimeout}, want: failed, cause: "timeout before sending"},
		"executor full":    {err: &producer.SendError{Err: producer.ErrExecutorFull}, want: failed, cause: "too many sends wait for a connection"},
		"empty body":       {err: &producer.SendError{Err: errors.New("the message body is empty")}, want: failed, cause: "refused by the client"},
		"shut down":        {err: &producer.StateError{Op: "send", State: producer.ShutdownAlready}, want: failed, cause: "refused by the client"},
	} {
		if got, cause := classify(&tt.res, tt.err, tt.oneway); got != tt.want || cause != tt.cause {
			t.Errorf("%s: outcome %d, cause %q; want %d, %q", name, got, cause, tt.want, tt.cause)
		}
	}
}
