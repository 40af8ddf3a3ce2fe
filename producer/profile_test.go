package producer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rmqbench/internal/vectors"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// arrival is one attempt as the brokers of a scenario see it.
type arrival struct {
	broker string
	queue  int32
}

// What RocketMQ 5.4.0's producer does of two brokers that answer so, ours does in profile java-5.4.
func TestVectorRetry(t *testing.T) {
	t.Parallel()
	modes := map[string]func(int64, *remoting.Request){"ok": stored(remoting.Success), "close": cut, "silent": silent}
	outcomes := map[string]func(SendResult, error) bool{
		"SEND_OK":                         func(res SendResult, err error) bool { return err == nil && res.Status == SendOK },
		"MQBrokerException":               func(_ SendResult, err error) bool { return is[*remoting.BrokerError](err) },
		"RemotingSendRequestException":    func(_ SendResult, err error) bool { return is[*remoting.CallError](err) },
		"RemotingTimeoutException":        func(_ SendResult, err error) bool { return errors.Is(err, remoting.ErrTimeout) },
		"RemotingTooMuchRequestException": func(_ SendResult, err error) bool { return errors.Is(err, remoting.ErrTimeout) }, // "call timeout"
		"MQClientException":               func(_ SendResult, err error) bool { return err != nil },                          // of any cause
	}
	for _, tt := range vectors.Load[struct {
		Name, Kind, ServerMode, Outcome string
		TimeoutMS                       int
		RetryTimes                      int
		QueuesPerBroker, Brokers        int
		ExpectedRequests                int
		ExpectedBrokersAlternate        *bool
		QueueIDKeptOnRetry              *bool
	}](t, "retry.json") {
		t.Run(tt.Name, func(t *testing.T) {
			t.Parallel()
			script := modes[tt.ServerMode]
			if script == nil {
				var code remoting.Code
				if _, err := fmt.Sscan(tt.ServerMode, &code); err != nil {
					t.Fatal(err)
				}
				script = refusing(code)
			}
			var mu sync.Mutex // protects following
			var got []arrival
			scripts := make([]func(int64, *remoting.Request), tt.Brokers)
			for i := range scripts {
				scripts[i] = func(n int64, r *remoting.Request) {
					var v remoting.SendView
					if err := v.Parse(&r.Head); err != nil {
						t.Error(err)
					}
					mu.Lock()
					got = append(got, arrival{string(v.BrokerName), v.QueueID})
					mu.Unlock()
					script(n, r)
				}
			}
			s := newStage(t, scripts...)
			var at []string
			for i, b := range s.brokers {
				at = append(at, b.named(fmt.Sprint("b", i)))
			}
			s.names.set("T", readWrite, tt.QueuesPerBroker, at...)
			timeout := time.Minute // as long as it doesn't matter
			if tt.ServerMode == "silent" {
				timeout = time.Duration(tt.TimeoutMS) * time.Millisecond
			}
			p := s.producer(t, Options{Profile: Java54, Retries: tt.RetryTimes, AsyncRetries: tt.RetryTimes, SendTimeout: timeout})
			var opts []SendOption
			if strings.HasSuffix(tt.Kind, "selector") {
				opts = append(opts, By(SelectorFunc(func([]MessageQueue, *Message, any) (int, error) { return 1, nil }), nil))
			}
			kind := "sync"
			if strings.HasPrefix(tt.Kind, "async") {
				kind = "async"
			}
			res, err := kinds(t, p)[kind](t.Context(), text("T", "x"), opts...)
			if !outcomes[tt.Outcome](res, err) {
				t.Errorf("%v, Java: %s", err, tt.Outcome)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(got) != tt.ExpectedRequests || res.Attempts != tt.ExpectedRequests {
				t.Errorf("%d arrived of %d attempts, Java: %d", len(got), res.Attempts, tt.ExpectedRequests)
			}
			for i := 1; i < len(got); i++ {
				if elsewhere := got[i].broker != got[i-1].broker; tt.ExpectedBrokersAlternate != nil && elsewhere != *tt.ExpectedBrokersAlternate {
					t.Errorf("attempts at %v", got)
				}
				if tt.QueueIDKeptOnRetry != nil && *tt.QueueIDKeptOnRetry && got[i].queue != got[0].queue {
					t.Errorf("attempts at %v, Java keeps the queue's id", got)
				}
			}
		})
	}
}

// Each profile's defaults are those of that version's producer.
func TestProfiles(t *testing.T) {
	pid := strconv.Itoa(os.Getpid())
	for profile, want := range map[Profile]struct {
		retries  int
		busy     bool   // SYSTEM_BUSY is tried elsewhere
		instance string // begins so
		flag     message.SysFlag
	}{
		Java451: {2, false, pid, 1},
		Java54:  {2, true, pid + "#", 0x301},
		Measure: {none, false, pid, 1},
	} {
		o := Options{Profile: profile}.withDefaults()
		_, flag := profile.compression(0)
		if o.Retries != want.retries || o.AsyncRetries != want.retries || slices.Contains(o.RetryCodes, remoting.SystemBusy) != want.busy ||
			!strings.HasPrefix(o.InstanceName, want.instance) || flag != want.flag || o.SendTimeout != 3*time.Second || o.AttemptTimeout != 0 || o.RetryNotOK {
			t.Errorf("%s: %+v, flag %#x", profile, o, flag)
		}
		set := Options{Profile: profile, Retries: 5, AsyncRetries: none, RetryCodes: []remoting.Code{}, InstanceName: "mine"}
		if o := set.withDefaults(); o.Retries != 5 || o.AsyncRetries != none || len(o.RetryCodes) != 0 || o.InstanceName != "mine" {
			t.Errorf("%s: what is set does not stay: %+v", profile, o)
		}
	}
	a, b := Options{Profile: Java54}.withDefaults(), Options{Profile: Java54}.withDefaults()
	if a.InstanceName == b.InstanceName {
		t.Errorf("two producers of 5.4 share the instance %s", a.InstanceName)
	}
}

// in profile measure no answer of a broker makes a second attempt, whatever the share of it.
func TestR14_MeasureNeverAsksAgain(t *testing.T) {
	for _, every := range []int64{1, 10, 100} {
		sometimes := func(n int64, r *remoting.Request) {
			if n%every == 0 {
				_ = r.Answer(answer(remoting.SystemBusy, "[TIMEOUT_CLEAN_QUEUE]broker busy"))
			} else {
				stored(remoting.Success)(n, r)
			}
		}
		s := newStage(t, sometimes)
		p := s.producer(t, Options{Profile: Measure, InstanceName: fmt.Sprint(t.Name(), every)})
		pushed := 0
		for range 200 {
			_, err := p.Send(t.Context(), text("T", "x"))
			if be, ok := errors.AsType[*remoting.BrokerError](err); ok && be.Pushback() == remoting.QueueTimeout {
				pushed++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if n := s.sends(); n != 200 || pushed != 200/int(every) {
			t.Errorf("every %dth: %d arrived of 200 sends, %d pushed back", every, n, pushed)
		}
	}
}

// The codes that are tried elsewhere can be set.
func TestR16_RetryCodes(t *testing.T) {
	s := newStage(t, refusing(remoting.FlowControl), refusing(remoting.FlowControl))
	p := s.producer(t, Options{RetryCodes: []remoting.Code{remoting.FlowControl}})
	for kind, want := range map[string]int{"sync": 3, "async": 1} {
		if _, err := kinds(t, p)[kind](t.Context(), text("T", "x")); sendError(t, err).Attempts != want {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// With a time for each attempt a broker that does not answer leaves the others some of the send's; the last attempt has
// all that is left.
func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	s := newStage(t, silent, silent)
	p := s.producer(t, Options{AttemptTimeout: 50 * time.Millisecond, SendTimeout: time.Second})
	began := time.Now()
	_, err := p.Send(t.Context(), text("T", "x"))
	if se := sendError(t, err); se.Attempts != 3 || !errors.Is(err, remoting.ErrTimeout) || !se.Ambiguous {
		t.Errorf("%+v", se)
	}
	if d := time.Since(began); d < time.Second {
		t.Errorf("the last attempt ended after %v of a second", d)
	}
	if _, err := sendAsync(t, p, t.Context(), text("T", "x")); sendError(t, err).Attempts != 1 {
		t.Errorf("async: %v", err)
	}
}

func TestRetryable(t *testing.T) {
	refused := func(code remoting.Code) error { return &remoting.BrokerError{Code: code} }
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{&StateError{}, false},
		{refused(remoting.SystemBusy), true}, {refused(remoting.SystemError), true}, {refused(remoting.GoAway), true},
		{refused(remoting.MessageIllegal), false}, {refused(remoting.InvalidParameter), false}, {refused(999), false},
		{&remoting.CallError{Err: remoting.ErrTimeout}, true}, {&remoting.CallError{Sent: true, Err: remoting.ErrClosed}, true},
		{&remoting.CallError{Err: remoting.ErrFrameTooLarge}, false}, {&remoting.CallError{Err: context.Canceled}, false},
		{&RouteError{Err: refused(remoting.MessageIllegal)}, true},
		{ErrCallTimeout, true}, {ErrExecutorFull, true}, {ErrNoCallback, false},
		{&QueueError{}, false}, {&SelectorError{}, false}, {&ForbiddenError{Err: ErrNoCallback}, false},
		{&message.BodySizeError{}, false}, {&message.NameError{}, false}, {&PropertyError{}, false},
	} {
		if got := Retryable(tt.err); got != tt.want {
			t.Errorf("Retryable(%T %v) = %v", tt.err, tt.err, got)
		}
		if tt.err != nil && Retryable(&SendError{Err: tt.err}) != tt.want {
			t.Errorf("wrapped: %v", tt.err)
		}
	}
}
