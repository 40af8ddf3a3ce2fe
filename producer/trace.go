package producer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// Limits of traces (AsyncTraceDispatcher.java, RocketMQ 5.4.0).
const (
	traceRoom    = 2048            // records that may wait; further ones are dropped
	traceBatch   = 10              // records that are sent together (DefaultMQProducer.traceMsgBatchNum)
	traceEvery   = 5 * time.Second // a smaller batch waits no longer
	traceBody    = 128_000         // bytes of a trace message
	traceKeys    = 16 << 10        // bytes of its keys, so that its properties fit
	traceSends   = 4               // trace messages in flight
	traceTimeout = 5 * time.Second // of one, and of all that is left at Shutdown
)

// tracer writes to the trace topic what became of a producer's messages. It is one of the producer's hooks; what it does
// for a send is to put a record into a queue with bounded room, and to count it when there is none.
type tracer struct {
	group   string // of its producer, without a namespace
	topic   string // of traces
	inner   *Producer
	queue   chan message.TraceRecord
	slots   chan struct{} // filled for each trace message in flight
	dropped atomic.Int64  // records: no room, or not sent
	done    atomic.Bool   // records come too late
	quit    chan struct{} // closed by stop
	work    sync.WaitGroup
}

// tracers numbers the inner producers of this process, whose group names must differ within one client instance.
var tracers atomic.Int64

// newTracer makes the tracer of a producer, with an inner producer of its own client instance: traces take neither
// connections nor permits from what they are about. Producers that share an instance share that one too.
func newTracer(host *Producer) *tracer {
	o := &host.opts
	group := message.UnwrapNamespace(o.Namespace, o.Group)
	inner := New(Options{NameServers: o.NameServers, NameServerURL: o.NameServerURL, NameServersEvery: o.NameServersEvery, Group: traceGroup(group, tracers.Add(1)), SendTimeout: traceTimeout, MaxBody: traceBody, NamespaceV2: o.NamespaceV2,
		InstanceName: traceInstance + o.InstanceName, UnitName: o.UnitName, ClientIP: o.ClientIP, RouteEvery: o.RouteEvery, HeartbeatEvery: o.HeartbeatEvery,
		NoAutoCreate: o.NoAutoCreate, DefaultTopic: o.DefaultTopic, DefaultTopicQueues: o.DefaultTopicQueues,
		JSON: o.JSON, ConnectTimeout: o.ConnectTimeout, Dial: o.Dial, TLS: o.TLS, Credentials: o.Credentials, Hooks: o.Hooks})
	return &tracer{group: group, topic: o.TraceTopic, inner: inner, queue: make(chan message.TraceRecord, traceRoom), slots: make(chan struct{}, traceSends), quit: make(chan struct{})}
}

// traceInstance begins the instance names of tracers (TraceConstants.TRACE_INSTANCE_NAME).
const traceInstance = "PID_CLIENT_INNER_TRACE_PRODUCER_"

// traceGroup is the n-th inner producer's group (AsyncTraceDispatcher.genGroupNameForTrace), cut to what a name may be.
func traceGroup(group string, n int64) string {
	tail := fmt.Sprintf("-PRODUCE-%d", n)
	head := "_INNER_TRACE_PRODUCER-" + group
	return head[:min(len(head), message.MaxGroupLen-len(tail))] + tail
}

func (t *tracer) start() error {
	if err := t.inner.Start(); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	t.work.Go(t.run)
	return nil
}

// stop sends what is in the queue, for traceTimeout at the most.
func (t *tracer) stop() {
	t.done.Store(true)
	close(t.quit)
	t.work.Wait()
	_ = t.inner.Shutdown() // a broker that can't be told finds out
}

// Before is nothing: the context notes the time.
func (t *tracer) Before(*SendContext) {}

// After records an attempt that was answered (SendMessageTraceHookImpl.sendMessageAfter); a oneway send never is.
func (t *tracer) After(c *SendContext) {
	if c.Result == nil || c.Mode == Oneway || c.Result.TraceOff || t.own(c.Message.Topic) {
		return
	}
	t.put(message.TraceRecord{Kind: message.TracePub, Time: c.Began.UnixMilli(), Region: c.Result.Region, Group: t.group, Topic: c.Message.Topic,
		MessageID: c.ID.String(), Tags: cmp.Or(c.Message.Tags, message.TraceNull), Keys: cmp.Or(strings.Join(c.Message.Keys, " "), message.TraceNull),
		StoreHost: c.Addr, BodyLength: c.BodyBytes, CostMillis: int(c.Ended.Sub(c.Began).Milliseconds()), MessageType: int(c.MsgType),
		OffsetMessageID: c.Result.OffsetID.String(), Success: c.Result.Status == SendOK})
}

