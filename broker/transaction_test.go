package broker

import (
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// halfCommand is a half message born now.
func halfCommand(topic string, queue int, body, group string) *remoting.Command {
	c := sendCommand(topic, queue, body, "UNIQ_KEY\x01U\x02WAIT\x01true\x02TRAN_MSG\x01true\x02PGROUP\x01"+group+"\x02")
	return set(set(c, "f", "4"), "g", decimal(time.Now().UnixMilli()))
}

// endCommand ends a transaction by what the half message, or the check, was answered with.
func endCommand(group string, verdict message.SysFlag, offset, physical int64) *remoting.Command {
	return remoting.NewRequest(remoting.EndTransaction, field("producerGroup", group), longField("tranStateTableOffset", offset), longField("commitLogOffset", physical),
		longField("commitOrRollback", int64(verdict)), field("msgId", "U"))
}

// half sends a half message and says where it lies.
func (r *rig) half(topic string, queue int, body, group string) (offset, physical int64) {
	r.t.Helper()
	a := r.want(remoting.Success, r.broker().Addr(), halfCommand(topic, queue, body, group))
	id, err := message.ParseOffsetID(first(a.Get("msgId")))
	if err != nil || number(r.t, a, "queueId") != int64(queue) || first(a.Get("transactionId")) != "U" {
		r.t.Fatalf("half message answered %v, %v", a.Ext, err)
	}
	return number(r.t, a, "queueOffset"), id.Offset
}

func TestTransactionEnds(t *testing.T) {
	r := start(t, Options{})
	addr := r.broker().Addr()
	const opened = 3
	for i := range int64(opened) {
		offset, physical := r.half("T", 2, "tx", "g")
		if offset != i || r.offset(remoting.GetMaxOffset, "T", 2) != min(i, 1) {
			t.Fatalf("half message %d at offset %d, or in the topic already", i, offset)
		}
		half, props := r.broker().newest(t, message.HalfTopic, 0)
		want := map[string]string{"UNIQ_KEY": "U", "WAIT": "true", "TRAN_MSG": "true", "PGROUP": "g", "__transactionId__": "U", "REAL_TOPIC": "T", "REAL_QID": "2",
			"MSG_REGION": region, "TRACE_ON": "true", "CLUSTER": "DefaultCluster"}
		if !maps.Equal(props, want) || half.SysFlag.Transaction() != 0 || half.PhysicalOffset != physical {
			t.Errorf("half message %+v with %q", half, props)
		}
		for name, tt := range map[string]struct {
			req    *remoting.Command
			remark string
		}{
			"group":      {endCommand("other", message.FlagCommit, offset, physical), "The producer group wrong"},
			"offset":     {endCommand("g", message.FlagCommit, offset+1, physical), "The transaction state table offset wrong"},
			"log offset": {endCommand("g", message.FlagRollback, offset, physical+1), "Find prepared transaction message failed"},
			"a field":    {remoting.NewRequest(remoting.EndTransaction, field("producerGroup", "g")), "the custom field <tranStateTableOffset> is null"},
		} {
			if a := r.want(remoting.SystemError, addr, tt.req); a.Remark != tt.remark {
				t.Errorf("wrong %s: %q", name, a.Remark)
			}
		}
		switch i {
		case 0:
			r.want(remoting.Success, addr, endCommand("g", message.FlagCommit, offset, physical))
			rec, props := r.broker().newest(t, "T", 2)
			delete(want, "REAL_TOPIC")
			delete(want, "REAL_QID")
			if !maps.Equal(props, want) || rec.SysFlag.Transaction() != message.FlagCommit || rec.PreparedOffset != physical || rec.BornTime != half.BornTime || rec.BornHost != half.BornHost || string(rec.Body) != "tx" {
				t.Errorf("committed %+v with %q", rec, props)
			}
		case 1:
			r.want(remoting.Success, addr, endCommand("g", message.FlagRollback, offset, physical))
		case 2: // not decided: no answer, so that the next one answers what is asked next
			nc := dial(t, addr)
			write(t, nc, endCommand("g", 0, offset, physical))
			next := endCommand("g", message.FlagCommit, offset, 1<<40)
			next.Opaque = 5
			write(t, nc, next)
			if a := readFrame(t, nc); a.Opaque != 5 {
				t.Errorf("answered %+v", a)
			}
		}
	}
	if n := r.offset(remoting.GetMaxOffset, "T", 2); n != 1 {
		t.Errorf("%d messages committed, want 1", n)
	}
	if op, props := r.broker().newest(t, message.OpHalfTopic, 0); string(op.Body) != "1," || props["TAGS"] != "d" || op.QueueOffset != 1 {
		t.Errorf("noted %+v with %q", op, props)
	}
	if x := &r.broker().transactions; x.first != 2 || len(x.closed) != 0 {
		t.Errorf("open from %d on, but %v", x.first, x.closed)
	}
	off := start(t, Options{NoTransactions: true})
	off.want(remoting.NoPermission, off.broker().Addr(), halfCommand("T", 0, "x", "g"))
}

func TestTransactionIsCheckedAtItsProducer(t *testing.T) {
	r := start(t, Options{CheckInterval: 50 * time.Millisecond, CheckAfter: time.Millisecond, CheckMax: 1000})
	b := r.broker()
	nc, other := dial(t, b.Addr()), dial(t, b.Addr())
	beat(t, nc, "me", "g", "g2")
	beat(t, other, "other", "unasked")
	offset, physical := r.half("T", 3, "asked", "g")
	var checked *remoting.Command
	for range 2 { // the first goes unheard
		checked = readFrame(t, nc)
	}
	at, phys := number(t, checked, "tranStateTableOffset"), number(t, checked, "commitLogOffset")
	if checked.Request() != remoting.CheckTransactionState || checked.Flag != remoting.FlagOneway || at <= offset || phys <= physical ||
		first(checked.Get("transactionId")) != "U" || first(checked.Get("topic")) != message.HalfTopic || first(checked.Get("bname")) != b.Name() {
		t.Fatalf("asked %+v", checked)
	}
	rec, _, err := message.DecodeRecord(checked.Body)
	props := message.DecodeProperties(rec.EncodedProperties)
	if err != nil || rec.Topic != "T" || rec.QueueID != 3 || string(rec.Body) != "asked" || rec.QueueOffset != at || rec.PhysicalOffset != phys ||
		rec.OffsetID().String() != first(checked.Get("offsetMsgId")) || first(props.Get("TRANSACTION_CHECK_TIMES")) != "2" {
		t.Errorf("asked about %+v with %q, %v", rec, props, err)
	}
	commit := func() {
		t.Helper()
		end := endCommand("g", message.FlagCommit, number(t, checked, "tranStateTableOffset"), number(t, checked, "commitLogOffset"))
		r.want(remoting.Success, b.Addr(), set(end, "fromTransactionCheck", "true"))
	}
	open := func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.transactions.first < b.topics[message.HalfTopic].offsets(0).max
	}
	for commit(); open(); commit() { // the next check came before the answer
		checked = readFrame(t, nc)
	}
	if rec, _ := b.newest(t, "T", 3); string(rec.Body) != "asked" {
		t.Errorf("committed %+v", rec)
	}
}

