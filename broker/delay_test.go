package broker

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

func TestDelayLevelsAreDeliveredWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := still(t, Options{})
		defer b.close()
		began := time.Now()
		for level := len(delayLevels); level >= 1; level-- {
			b.take(t, fmt.Sprint("T", level), 1, "late", prop("UNIQ_KEY", "U"), prop("DELAY", fmt.Sprint(level)))
		}
		b.take(t, "TMany", 1, "late", prop("DELAY", "99")) // the last level's
		for i, d := range delayLevels {
			topic := fmt.Sprint("T", i+1)
			time.Sleep(time.Until(began.Add(d)) - time.Millisecond)
			synctest.Wait()
			if n := b.count(topic, 1); n != 0 {
				t.Fatalf("level %d came before %v", i+1, d)
			}
			time.Sleep(time.Millisecond)
			synctest.Wait()
			r, props := b.newest(t, topic, 1)
			if r.StoreTime != began.Add(d).UnixMilli() || string(r.Body) != "late" || r.BornTime != began.UnixMilli() {
				t.Errorf("level %d: %+v", i+1, r)
			}
			want := map[string]string{"UNIQ_KEY": "U", "DELAY": fmt.Sprint(i + 1), "MSG_REGION": region, "TRACE_ON": "true", "CLUSTER": "DefaultCluster", "REAL_TOPIC": topic, "REAL_QID": "1"}
			if !maps.Equal(props, want) {
				t.Errorf("level %d: %q, want %q", i+1, props, want)
			}
		}
		if n := b.count("TMany", 1); n != 1 {
			t.Errorf("level 99 was delivered %d times", n)
		}
	})
}

func TestMoreThanATurnIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := still(t, Options{DelayLevels: []time.Duration{time.Minute}})
		defer b.close()
		const n = 3*maxTurn + 1
		for i := range n {
			b.take(t, "T", 0, fmt.Sprint(i), prop("DELAY", "1"))
			b.take(t, "T", 1, fmt.Sprint(i), prop("TIMER_DELAY_SEC", "60"))
		}
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		for queue := range int32(2) {
			if got := b.count("T", queue); got != n {
				t.Errorf("queue %d: %d delivered, want %d", queue, got, n)
			}
			if r, _ := b.newest(t, "T", queue); string(r.Body) != fmt.Sprint(n-1) {
				t.Errorf("queue %d: %s is last", queue, r.Body)
			}
		}
	})
}

// A broker that is down or stands still delivers nothing, and what fell due meanwhile once it is over.
func TestNothingIsDeliveredWhileDownOrStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := still(t, Options{})
		defer b.close()
		b.take(t, "T", 0, "late", prop("DELAY", "1"))
		b.up.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := b.count("T", 0); n != 0 {
			t.Error("delivered by a broker that is down")
		}
		b.up.Store(true)
		b.agenda.rouse()
		synctest.Wait()
		if n := b.count("T", 0); n != 1 {
			t.Errorf("%d delivered once it is up", n)
		}
		b.take(t, "T", 0, "late", prop("DELAY", "1"))
		b.pacer.mu.Lock()
		b.pacer.stalled = remoting.Nanotime() + int64(5*time.Second) // its own loop would sleep in the kernel, whose clock is another
		b.pacer.mu.Unlock()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := b.count("T", 0); n != 1 {
			t.Error("delivered while it stood still")
		}
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		if n := b.count("T", 0); n != 2 {
			t.Errorf("%d delivered after the stall", n)
		}
	})
}

// What the budget drops while it waits is lost, and so is what waits for a topic that is deleted; all else is delivered.
func TestWaitingMessagesCanBeLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := still(t, Options{MemoryBudget: 64 << 10})
		defer b.close()
		body := strings.Repeat("x", 1000)
		const n = 200
		for range n {
			b.take(t, "T", 0, body, prop("DELAY", "1"))
			b.take(t, "T", 1, body, prop("TIMER_DELAY_SEC", "1"))
			b.take(t, "T", 2, body, prop("TRAN_MSG", "true"), prop("PGROUP", "g"))
		}
		b.take(t, "Gone", 0, body, prop("DELAY", "1"))
		if err := b.DeleteTopic("Gone"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour) // past all checks too
		synctest.Wait()
		for queue := range int32(2) {
			if got := b.count("T", queue); got == 0 || got >= n {
				t.Errorf("queue %d: %d of %d delivered, with room for few", queue, got, n)
			}
		}
		if b.count("Gone", 0) != 0 {
			t.Error("a deleted topic is back")
		}
		if x := &b.transactions; x.first != b.count(message.HalfTopic, 0) || len(x.closed) != 0 {
			t.Errorf("half messages left open: %+v of %d", x, b.count(message.HalfTopic, 0))
		}
	})
}