// EndTransaction records the end of a transaction (EndTransactionTraceHookImpl.java).
func (t *tracer) EndTransaction(c *EndTransactionContext) {
	t.put(message.TraceRecord{Kind: message.TraceEndTransaction, Time: time.Now().UnixMilli(), Region: cmp.Or(c.Region, defaultRegion), Group: t.group,
		Topic: c.Topic, MessageID: c.ID, Tags: cmp.Or(c.Tags, message.TraceNull), Keys: cmp.Or(strings.Join(c.Keys, " "), message.TraceNull),
		StoreHost: c.Addr, MessageType: int(CommitMsg), TransactionID: c.ID, TransactionState: c.State.String(), FromTransactionCheck: c.Checked})
}

// recalled records a recall that a broker answered (DefaultRecallMessageTraceHook.java, which needs
// com.rocketmq.recall.default.trace.enable).
func (t *tracer) recalled(topic, id string, err error) {
	if _, refused := errors.AsType[*remoting.BrokerError](err); err == nil || refused {
		t.put(message.TraceRecord{Kind: message.TraceRecall, Time: time.Now().UnixMilli(), Region: defaultRegion, Group: t.group,
			Topic: topic, MessageID: id, Success: err == nil})
	}
}

// own says that a message is a trace itself.
func (t *tracer) own(topic string) bool { return strings.HasPrefix(topic, t.topic) }

func (t *tracer) put(r message.TraceRecord) {
	if !t.done.Load() {
		select {
		case t.queue <- r:
			return
		default:
		}
	}
	t.dropped.Add(1)
}

// run sends records in batches until stop.
func (t *tracer) run() {
	tick := time.NewTicker(traceEvery)
	defer tick.Stop()
	batch := make([]message.TraceRecord, 0, traceBatch)
	forever := context.Background()
	for {
		select {
		case r := <-t.queue:
			if batch = append(batch, r); len(batch) < traceBatch {
				continue
			}
		case <-tick.C:
		case <-t.quit:
			ctx, cancel := context.WithTimeout(forever, traceTimeout)
			defer cancel()
			t.drain(ctx, batch)
			return
		}
		t.send(forever, batch)
		batch = batch[:0]
	}
}

// drain sends what is left, and waits until all that is in flight has ended.
func (t *tracer) drain(ctx context.Context, batch []message.TraceRecord) {
	for range len(t.queue) {
		if batch = append(batch, <-t.queue); len(batch) == traceBatch {
			t.send(ctx, batch)
			batch = batch[:0]
		}
	}
	t.send(ctx, batch)
	for range traceSends {
		select {
		case t.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
}

// send sends records, those of each topic in messages of their own.
func (t *tracer) send(ctx context.Context, records []message.TraceRecord) {
	byTopic := map[string]*traceMessage{}
	for i := range records {
		r := &records[i]
		m := byTopic[r.Topic]
		if m == nil {
			m = &traceMessage{}
			byTopic[r.Topic] = m
		}
		if !m.add(r) {
			t.launch(ctx, m)
			*m = traceMessage{}
			m.add(r)
		}
	}
	for _, m := range byTopic {
		t.launch(ctx, m)
	}
}

// launch sends a message as soon as few enough are in flight.
func (t *tracer) launch(ctx context.Context, m *traceMessage) {
	records := int64(m.records)
	select {
	case t.slots <- struct{}{}:
	case <-ctx.Done():
		t.dropped.Add(records)
		return
	}
	ended := func(_ SendResult, err error) {
		<-t.slots
		if err != nil {
			t.dropped.Add(records)
		}
	}
	if err := t.inner.SendAsync(ctx, &Message{Topic: t.topic, Body: m.body, Keys: m.keys}, ended); err != nil {
		ended(SendResult{}, err)
	}
}

// traceMessage is a message of the trace topic in the making.
type traceMessage struct {
	body    []byte
	keys    []string // each once
	keyed   map[string]bool
	keySize int // bytes
	records int
}

// add appends a record; false: it doesn't fit any more.
func (m *traceMessage) add(r *message.TraceRecord) bool {
	body := message.AppendTrace(m.body, r)
	keys, size := m.keys, m.keySize
	for _, k := range r.IndexKeys() {
		if !m.keyed[k] {
			keys, size = append(keys, k), size+len(k)+1
		}
	}
	if m.records > 0 && (len(body) > traceBody || size > traceKeys) {
		return false
	}
	if m.keyed == nil {
		m.keyed = map[string]bool{}
	}
	for _, k := range keys[len(m.keys):] {
		m.keyed[k] = true
	}
	m.body, m.keys, m.keySize, m.records = body, keys, size, m.records+1
	return true
}