// Checks come at a fixed beat, the first when the message is old enough, each of a message written anew, until there
// were enough.
func TestTransactionCheckBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := still(t, Options{CheckMax: 3})
		defer b.close()
		time.Sleep(25 * time.Second) // the next beat is in 5 s
		b.take(t, "T", 1, "open", prop("TRAN_MSG", "true"), prop("PGROUP", "g"), prop("UNIQ_KEY", "U"))
		b.take(t, "T", 1, "slow", prop("TRAN_MSG", "true"), prop("PGROUP", "g"), prop("UNIQ_KEY", "V"), prop("CHECK_IMMUNITY_TIME_IN_SECONDS", "40"))
		for _, tt := range []struct {
			at              time.Duration // since the messages came
			half, discarded int64
		}{
			{at: 6 * time.Second, half: 2},
			{at: 34 * time.Second, half: 2},
			{at: 36 * time.Second, half: 3}, // the first check
			{at: 66 * time.Second, half: 5}, // its second, and the first of the slow one
			{at: 96 * time.Second, half: 7}, // its third
			{at: 126 * time.Second, half: 8, discarded: 1},
			{at: 156 * time.Second, half: 8, discarded: 2},
			{at: time.Hour, half: 8, discarded: 2},
		} {
			time.Sleep(time.Until(b.started.Add(25*time.Second + tt.at)))
			synctest.Wait()
			if half, gone := b.count(message.HalfTopic, 0), b.count(checkMaxTopic, 0); half != tt.half || gone != tt.discarded {
				t.Errorf("after %v: %d half messages and %d given up, want %d and %d", tt.at, half, gone, tt.half, tt.discarded)
			}
		}
		if r, props := b.newest(t, checkMaxTopic, 0); string(r.Body) != "slow" || props["TRANSACTION_CHECK_TIMES"] != "3" || props["REAL_TOPIC"] != "T" {
			t.Errorf("given up %+v with %q", r, props)
		}
		if x := &b.transactions; x.first != 8 || len(x.closed) != 0 || b.count("T", 1) != 0 {
			t.Errorf("%+v", x)
		}
	})
}

