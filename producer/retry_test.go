package producer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/internal/peer"
	"rmqbench/remoting"
)

// What brokers answer, and who asks again (DefaultMQProducerImpl.sendDefaultImpl, 4.5.1: sync sends only, after these
// codes only; async sends never after an answer).
func TestBrokerCodes(t *testing.T) {
	for code, again := range map[remoting.Code]bool{
		remoting.SystemError: true, remoting.ServiceNotAvailable: true, remoting.NoPermission: true, remoting.TopicNotExist: true,
		remoting.NoBuyerID: true, remoting.NotInCurrentUnit: true,
		remoting.SystemBusy: false, remoting.RequestNotSupported: false, 4: false, remoting.MessageIllegal: false, 15: false, 18: false, 22: false, 23: false,
		remoting.InvalidParameter: false, remoting.FlowControl: false, 501: false, 604: false, remoting.GoAway: false, 999: false, -1: false,
	} {
		t.Run(code.String(), func(t *testing.T) {
			s := newStage(t, refusing(code), refusing(code))
			p := s.producer(t, Options{})
			for kind, send := range kinds(t, p) {
				want := 1
				if again && kind == "sync" {
					want = 3
				}
				before := s.sends()
				_, err := send(t.Context(), text("T", "x"))
				if kind == "oneway" { // no answer, no refusal
					if err != nil {
						t.Error(err)
					}
					soon(t, "it arrives", func() bool { return s.sends() == before+1 })
					continue
				}
				be, ok := errors.AsType[*remoting.BrokerError](err)
				if !ok || be.Code != code || be.Remark != "no" {
					t.Errorf("%s: %v", kind, err)
				}
				if se := sendError(t, err); se.Attempts != want || se.Ambiguous || int(s.sends()-before) != want {
					t.Errorf("%s: %+v, %d arrived, want %d attempts", kind, se, s.sends()-before, want)
				}
			}
		})
	}
}

func TestRetriesOption(t *testing.T) {
	for retries, want := range map[int]int{0: 3, -1: 1, -9: 1, 1: 2, 5: 6} {
		s := newStage(t, refusing(remoting.SystemError), refusing(remoting.SystemError))
		p := s.producer(t, Options{Retries: retries, InstanceName: fmt.Sprint(t.Name(), retries)})
		_, err := p.Send(t.Context(), text("T", "x"))
		if se := sendError(t, err); se.Attempts != want {
			t.Errorf("Retries %d: %d attempts, want %d", retries, se.Attempts, want)
		}
	}
}

// After a failure the next attempt goes to another broker.
func TestRetryGoesElsewhere(t *testing.T) {
	for name, bad := range map[string]func(int64, *remoting.Request){"refused": refusing(remoting.SystemError), "cut": cut} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, bad, nil)
			p := s.producer(t, Options{SendTimeout: time.Minute})
			retried := 0
			for range 20 {
				res, err := p.Send(t.Context(), text("T", "x"))
				if err != nil || res.Broker != "b1" || res.Attempts > 2 {
					t.Fatalf("%+v %v", res, err)
				}
				if want := res.Attempts - 1; name == "cut" && res.Ambiguous > want || name == "refused" && res.Ambiguous != 0 {
					t.Errorf("%d of %d attempts are ambiguous", res.Ambiguous, res.Attempts)
				}
				retried += res.Attempts - 1
			}
			if retried == 0 {
				t.Error("no send began at the bad broker")
			}
		})
	}
}

// Statuses that are not SEND_OK are results.
func TestR15_WeakStatuses(t *testing.T) {
	for code, want := range map[remoting.Code]Status{remoting.FlushDiskTimeout: FlushDiskTimeout, remoting.FlushSlaveTimeout: FlushSlaveTimeout, remoting.SlaveNotAvailable: SlaveNotAvailable} {
		t.Run(want.String(), func(t *testing.T) {
			s := newStage(t, stored(code), stored(code))
			p := s.producer(t, Options{})
			for _, kind := range []string{"sync", "async"} {
				res, err := kinds(t, p)[kind](t.Context(), text("T", "x"))
				if err != nil || res.Status != want || res.Attempts != 1 || res.Ambiguous != 0 {
					t.Errorf("%s: %+v %v", kind, res, err)
				}
			}
		})
	}
}

