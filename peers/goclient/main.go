// Command goclient sends messages through rocketmq-client-go and prints what came of them as one line of JSON:
//
//	goclient -n 127.0.0.1:9876 -t TOPIC -c 100 -s 128 -m sync
//	{"sent":100,"acknowledged":100,"elapsed_ns":…,"first_msg_id":"…"}
//
// It shows that a name server and broker serve a client that rmqbench did not write. It exits with 1, and says why on
// stderr, when one message was not sent or, other than oneway, not acknowledged with SEND_OK; the line is printed all
// the same if it got as far as sending. The client's own log goes to stderr.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "goclient:", err)
		os.Exit(1)
	}
}

// options is what the flags say.
type options struct {
	nameServer, topic, mode string
	count, size             int
}

// inFlight bounds asynchronous sends; batchSize is how many messages one batch has.
const (
	inFlight  = 256
	batchSize = 10
)

// modes maps -m to what sends.
var modes = map[string]func(rocketmq.Producer, options, *tally){
	"sync":   sendSync,
	"async":  sendAsync,
	"oneway": sendOneway,
	"batch":  sendBatches,
}

func run(args []string, stdout io.Writer) error {
	var o options
	flags := flag.NewFlagSet("goclient", flag.ContinueOnError)
	flags.StringVar(&o.nameServer, "n", "127.0.0.1:9876", "name server, HOST:PORT")
	flags.StringVar(&o.topic, "t", "RMQBENCH_GOCLIENT", "topic")
	flags.IntVar(&o.count, "c", 100, "messages")
	flags.IntVar(&o.size, "s", 128, "bytes of a body")
	flags.StringVar(&o.mode, "m", "sync", "sync, async, oneway or batch")
	if err := flags.Parse(args); err != nil {
		return err
	}
	send, ok := modes[o.mode]
	if !ok || o.count < 1 || o.size < 1 || flags.NArg() > 0 {
		return fmt.Errorf("-m %s -c %d -s %d %q: want -m sync, async, oneway or batch, and at least one message of one byte", o.mode, o.count, o.size, flags.Args())
	}

	rlog.SetLogLevel("warn")
	p, err := rocketmq.NewProducer(
		producer.WithNameServer(primitive.NamesrvAddr{o.nameServer}),
		producer.WithGroupName("RMQBENCH_GOCLIENT"),
		producer.WithRetry(2))
	if err != nil {
		return fmt.Errorf("new producer for %s: %w", o.nameServer, err)
	}
	if err := p.Start(); err != nil {
		return fmt.Errorf("start producer for %s: %w", o.nameServer, err)
	}
	t := tally{began: time.Now()}
	send(p, o, &t)
	report := t.report()
	if err := p.Shutdown(); err != nil {
		t.fail(fmt.Errorf("shutdown: %w", err))
	}

	if err := json.NewEncoder(stdout).Encode(report); err != nil {
		return err
	}
	if err := t.firstErr(); err != nil {
		return err
	}
	if report.Sent != o.count || (o.mode != "oneway" && report.Acknowledged != o.count) {
		return fmt.Errorf("%d of %d messages sent, %d acknowledged", report.Sent, o.count, report.Acknowledged)
	}
	return nil
}

func sendSync(p rocketmq.Producer, o options, t *tally) {
	for range o.count {
		r, err := p.SendSync(context.Background(), o.message())
		t.add(1, r, err)
	}
}

func sendBatches(p rocketmq.Producer, o options, t *tally) {
	for left := o.count; left > 0; left -= batchSize {
		batch := make([]*primitive.Message, min(left, batchSize))
		for i := range batch {
			batch[i] = o.message()
		}
		r, err := p.SendSync(context.Background(), batch...)
		t.add(len(batch), r, err)
	}
}

func sendOneway(p rocketmq.Producer, o options, t *tally) {
	for range o.count {
		if err := p.SendOneWay(context.Background(), o.message()); err != nil {
			t.fail(err)
			continue
		}
		t.written()
	}
}

func sendAsync(p rocketmq.Producer, o options, t *tally) {
	var pending sync.WaitGroup
	permits := make(chan struct{}, inFlight)
	for range o.count {
		permits <- struct{}{}
		pending.Add(1)
		var once sync.Once // the client calls back twice on some failures
		done := func(_ context.Context, r *primitive.SendResult, err error) {
			once.Do(func() {
				t.add(1, r, err)
				<-permits
				pending.Done()
			})
		}
		if err := p.SendAsync(context.Background(), done, o.message()); err != nil {
			done(context.Background(), nil, err)
		}
	}
	pending.Wait() // the client gives each send 3 s
}

func (o options) message() *primitive.Message {
	return primitive.NewMessage(o.topic, bytes.Repeat([]byte{'x'}, o.size))
}

// tally counts outcomes. Callbacks share it.
type tally struct {
	began time.Time

	mu    sync.Mutex // protects following
	r     report
	first error
}

// report is the line printed.
type report struct {
	Sent         int    `json:"sent"`         // messages given to a socket, as far as the client tells
	Acknowledged int    `json:"acknowledged"` // of them, answered SEND_OK; oneway never is
	ElapsedNs    int64  `json:"elapsed_ns"`   // first send to last outcome
	FirstMsgID   string `json:"first_msg_id"` // the client's own id; empty for oneway
}

// add counts the outcome of one request of n messages.
func (t *tally) add(n int, r *primitive.SendResult, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil && r == nil {
		err = errors.New("the client returned neither a result nor an error")
	}
	if err != nil {
		t.first = cmp.Or(t.first, err)
		return
	}
	t.r.Sent += n
	if r.Status != primitive.SendOK {
		t.first = cmp.Or(t.first, fmt.Errorf("send status %d: %v", r.Status, r))
		return
	}
	t.r.Acknowledged += n
	if t.r.FirstMsgID == "" {
		t.r.FirstMsgID = r.MsgID
	}
}

func (t *tally) written() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Sent++
}

func (t *tally) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.first = cmp.Or(t.first, err)
}

func (t *tally) firstErr() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.first
}

func (t *tally) report() report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.r
	r.ElapsedNs = time.Since(t.began).Nanoseconds()
	return r
}
