package broker

import (
	"math/rand/v2"
	"testing"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// The log and its queues against a plain list of what was put in.
func TestStoreKeepsTheNewestWithinItsBudget(t *testing.T) {
	const budget, queues = 256 << 10, 3
	random := rand.New(rand.NewPCG(1, 2))
	log := newCommitLog(budget)
	var qs [queues]queue
	type kept struct{ physical, size int64 }
	var model [queues][]kept
	for n := range 20_000 {
		size := 100 + random.IntN(400)
		if n%1000 == 999 {
			size = 40 << 10 // more than a chunk
		}
		if log.room(size) {
			for i := range qs {
				qs[i].dropBefore(log.begin())
			}
		}
		last := &log.chunks[len(log.chunks)-1]
		last.data = append(last.data, make([]byte, size)...)
		last.data[len(last.data)-size] = byte(n)
		id := random.IntN(queues)
		qs[id].append(log.end)
		model[id] = append(model[id], kept{log.end, int64(size)})
		log.end += int64(size)

		if log.held > budget {
			t.Fatalf("message %d: %d bytes held of %d", n, log.held, budget)
		}
		q, want := &qs[id], model[id]
		if q.max != int64(len(want)) || q.at(q.max-1) != want[len(want)-1].physical {
			t.Fatalf("message %d: max %d, last at %d, want %d and %v", n, q.max, q.at(q.max-1), len(want), want[len(want)-1])
		}
		if q.min > 0 && want[q.min-1].physical >= log.begin() {
			t.Fatalf("message %d: offset %d is forgotten, but the log begins at %d", n, q.min-1, log.begin())
		}
		if at := want[q.min].physical; at < log.begin() || len(log.at(at)) < int(want[q.min].size) {
			t.Fatalf("message %d: offset %d at %d is gone, the log begins at %d", n, q.min, at, log.begin())
		}
	}
	if log.begin() == 0 || log.at(0) != nil || log.at(log.end) != nil || log.at(-1) != nil {
		t.Error("the log holds what it dropped or never had")
	}
	if held := log.end - log.begin(); held < budget/2 {
		t.Errorf("only %d bytes of a budget of %d are kept", held, budget)
	}
}

func TestBudgetDropsTheOldest(t *testing.T) {
	r := start(t, Options{MemoryBudget: 128 << 10})
	addr := r.broker().Addr()
	body := string(make([]byte, 1000))
	const sent = 400
	var last *remoting.Command
	for range sent {
		last = r.send("T", 0, body)
	}
	low, high := r.offset(remoting.GetMinOffset, "T", 0), r.offset(remoting.GetMaxOffset, "T", 0)
	if high != sent || low < sent-128 || low > sent-64 {
		t.Errorf("offsets %d to %d: want %d at the end and some 100 messages kept", low, high, sent)
	}
	if stored := r.broker().Stored(); len(stored) != 1 || stored[0] != (QueueOffsets{Topic: "T", Min: low, Max: high}) {
		t.Errorf("stored %+v", stored)
	}
	pull := func(from int64) *remoting.Command { return r.ask(addr, pullCommand("T", 0, from, 32)) }
	if a := pull(low - 1); a.Response() != remoting.PullOffsetMoved || number(t, a, "nextBeginOffset") != low {
		t.Errorf("a dropped offset: %v %v", a.Response(), a.Ext)
	}
	n := low
	for n < high {
		a := r.want(remoting.Success, addr, pullCommand("T", 0, n, 32))
		for rec := range message.Records(a.Body) {
			if rec.QueueOffset != n || string(rec.Body) != body || rec.BodyCRC != message.BodyCRC(rec.Body) {
				t.Fatalf("record %+v at offset %d", rec, n)
			}
			n++
		}
	}
	id, _ := last.Get("msgId")
	where, err := message.ParseOffsetID(id)
	if err != nil || where.Addr.String() != addr {
		t.Fatalf("msgId %q: %v %v", id, where, err)
	}
	view := func(offset int64) *remoting.Command {
		return r.ask(addr, remoting.NewRequest(remoting.ViewMessageByID, longField("offset", offset)))
	}
	a := view(where.Offset)
	rec, _, err := message.DecodeRecord(a.Body)
	if err != nil || rec.QueueOffset != sent-1 || rec.PhysicalOffset != where.Offset || rec.StoreHost != where.Addr {
		t.Errorf("viewed %+v, %v", rec, err)
	}
	for _, offset := range []int64{0, -1, where.Offset + 1, 1 << 40} {
		if a := view(offset); a.Response() != remoting.SystemError || a.Remark == "" {
			t.Errorf("viewed at %d: %v %q", offset, a.Response(), a.Remark)
		}
	}
}

func pullCommand(topic string, queue, from, most int64) *remoting.Command {
	return remoting.NewRequest(remoting.PullMessage, remoting.Field{Key: "topic", Value: topic}, remoting.Field{Key: "consumerGroup", Value: "g"},
		longField("queueId", queue), longField("queueOffset", from), longField("maxMsgNums", most))
}
