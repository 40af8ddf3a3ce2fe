//go:build unix

package producer

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// brokerEnv makes TestBrokerProcess a broker, so that another process's CPU is the client's alone.
const brokerEnv = "RMQBENCH_TEST_BROKER"

// TestBrokerProcess is no test: it is the broker of BenchmarkOverhead, in a process of its own.
func TestBrokerProcess(t *testing.T) {
	if os.Getenv(brokerEnv) == "" {
		t.Skip("runs in a process of its own, for BenchmarkOverhead")
	}
	reply := &remoting.SendReply{Serialize: remoting.RocketMQ, Language: remoting.Go, Version: remoting.Version451,
		MsgID: []byte("7F00000100002A9F0000000000000000"), TraceOn: true, Region: "DefaultRegion"}
	s := newStage(t, func(_ int64, r *remoting.Request) { _ = r.Reply(reply, nil) })
	fmt.Println("name server " + s.names.addr())
	_, _ = os.Stdin.Read(make([]byte, 1)) // until the other process ends
}

// brokerProcess starts that broker and returns its name server's address.
func brokerProcess(tb testing.TB) string {
	tb.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestBrokerProcess$")
	cmd.Env = append(os.Environ(), brokerEnv+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait() // it has said all that matters
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "name server "); ok {
			return addr
		}
	}
	tb.Fatal("the broker's process said nothing")
	return ""
}

// bareCall is a send without a producer: a head that was made ready, an answer read, and a wake-up.
type bareCall struct {
	remoting.Call
	remoting.SendRequest
	bareAnswer
	lean     bool // its properties go straight into the frame
	ids      *message.IDSource
	serial   uint64
	wake     chan error              // sync
	free     chan *bareCall          // async: to be used again
	callback func(bareAnswer, error) // async; nil: nobody wants the bareAnswer
}

// bareAnswer is what a sender wants to know at the least.
type bareAnswer struct {
	offset int64
	queue  int32
	id     OffsetMsgID
}

func (c *bareCall) Receive(head *remoting.Head, _ []byte) {
	var view remoting.SendReplyView
	view.Parse(head)
	c.offset, c.queue = view.QueueOffset, view.QueueID
	c.id.set(view.MsgID)
}

func (c *bareCall) Done(err error) {
	if c.Async {
		if c.callback != nil {
			c.callback(c.bareAnswer, err)
		}
		c.free <- c
		return
	}
	c.wake <- err
}

// newBareCall has the head that the producer's own sends have, but for what is of one message.
func newBareCall(p *Producer, m *Message) *bareCall {
	o := &p.opts
	c := &bareCall{wake: make(chan error, 1)}
	c.Receiver = c
	c.SendRequest = remoting.SendRequest{Serialize: remoting.RocketMQ, Code: remoting.SendMessageV2, Language: remoting.Go, Version: remoting.Version451,
		SendHeader: remoting.SendHeader{ProducerGroup: o.Group, Topic: m.Topic, DefaultTopic: o.DefaultTopic, DefaultQueueNums: int32(o.DefaultTopicQueues),
			BrokerName: "b0"}}
	c.Template = c.NewTemplate()
	return c
}

