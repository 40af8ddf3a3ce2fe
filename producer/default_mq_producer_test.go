package producer

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"rmqbench/broker"
	"rmqbench/remoting/message"
)

// TestDefaultMQProducer has the tests of RocketMQ 4.5.1's DefaultMQProducerTest.java under their names, with its topic, its
// messages and its compression threshold of 16 bytes. Java's run against mocks; these send over sockets to the embedded
// broker, and read back what it stored.
func TestDefaultMQProducer(t *testing.T) {
	const topic = "FooBar"
	c := embedded(t, broker.Options{})
	options := func(t *testing.T) Options {
		return Options{NameServers: []string{c.NameServer()}, Group: "FooBar_PID", InstanceName: strings.ReplaceAll(t.Name(), "/", "_"), CompressOver: 16}
	}
	plain := text(topic, "a")
	big := text(topic, "This is a very huge message!") // zlib makes it longer: it goes as it is, where Java compresses it all the same
	bigger := text(topic, strings.Repeat("This is a very huge message! ", 10))

	// stored wants SEND_OK and the message at the place that the result tells.
	stored := func(t *testing.T, p *Producer, m *Message, res SendResult, compressed bool) {
		t.Helper()
		if res.Status != SendOK || res.Attempts != 1 || res.OffsetID.String() == "" || res.QueueOffset < 0 {
			t.Fatalf("%+v", res)
		}
		got, err := p.ViewMessage(t.Context(), m.Topic, res.OffsetID.String())
		if err != nil {
			t.Fatal(err)
		}
		raw := read(t, p, c.Brokers()[0].Addr(), &res)
		if string(got.Body) != string(m.Body) || got.ID() != res.ID.String() || got.QueueID != res.QueueID || got.QueueOffset != res.QueueOffset ||
			raw.SysFlag.Compressed() != compressed || len(raw.Body) != res.WireBytes {
			t.Errorf("stored %q, %+v\nsent %q, %+v", got.Body, raw, m.Body, res)
		}
	}
	bodies := func(t *testing.T, send func(*Producer, *Message) (SendResult, error)) {
		t.Helper()
		for compressed, m := range map[bool]*Message{false: big, true: bigger} {
			p := started(t, options(t))
			res, err := send(p, m)
			if err != nil {
				t.Fatal(err)
			}
			stored(t, p, m, res, compressed)
			_ = p.Shutdown() // the next one has its group
		}
	}

	t.Run("SendMessage_ZeroMessage", func(t *testing.T) {
		_, err := started(t, options(t)).Send(t.Context(), text(topic, ""))
		if _, ok := errors.AsType[*message.BodySizeError](err); !ok || sendError(t, err).Attempts != 0 {
			t.Errorf("got %v", err)
		}
	})

	// A producer without a name server does not start here; in Java its sends fail.
	t.Run("SendMessage_NoNameSrv", func(t *testing.T) {
		o := options(t)
		o.NameServers = nil
		p := New(o)
		if err := p.Start(); !is[*NameServerError](err) || !strings.Contains(err.Error(), "no name server given") {
			t.Errorf("start: %v", err)
		}
		if _, err := p.Send(t.Context(), plain); !is[*StateError](err) {
			t.Errorf("send: %v", err)
		}
	})

	t.Run("SendMessage_NoRoute", func(t *testing.T) {
		none := embedded(t, broker.Options{NoAutoCreate: true})
		o := options(t)
		o.NameServers = []string{none.NameServer()}
		_, err := started(t, o).Send(t.Context(), plain)
		if !is[*RouteError](err) || !UnknownTopic(err) || sendError(t, err).Attempts != 0 {
			t.Errorf("got %v", err)
		}
	})

	t.Run("SendMessageSync_Success", func(t *testing.T) {
		p := started(t, options(t))
		res, err := p.Send(t.Context(), plain)
		if err != nil {
			t.Fatal(err)
		}
		stored(t, p, plain, res, false)
	})

	t.Run("SendMessageSync_WithBodyCompressed", func(t *testing.T) {
		bodies(t, func(p *Producer, m *Message) (SendResult, error) { return p.Send(t.Context(), m) })
	})

	t.Run("SendMessageAsync_Success", func(t *testing.T) {
		p := started(t, options(t))
		res, err := sendAsync(t, p, t.Context(), plain)
		if err != nil {
			t.Fatal(err)
		}
		stored(t, p, plain, res, false)
	})

	// Each of MQProducer's asynchronous signatures, as Java's test calls them, five that fail and one that succeeds, and
	// then so that each succeeds. A message that is refused at once has no callback here.
	t.Run("SendMessageAsync", func(t *testing.T) {
		p := started(t, options(t))
		if _, err := p.CreateTopic(t.Context(), Topic{Name: "test", Queues: 4}); err != nil {
			t.Fatal(err)
		}
		hello, nowhere := text("test", "hello world"), MessageQueue{}
		none := SelectorFunc(func([]MessageQueue, *Message, any) (int, error) { return -1, nil })
		third := SelectorFunc(func(_ []MessageQueue, _ *Message, arg any) (int, error) { return arg.(int), nil })
		second := MessageQueue{"test", "broker-0", 1}
		for _, tt := range []struct {
			signature string
			m         *Message
			opts      []SendOption
			queue     int32 // that it goes to; -1: any; -2: it fails
			want      func(error) bool
		}{
			{"send(new Message(), callback)", &Message{}, nil, -2, is[*message.NameError]},
			{"send(message, new MessageQueue(), callback)", hello, []SendOption{To(nowhere)}, -2, is[*QueueError]},
			{"send(new Message(), new MessageQueue(), callback, 1000)", &Message{}, []SendOption{To(nowhere), Within(time.Second)}, -2, is[*message.NameError]},
			{"send(new Message(), selector, null, callback)", &Message{}, []SendOption{By(none, nil)}, -2, is[*message.NameError]},
			{"send(message, selector, null, callback, 1000)", hello, []SendOption{By(none, nil), Within(10 * time.Second)}, -2, is[*SelectorError]},
			{"send(message, callback, 1000)", hello, []SendOption{Within(10 * time.Second)}, -1, nil},

			{"send(message, callback)", hello, nil, -1, nil},
			{"send(message, queue, callback)", hello, []SendOption{To(second)}, 1, nil},
			{"send(message, queue, callback, timeout)", hello, []SendOption{To(second), Within(10 * time.Second)}, 1, nil},
			{"send(message, selector, arg, callback)", hello, []SendOption{By(third, 2)}, 2, nil},
			{"send(message, selector, arg, callback, timeout)", hello, []SendOption{By(third, 2), Within(10 * time.Second)}, 2, nil},
		} {
			got := make(chan outcome, 1)
			if err := p.SendAsync(t.Context(), tt.m, func(res SendResult, err error) { got <- outcome{res, err} }, tt.opts...); err != nil {
				got <- outcome{err: err}
			}
			o := <-got
			switch {
			case tt.queue == -2:
				if !tt.want(o.err) || sendError(t, o.err).Attempts != 0 {
					t.Errorf("%s: %v", tt.signature, o.err)
				}
			case o.err != nil || tt.queue >= 0 && o.res.QueueID != tt.queue:
				t.Errorf("%s: %+v, %v", tt.signature, o.res, o.err)
			default:
				stored(t, p, tt.m, o.res, false)
			}
		}
	})

	t.Run("SendMessageAsync_BodyCompressed", func(t *testing.T) {
		bodies(t, func(p *Producer, m *Message) (SendResult, error) { return sendAsync(t, p, t.Context(), m) })
	})

	t.Run("SendMessageSync_SuccessWithHook", func(t *testing.T) {
		o := options(t)
		h := &hookOfTest{before: func(c *SendContext) {
			if c.Message != plain || c.Group != o.Group || c.Mode != Sync || c.Result != nil || c.Err != nil {
				t.Errorf("before: %+v", c)
			}
		}, after: func(c *SendContext) {
			if c.Message != plain || c.Group != o.Group || c.Mode != Sync || c.Result == nil || c.Result.Status != SendOK || c.Err != nil {
				t.Errorf("after: %+v", c)
			}
		}}
		o.SendHooks = []SendHook{h}
		p := started(t, o)
		res, err := p.Send(t.Context(), plain)
		if err != nil {
			t.Fatal(err)
		}
		stored(t, p, plain, res, false)
		if h.calls != "before after " {
			t.Errorf("called: %s", h.calls)
		}
	})

	// There is no executor to set: callbacks run on goroutines of their own, never on the connection's reader or the sender's,
	// so that one may send and wait.
	t.Run("SetCallbackExecutor", func(t *testing.T) {
		p := started(t, options(t))
		var chain sync.WaitGroup
		chain.Add(2)
		again := func(_ SendResult, err error) {
			defer chain.Done()
			if err != nil {
				t.Error(err)
			}
		}
		if err := p.SendAsync(context.Background(), plain, func(_ SendResult, err error) {
			defer chain.Done()
			if err != nil {
				t.Error(err)
			}
			res, err := p.Send(context.Background(), plain)
			chain.Add(1)
			again(res, err)
			if err := p.SendAsync(context.Background(), plain, again); err != nil {
				t.Error(err)
				chain.Done()
			}
		}); err != nil {
			t.Fatal(err)
		}
		chain.Wait()
	})
}

// hookOfTest is TestHook of DefaultMQProducerTest.
type hookOfTest struct {
	before, after func(*SendContext)
	calls         string
}

func (h *hookOfTest) Before(c *SendContext) { h.calls += "before "; h.before(c) }
func (h *hookOfTest) After(c *SendContext)  { h.calls += "after "; h.after(c) }
