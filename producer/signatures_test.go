package producer

import (
	"context"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rmqbench/remoting"
)

// signature is one of MQProducer's send methods, and what it is here.
type signature struct {
	java, here string
	send       func(ctx context.Context, p *Producer) (SendResult, error)
	placed     bool // to queue 1 of b1
}

// signatures are all of MQProducer 4.5.1, in its order; those that take a timeout are given d.
func signatures(tb testing.TB, d time.Duration) []signature {
	m, list := text("T", "x"), batchOf("T", 3)
	to := To(MessageQueue{"T", "b1", 1})
	by := By(SelectorFunc(func(queues []MessageQueue, _ *Message, arg any) (int, error) {
		return slices.Index(queues, arg.(MessageQueue)), nil
	}), MessageQueue{"T", "b1", 1})
	within := Within(d)
	sync := func(opts ...SendOption) func(context.Context, *Producer) (SendResult, error) {
		return func(ctx context.Context, p *Producer) (SendResult, error) { return p.Send(ctx, m, opts...) }
	}
	async := func(opts ...SendOption) func(context.Context, *Producer) (SendResult, error) {
		return func(ctx context.Context, p *Producer) (SendResult, error) { return sendAsync(tb, p, ctx, m, opts...) }
	}
	oneway := func(opts ...SendOption) func(context.Context, *Producer) (SendResult, error) {
		return func(ctx context.Context, p *Producer) (SendResult, error) { return p.SendOneway(ctx, m, opts...) }
	}
	batch := func(opts ...SendOption) func(context.Context, *Producer) (SendResult, error) {
		return func(ctx context.Context, p *Producer) (SendResult, error) {
			res, err := p.SendBatch(ctx, list, opts...)
			if err == nil && len(res.IDs) != len(list) {
				tb.Errorf("%d ids of %d messages", len(res.IDs), len(list))
			}
			return res.SendResult, err
		}
	}
	return []signature{
		{"send(Message)", "Send(ctx, m)", sync(), false},
		{"send(Message, long)", "Send(ctx, m, Within(d))", sync(within), false},
		{"send(Message, SendCallback)", "SendAsync(ctx, m, f)", async(), false},
		{"send(Message, SendCallback, long)", "SendAsync(ctx, m, f, Within(d))", async(within), false},
		{"sendOneway(Message)", "SendOneway(ctx, m)", oneway(), false},
		{"send(Message, MessageQueue)", "Send(ctx, m, To(q))", sync(to), true},
		{"send(Message, MessageQueue, long)", "Send(ctx, m, To(q), Within(d))", sync(to, within), true},
		{"send(Message, MessageQueue, SendCallback)", "SendAsync(ctx, m, f, To(q))", async(to), true},
		{"send(Message, MessageQueue, SendCallback, long)", "SendAsync(ctx, m, f, To(q), Within(d))", async(to, within), true},
		{"sendOneway(Message, MessageQueue)", "SendOneway(ctx, m, To(q))", oneway(to), true},
		{"send(Message, MessageQueueSelector, Object)", "Send(ctx, m, By(sel, arg))", sync(by), true},
		{"send(Message, MessageQueueSelector, Object, long)", "Send(ctx, m, By(sel, arg), Within(d))", sync(by, within), true},
		{"send(Message, MessageQueueSelector, Object, SendCallback)", "SendAsync(ctx, m, f, By(sel, arg))", async(by), true},
		{"send(Message, MessageQueueSelector, Object, SendCallback, long)", "SendAsync(ctx, m, f, By(sel, arg), Within(d))", async(by, within), true},
		{"sendOneway(Message, MessageQueueSelector, Object)", "SendOneway(ctx, m, By(sel, arg))", oneway(by), true},
		{"send(Collection)", "SendBatch(ctx, list)", batch(), false},
		{"send(Collection, long)", "SendBatch(ctx, list, Within(d))", batch(within), false},
		{"send(Collection, MessageQueue)", "SendBatch(ctx, list, To(q))", batch(to), true},
		{"send(Collection, MessageQueue, long)", "SendBatch(ctx, list, To(q), Within(d))", batch(to, within), true},
	}
}

// Each signature sends, to where it says, and the timeout that some give ends them.
func TestJavaSignatures(t *testing.T) {
	live, mute := newStage(t, nil, nil), newStage(t, silent, silent)
	hasty := signatures(t, 20*time.Millisecond)
	for i, sig := range signatures(t, time.Minute) {
		t.Run(sig.java, func(t *testing.T) {
			p := live.producer(t, Options{SendTimeout: time.Minute})
			before := live.sends()
			res, err := sig.send(t.Context(), p)
			if err != nil || res.Attempts != 1 || sig.placed && (res.Broker != "b1" || res.QueueID != 1) {
				t.Errorf("%+v %v", res, err)
			}
			soon(t, "it arrives", func() bool { return live.sends() == before+1 })
			if strings.HasSuffix(sig.java, "long)") {
				p := mute.producer(t, Options{SendTimeout: time.Hour, InstanceName: t.Name() + "mute"})
				if _, err := hasty[i].send(t.Context(), p); !errors.Is(err, remoting.ErrTimeout) && !errors.Is(err, ErrCallTimeout) {
					t.Errorf("to brokers that are silent: %v", err)
				}
			}
		})
	}
}

// rows are those of the table in docs/producer.md that has these headings.
func rows(t *testing.T, headings string) [][]string {
	t.Helper()
	doc, err := os.ReadFile("../docs/producer.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(doc), headings+"\n")
	if !ok {
		t.Fatalf("docs/producer.md has no table %s", headings)
	}
	var all [][]string
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			break
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.Trim(cell, " `"))
		}
		all = append(all, cells)
	}
	return all[1:] // below the line
}

// docs/producer.md has the signatures, all and no others.
func TestDocSignatures(t *testing.T) {
	got := rows(t, "| MQProducer 4.5.1 | here |")
	var want [][]string
	for _, sig := range signatures(t, 0) {
		want = append(want, []string{sig.java, sig.here})
	}
	if len(want) != 19 || !reflect.DeepEqual(got, want) {
		t.Errorf("docs/producer.md lists\n%q, want\n%q", got, want)
	}
}

// docs/producer.md has the options, in their order, all and no others.
func TestDocOptions(t *testing.T) {
	var got, want []string
	for _, row := range rows(t, "| `Options` | RocketMQ | its default |") {
		got = append(got, row[0])
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Options]()) {
		want = append(want, field.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("docs/producer.md lists\n%q, want\n%q", got, want)
	}
}