func TestRetryNotOK(t *testing.T) {
	weak := stored(remoting.FlushDiskTimeout)
	for name, tt := range map[string]struct {
		script   func(n int64, r *remoting.Request)
		status   Status
		attempts int
		twice    int // attempts that stored it as well
	}{
		"the next one stores it well": {func(n int64, r *remoting.Request) {
			if n == 1 {
				weak(n, r)
			} else {
				stored(remoting.Success)(n, r)
			}
		}, SendOK, 2, 1},
		"none does": {weak, FlushDiskTimeout, 3, 2},
		"the next one refuses": {func(n int64, r *remoting.Request) {
			if n == 1 {
				weak(n, r)
			} else {
				refusing(remoting.MessageIllegal)(n, r)
			}
		}, FlushDiskTimeout, 2, 0}, // it is stored: no error
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, tt.script)
			p := s.producer(t, Options{RetryNotOK: true})
			res, err := p.Send(t.Context(), text("T", "x"))
			if err != nil || res.Status != tt.status || res.Attempts != tt.attempts || res.Ambiguous != tt.twice || res.OffsetID.String() == "" {
				t.Errorf("%+v %v", res, err)
			}
			if res, err := kinds(t, p)["async"](t.Context(), text("T", "x")); err == nil && res.Attempts != 1 {
				t.Errorf("async: %+v", res)
			}
		})
	}
}

// One budget for all attempts: a broker that doesn't answer uses it up.
func TestSendTimeout(t *testing.T) {
	s := newStage(t, silent, silent)
	p := s.producer(t, Options{SendTimeout: 300 * time.Millisecond})
	for _, kind := range []string{"sync", "async"} {
		began := time.Now()
		_, err := kinds(t, p)[kind](t.Context(), text("T", "x"))
		se := sendError(t, err)
		ce, ok := errors.AsType[*remoting.CallError](err)
		if !ok || !ce.Timeout() || !errors.Is(err, remoting.ErrTimeout) || !se.Ambiguous || se.Attempts != 1 {
			t.Errorf("%s: %+v", kind, se)
		}
		if d := time.Since(began); d < 300*time.Millisecond || d > 10*time.Second {
			t.Errorf("%s: after %v", kind, d)
		}
	}
	if n := s.sends(); n != 2 {
		t.Errorf("%d sends arrived", n)
	}
}

