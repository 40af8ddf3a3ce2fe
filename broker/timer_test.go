package broker

import (
	"maps"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

func TestTimersAreDeliveredWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := still(t, Options{})
		defer b.close()
		began := time.Now() // a whole second
		ms := func(d time.Duration) string { return decimal(began.Add(d).UnixMilli()) }
		for name, tt := range map[string]struct {
			prop message.Property
			due  time.Duration
		}{
			"seconds":           {prop("TIMER_DELAY_SEC", "3"), 3 * time.Second},
			"milliseconds":      {prop("TIMER_DELAY_MS", "2000"), 2 * time.Second},
			"a time":            {prop("TIMER_DELIVER_MS", ms(5*time.Second)), 5 * time.Second},
			"up to the second":  {prop("TIMER_DELAY_MS", "2001"), 3 * time.Second},
			"three days":        {prop("TIMER_DELAY_SEC", "259200"), 72 * time.Hour},
			"a time gone by":    {prop("TIMER_DELIVER_MS", ms(-time.Second)), 0},
			"now":               {prop("TIMER_DELIVER_MS", ms(0)), 0},
			"a negative delay":  {prop("TIMER_DELAY_MS", "-5"), 0},
			"before the epoch":  {prop("TIMER_DELIVER_MS", "-9223372036854775808"), 0},
			"the next millisec": {prop("TIMER_DELAY_MS", "1"), time.Second},
		} {
			topic := strings.ReplaceAll(name, " ", "_")
			s := b.take(t, topic, 2, "timed", prop("UNIQ_KEY", "U"), tt.prop)
			if string(s.uniq) != "U" || s.reply.QueueID != 2 {
				t.Errorf("%s: answered %+v", name, s.reply)
			}
			if tt.due == 0 {
				if b.count(topic, 2) != 1 || s.reply.RecallHandle != nil {
					t.Errorf("%s: not delivered at once", name)
				}
				continue
			}
			h, err := message.ParseRecallHandle(string(s.reply.RecallHandle))
			if slot := began.Add(tt.due - time.Second).UnixMilli(); err != nil || h != (message.RecallHandle{Topic: topic, Broker: b.name, Time: decimal(slot + 1), UniqueID: "U"}) {
				t.Errorf("%s: handle %+v, %v", name, h, err)
			}
			go func() {
				time.Sleep(tt.due - time.Millisecond)
				if b.count(topic, 2) != 0 {
					t.Errorf("%s: delivered early", name)
				}
				time.Sleep(2 * time.Millisecond)
				if b.count(topic, 2) != 1 {
					t.Errorf("%s: not delivered when due", name)
					return
				}
				r, props := b.newest(t, topic, 2)
				want := map[string]string{"UNIQ_KEY": "U", tt.prop.Key: tt.prop.Value, "MSG_REGION": region, "TRACE_ON": "true", "CLUSTER": "DefaultCluster", "REAL_TOPIC": topic, "REAL_QID": "2",
					"TIMER_OUT_MS": ms(tt.due - time.Second), "TIMER_ENQUEUE_MS": ms(0), "TIMER_DEQUEUE_MS": ms(tt.due)}
				if string(r.Body) != "timed" || !maps.Equal(props, want) {
					t.Errorf("%s: %+v with %q, want %q", name, r, props, want)
				}
			}()
		}
		time.Sleep(73 * time.Hour)
	})
}

// A delay level is stronger than a timer, as in RocketMQ.
func TestDelayLevelBeatsTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := still(t, Options{})
		defer b.close()
		b.take(t, "T", 0, "late", prop("TIMER_DELAY_SEC", "60"), prop("UNIQ_KEY", "U"), prop("DELAY", "2"))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if _, props := b.newest(t, "T", 0); props["TIMER_DELAY_SEC"] != "" || props["DELAY"] != "2" {
			t.Errorf("properties %q", props)
		}
	})
}

func TestTimerRefusals(t *testing.T) {
	r := start(t, Options{})
	addr := r.broker().Addr()
	for _, props := range []string{"TIMER_DELAY_SEC\x01259201\x02", "TIMER_DELAY_MS\x01259200001\x02", "TIMER_DELIVER_MS\x019223372036854775807\x02", "TIMER_DELAY_SEC\x019223372036854775807\x02",
		"TIMER_DELAY_SEC\x01soon\x02", "TIMER_DELIVER_MS\x011\x02TIMER_DEL_UNIQKEY\x01T+U\x02"} {
		if a := r.want(remoting.MessageIllegal, addr, sendCommand("T", 0, "x", props)); !contains(a.Remark, "max delay 259200000ms") {
			t.Errorf("remark %q", a.Remark)
		}
	}
	off := start(t, Options{NoTimers: true})
	a := off.want(remoting.SystemError, off.broker().Addr(), sendCommand("T", 0, "x", "TIMER_DELAY_SEC\x015\x02"))
	if a.Remark != "accurate timer message is not enabled, timerWheelEnable is false" {
		t.Errorf("remark %q", a.Remark)
	}
}

func recallCommand(topic, handle string) *remoting.Command {
	return remoting.NewRequest(remoting.RecallMessage, field("producerGroup", "g"), field("topic", topic), field("recallHandle", handle))
}

func TestRecalledTimersAreNotDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := still(t, Options{})
		defer b.close()
		recall := func(id string) {
			b.take(t, "T", 0, "0", prop("UNIQ_KEY", id), prop("TIMER_DEL_UNIQKEY", recallKey("T", id)), prop("TIMER_DELAY_MS", "4001"))
		}
		recall("early") // before there is what it recalls
		for _, id := range []string{"A", "B", "early"} {
			b.take(t, "T", 0, id, prop("UNIQ_KEY", id), prop("TIMER_DELAY_SEC", "5"))
		}
		recall("A")
		recall("A")
		b.take(t, "Other", 0, "another's A", prop("UNIQ_KEY", "A"), prop("TIMER_DELAY_SEC", "5"))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if r, _ := b.newest(t, "T", 0); string(r.Body) != "B" || b.count("T", 0) != 1 || b.count("Other", 0) != 1 {
			t.Errorf("%d delivered, %s at last, and %d elsewhere", b.count("T", 0), r.Body, b.count("Other", 0))
		}
		if ts := &b.timers; len(ts.waiting)+len(ts.recalled) != 0 {
			t.Errorf("left: %+v", ts)
		}
	})
}

func TestRecall(t *testing.T) {
	r := start(t, Options{})
	b := r.broker()
	a := r.want(remoting.Success, b.Addr(), sendCommand("T", 0, "x", "UNIQ_KEY\x01A\x02TIMER_DELAY_SEC\x013600\x02"))
	handle, _ := a.Get("recallHandle")
	for range 2 { // again: nobody minds
		a = r.want(remoting.Success, b.Addr(), recallCommand("T", handle))
		if id, _ := a.Get("msgId"); id != "A" {
			t.Errorf("answer %+v", a)
		}
	}
	b.mu.Lock()
	noted := b.timers.recalled["T+A"]
	b.mu.Unlock()
	if !noted || b.count("T", 0) != 0 {
		t.Errorf("noted: %v, and %d messages", noted, b.count("T", 0))
	}

	late := message.RecallHandle{Topic: "T", Broker: b.Name(), Time: "1", UniqueID: "A"}
	r.want(remoting.Success, b.Addr(), sendCommand("Other", 0, "x", ""))
	for name, tt := range map[string]struct {
		req    *remoting.Command
		code   remoting.Code
		remark string
	}{
		"no handle":       {recallCommand("T", "nonsense!"), remoting.IllegalOperation, "recall handle is invalid"},
		"no topic":        {recallCommand("NoSuch", handle), remoting.TopicNotExist, "recall failed, the topic[NoSuch] not exist"},
		"another topic":   {recallCommand("Other", handle), remoting.IllegalOperation, "recall failed, topic not match"},
		"too late":        {recallCommand("T", late.String()), remoting.IllegalOperation, "recall failed, timestamp invalid"},
		"another broker":  {recallCommand("T", message.RecallHandle{Topic: "T", Broker: "b", Time: "1", UniqueID: "A"}.String()), remoting.IllegalOperation, "recall failed, broker service not available"},
		"a field missing": {remoting.NewRequest(remoting.RecallMessage, field("topic", "T")), remoting.SystemError, "the custom field <recallHandle> is null"},
		"an endless id": {recallCommand("T", message.RecallHandle{Topic: "T", Broker: b.Name(), Time: decimal(time.Now().Add(time.Hour).UnixMilli()), UniqueID: strings.Repeat("x", math.MaxInt16)}.String()),
			remoting.SystemError, "recall failed, execute error"},
	} {
		if a := r.ask(b.Addr(), tt.req); a.Response() != tt.code || a.Remark != tt.remark {
			t.Errorf("%s: %v %q, want %v %q", name, a.Response(), a.Remark, tt.code, tt.remark)
		}
	}
	off := start(t, Options{NoRecall: true})
	off.want(remoting.NoPermission, off.broker().Addr(), recallCommand("T", handle))
}

// A broker with a small memory that takes timers for days keeps no books about those that it has lost.
func TestTimersThatAreLostAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := still(t, Options{MemoryBudget: 64 << 10})
		defer b.close()
		for range 5 * minPrune {
			b.take(t, "T", 0, "x", prop("TIMER_DELAY_SEC", "200000"))
		}
		b.mu.Lock()
		n := len(b.timers.waiting)
		b.mu.Unlock()
		if n > 2*minPrune {
			t.Errorf("%d timers noted", n)
		}
		time.Sleep(200_001 * time.Second)
		synctest.Wait()
		if n := b.count("T", 0); n == 0 || n > minPrune {
			t.Errorf("%d delivered", n)
		}
	})
}

// FuzzDeliverAt: whatever the properties say, a timer is no time before now and at most three days ahead, and its slot
// is over when it is due, no sooner.
func FuzzDeliverAt(f *testing.F) {
	for _, props := range []string{"TIMER_DELAY_SEC\x015\x02", "TIMER_DELAY_MS\x015\x02TIMER_DELAY_SEC\x01-1\x02", "TIMER_DELIVER_MS\x011700000000001\x02", "TIMER_DELIVER_MS\x019223372036854775807", "DELAY\x013\x02TIMER_DELAY_MS\x01x"} {
		f.Add(props, int64(1_700_000_000_000), int64(1000))
	}
	f.Fuzz(func(t *testing.T, props string, now, precision int64) {
		if now < 1 || now > 1<<45 || precision < 1 || precision > 1<<30 {
			return
		}
		var p sendProps
		p.read([]byte(props))
		if p.timed() && !p.detour {
			t.Fatal("a timer takes no detour")
		}
		at, ok := p.deliverAt(now)
		if !ok {
			return
		}
		if at-now > maxTimerDelay.Milliseconds() {
			t.Fatalf("%q at %d is delivered at %d", props, now, at)
		}
		if slot := timerSlot(at, precision); at > now && (slot%precision != 0 || slot+precision < at || slot >= at) {
			t.Fatalf("%d waits in slot %d of %d", at, slot, precision)
		}
	})
}