// A producer that is past its message's own time has to wait to be asked.
func TestTransactionEndedTooLate(t *testing.T) {
	r := start(t, Options{})
	addr := r.broker().Addr()
	c := halfCommand("T", 0, "x", "g")
	set(c, "g", "1700000000000") // born long ago
	set(c, "i", first(c.Get("i"))+"CHECK_IMMUNITY_TIME_IN_SECONDS\x0110\x02")
	a := r.want(remoting.Success, addr, c)
	id, err := message.ParseOffsetID(first(a.Get("msgId")))
	if err != nil {
		t.Fatal(err)
	}
	r.want(remoting.IllegalOperation, addr, endCommand("g", message.FlagCommit, 0, id.Offset))
	r.want(remoting.Success, addr, set(endCommand("g", message.FlagCommit, 0, id.Offset), "fromTransactionCheck", "true"))
	if n := r.offset(remoting.GetMaxOffset, "T", 0); n != 1 {
		t.Errorf("%d committed", n)
	}
}

func TestTransactionsOutOfOrder(t *testing.T) {
	x := transactions{closed: map[int64]struct{}{}}
	for _, offset := range []int64{3, 1, 2, 2} {
		x.close(offset)
	}
	if x.first != 0 || len(x.closed) != 3 || !x.open(0) || x.open(2) || !x.open(4) {
		t.Errorf("%+v", x)
	}
	x.close(0)
	x.close(1) // once more
	if x.first != 4 || len(x.closed) != 0 || x.open(3) {
		t.Errorf("%+v", x)
	}
}

// Many producers send, commit and are asked at the same time; each message is there once.
func TestConcurrentTransactions(t *testing.T) {
	r := start(t, Options{CheckInterval: 5 * time.Millisecond, CheckAfter: time.Hour, CheckMax: 1 << 20})
	done := make(chan error)
	const senders, each = 16, 25
	for s := range senders {
		go func() {
			for i := range each {
				a, err := r.client.Invoke(t.Context(), r.broker().Addr(), halfCommand("T", s%4, fmt.Sprint(s, i), "g"), 10*time.Second)
				if err != nil {
					done <- err
					return
				}
				id, err := message.ParseOffsetID(first(a.Get("msgId")))
				if err != nil {
					done <- err
					return
				}
				verdict := message.FlagCommit
				if i%5 == 0 {
					verdict = message.FlagRollback
				}
				offset := first(a.Get("queueOffset"))
				end := set(endCommand("g", verdict, 0, id.Offset), "tranStateTableOffset", offset)
				if a, err = r.client.Invoke(t.Context(), r.broker().Addr(), end, 10*time.Second); err == nil && a.Response() != remoting.Success {
					err = fmt.Errorf("%v %s", a.Response(), a.Remark)
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range senders {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	sum := int64(0)
	for q := range int32(4) {
		sum += r.broker().count("T", q)
	}
	if want := int64(senders * each * 4 / 5); sum != want {
		t.Errorf("%d messages committed, want %d", sum, want)
	}
}