// A context's deadline is the budget when it comes first; its end ends the send that is waited for.
func TestContext(t *testing.T) {
	s := newStage(t, silent)
	p := s.producer(t, Options{SendTimeout: time.Minute})

	over, cancelled := context.WithCancelCause(t.Context())
	mine := errors.New("mine")
	cancelled(mine)
	for kind, send := range kinds(t, p) {
		if _, err := send(over, text("T", "x")); !errors.Is(err, mine) || sendError(t, err).Attempts != 0 {
			t.Errorf("%s, cancelled before: %v", kind, err)
		}
	}
	past, done := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer done()
	for kind, send := range kinds(t, p) {
		if _, err := send(past, text("T", "x")); !errors.Is(err, ErrCallTimeout) || sendError(t, err).Ambiguous {
			t.Errorf("%s, too late: %v", kind, err)
		}
	}
	if s.sends() != 0 {
		t.Error("something was sent")
	}

	for _, kind := range []string{"sync", "async"} {
		ctx, done := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := kinds(t, p)[kind](ctx, text("T", "x"))
		if se := sendError(t, err); !se.Ambiguous || se.Attempts != 1 {
			t.Errorf("%s, too late for the answer: %+v", kind, se)
		}
		done()
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	before := s.sends()
	go func() {
		for s.sends() == before {
			time.Sleep(time.Millisecond)
		}
		cancel(mine)
	}()
	_, err := p.Send(ctx, text("T", "x"))
	if se := sendError(t, err); !errors.Is(err, mine) || !se.Ambiguous || se.Attempts != 1 {
		t.Errorf("cancelled in flight: %+v", se)
	}
}

// A message is ambiguous when bytes of it may have reached a broker that did not answer, and only then.
func TestR01_Ambiguous(t *testing.T) {
	t.Run("cut once it was read", func(t *testing.T) {
		s := newStage(t, cut)
		p := s.producer(t, Options{Retries: none, AsyncRetries: none, SendTimeout: time.Minute})
		for _, kind := range []string{"sync", "async"} {
			_, err := kinds(t, p)[kind](t.Context(), text("T", "x"))
			if se := sendError(t, err); !se.Ambiguous || se.Attempts != 1 || errors.Is(err, remoting.ErrTimeout) {
				t.Errorf("%s: %+v", kind, se)
			}
			soon(t, "it is connected again", func() bool { _, err := p.Prepare(t.Context(), "T"); return err == nil })
		}
	})
	t.Run("cut, then nobody there", func(t *testing.T) {
		s := newStage(t, nil)
		s.brokers[0].script = func(_ int64, r *remoting.Request) { go s.brokers[0].Close() }
		p := s.producer(t, Options{SendTimeout: time.Minute})
		_, err := p.Send(t.Context(), text("T", "x"))
		if se := sendError(t, err); !se.Ambiguous || se.Attempts != 3 || !errors.Is(err, remoting.ErrDial) { // the first attempt's doing
			t.Errorf("%+v", se)
		}
	})
	t.Run("refused when dialled", func(t *testing.T) {
		s := newStage(t, nil)
		s.names.set("T", readWrite, 2, "b0="+peer.Dead(t))
		p := started(t, Options{NameServers: []string{s.names.addr()}})
		for kind, send := range kinds(t, p) {
			want := 3
			if kind == "oneway" {
				want = 1
			}
			_, err := send(t.Context(), text("T", "x"))
			if se := sendError(t, err); se.Ambiguous || se.Attempts != want || !errors.Is(err, remoting.ErrDial) {
				t.Errorf("%s: %+v", kind, se)
			}
		}
	})
	t.Run("dropped before the write", func(t *testing.T) {
		s := newStage(t, nil)
		addr := s.brokers[0].Addr().String()
		ours, peer := net.Pipe()
		defer peer.Close()
		p := started(t, Options{NameServers: []string{s.names.addr()}, Dial: func(ctx context.Context, to string) (net.Conn, error) {
			if to == addr {
				return ours, nil
			}
			var d net.Dialer
			return d.DialContext(ctx, "tcp", to)
		}})
		if _, err := p.instance.client.Endpoint(addr).Connect(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		p.instance.mu.Lock()
		p.instance.beaten["b0"] = beat{addr, p.instance.joined} // so that no heartbeat takes the pipe
		p.instance.mu.Unlock()
		first := make(chan outcome, 1)
		err := p.SendAsync(t.Context(), text("T", "x"), func(res SendResult, err error) { first <- outcome{res, err} })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := peer.Read(make([]byte, 1)); err != nil { // its write is under way, and goes no further
			t.Fatal(err)
		}
		ctx, done := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer done()
		_, err = p.Send(ctx, text("T", "x"))
		if se := sendError(t, err); se.Ambiguous || se.Attempts != 1 {
			t.Errorf("%+v", se)
		}
		peer.Close()
		if o := <-first; !sendError(t, o.err).Ambiguous {
			t.Errorf("the one under way: %v", o.err)
		}
	})
}

// R-1 in little, with the embedded broker: it goes down in mid-run and comes back.
func TestR01_BrokerGoesAndComesBack(t *testing.T) {
	c := embedded(t, broker.Options{})
	b := c.Brokers()[0]
	p := started(t, Options{NameServers: []string{c.NameServer()}, SendTimeout: 10 * time.Second})
	send := func() error {
		_, err := p.Send(t.Context(), text("T", "x"))
		return err
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	b.Down()
	if err := send(); err == nil {
		t.Error("stored by nobody")
	}
	if err := b.Up(); err != nil {
		t.Fatal(err)
	}
	soon(t, "sends go through again", func() bool { return send() == nil })
}

// a broker that is busy is not asked again.
func TestR14_BusyBroker(t *testing.T) {
	c := embedded(t, broker.Options{})
	p := started(t, Options{NameServers: []string{c.NameServer()}})
	c.Brokers()[0].Busy(true)
	var attempts atomic.Int64
	for range 20 {
		_, err := p.Send(t.Context(), text("T", "x"))
		be, ok := errors.AsType[*remoting.BrokerError](err)
		if !ok || be.Code != remoting.SystemBusy {
			t.Fatal(err)
		}
		attempts.Add(int64(sendError(t, err).Attempts))
	}
	if n := attempts.Load(); n != 20 {
		t.Errorf("%d attempts for 20 sends", n)
	}
}