// cpu is what this process has used so far, user and system.
func cpu(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// start starts one message: what its head says of it alone (times, id, properties), then the call.
func (c *bareCall) start(ctx context.Context, in *instance, to *remoting.Endpoint, m *Message) error {
	nano, wallMS := in.clock.now()
	c.BornTimestamp = wallMS
	var head remoting.HeadEncoder = c
	if c.lean {
		c.ids, c.serial = in.ids, in.ids.SerialAt(wallMS)
	} else {
		head = &c.SendRequest
		c.Properties = append(c.Properties[:0], idKey...)
		c.Properties = m.appendOthers(in.ids.AppendHex(c.Properties, in.ids.SerialAt(wallMS)), nil)
	}
	deadline := nano + int64(3*time.Second)
	if c.Async {
		return to.StartNow(&c.Call, head, m.Body, deadline)
	}
	return to.Start(ctx, &c.Call, head, m.Body, deadline)
}

// AppendHead is a lean call's, as [send.AppendHead].
func (c *bareCall) AppendHead(dst []byte, opaque int32, bodyLen int) ([]byte, error) {
	var m Message
	out := c.Template.Open(dst, &c.SendRequest, len(idKey)+c.ids.HexLen()+len(m.wait()))
	out = c.ids.AppendHex(append(out, idKey...), c.serial)
	return c.Template.Close(dst, append(out, m.wait()...), opaque, bodyLen, &c.SendRequest)
}

// BenchmarkOverhead puts the same messages through the producer and through remoting calls with the same heads encoded, in
// turn, and reports how much CPU the one takes of the other and each by itself. The broker is another process.
//
// The calls are made in two ways: the connection's reader decodes the answer, and leaves it where it is ("x-bare"); or it gets to
// who sends, as a value or in a callback ("x-told"), as the producer's does and as whoever wants to know it needs it. Both have
// remoting.SendRequest encode the head, of properties that were put together before; a third way is the first, but its properties
// are written straight into the frame, as the producer's are ("x-lean"). Asynchronous calls of all ways end on a callback
// goroutine, not on the reader.
func BenchmarkOverhead(b *testing.B) {
	ctx := context.Background()
	m := &Message{Topic: "T", Body: make([]byte, 128)}
	for _, workers := range []int{1, 64, 1024} {
		b.Run(fmt.Sprint("sync/workers=", workers), func(b *testing.B) {
			p, to := overheadProducer(b, m)
			n := max(min(workers*1_000, 5_120), 1_000)
			calls := make(chan *bareCall, workers) // made once: a producer's sends are used again too
			for range workers {
				calls <- newBareCall(p, m)
			}
			bare := func(read, lean bool) func() {
				return func() {
					each(b, workers, n, func() func() error {
						c := <-calls
						c.lean = lean
						calls <- c // for the next round
						var got bareAnswer
						return func() error {
							if err := c.start(ctx, p.instance, to, m); err != nil {
								return err
							}
							err := <-c.wake
							if read {
								got = c.bareAnswer
							}
							if got.queue < 0 {
								return fmt.Errorf("queue %d: %w", got.queue, err)
							}
							return err
						}
					})
				}
			}
			compare(b, p, n, bare(false, false), bare(true, false), bare(false, true), func() {
				each(b, workers, n, func() func() error {
					return func() error { _, err := p.Send(ctx, m); return err }
				})
			})
		})
	}
	b.Run("async/in flight=1024", func(b *testing.B) {
		const n = 10_240
		p, to := overheadProducer(b, m)
		free := make(chan *bareCall, 1024)
		for range cap(free) {
			c := newBareCall(p, m)
			c.Async, c.free = true, free
			free <- c
		}
		permits := make(chan struct{}, cap(free))
		callback := func(_ SendResult, err error) {
			if err != nil {
				b.Error(err)
			}
			<-permits
		}
		bare := func(callback func(bareAnswer, error), lean bool) func() {
			return func() {
				for range n {
					c := <-free
					c.callback, c.lean = callback, lean
					if err := c.start(ctx, p.instance, to, m); err != nil {
						b.Fatal(err)
					}
				}
				for len(free) < cap(free) { // the last ones are on their way back
					time.Sleep(10 * time.Microsecond)
				}
			}
		}
		called := func(_ bareAnswer, err error) {
			if err != nil {
				b.Error(err)
			}
		}
		compare(b, p, n, bare(nil, false), bare(called, false), bare(nil, true), func() {
			for range n {
				permits <- struct{}{}
				if err := p.SendAsync(ctx, m, callback); err != nil {
					b.Fatal(err)
				}
			}
			for len(permits) > 0 {
				time.Sleep(10 * time.Microsecond)
			}
		})
	})
}

// overheadProducer is connected to a broker in another process.
func overheadProducer(b *testing.B, m *Message) (*Producer, *remoting.Endpoint) {
	p := started(b, Options{NameServers: []string{brokerProcess(b)}, Profile: Measure})
	if _, err := p.Prepare(b.Context(), m.Topic); err != nil {
		b.Fatal(err)
	}
	return p, p.instance.routes.topic(m.Topic).now.Load().queues[0].endpoint
}

// compare runs the four ways of sending n messages, in an order that changes from one iteration to the next. x-bare and its like
// are the medians of the iterations' ratios: what else the machine does falls on all ways of most iterations alike.
func compare(b *testing.B, p *Producer, n int, bare, told, lean, whole func()) {
	names := [...]string{"bare", "told", "lean", "send"}
	ways := [...]func(){bare, told, lean, whole}
	const last = len(ways) - 1
	var used [len(ways)]time.Duration
	var writes [len(ways)]int64
	var ratios [last][]float64
	first := 0
	for b.Loop() {
		var took [len(ways)]time.Duration
		for i := range ways {
			way := (first + i) % len(ways)
			began, wrote := cpu(b), p.Stats().Writes
			ways[way]()
			took[way] = cpu(b) - began
			used[way] += took[way]
			writes[way] += p.Stats().Writes - wrote
		}
		for i := range ratios {
			ratios[i] = append(ratios[i], float64(took[last])/float64(took[i]))
		}
		first++
	}
	sent := float64(b.N * n)
	for i := range ratios {
		slices.Sort(ratios[i])
		b.ReportMetric(ratios[i][len(ratios[i])/2], "x-"+names[i])
	}
	for i, name := range names {
		b.ReportMetric(sent/float64(writes[i]), name+"-msgs/write")
		b.ReportMetric(float64(used[i])/sent, name+"-cpu-ns/msg")
	}
}

// each makes n calls on so many goroutines, each with a function of its own.
func each(tb testing.TB, workers, n int, newCall func() func() error) {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			call := newCall()
			for range n / workers {
				if err := call(); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
