package bench

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
)

// brokerSide asks brokers at the interval what they say of themselves, over connections of its own.
type brokerSide struct {
	mu     sync.Mutex // protects following
	latest []results.BrokerPoint
}

// askBrokersWithin bounds one round of questions.
const askBrokersWithin = time.Second

// watchBrokers asks until stop is called, which waits for the round under way.
func watchBrokers(client *remoting.Client, brokers []results.Broker) (side *brokerSide, stop func()) {
	side = &brokerSide{}
	ctx, cancel := context.WithCancel(context.Background())
	admin := producer.NewAdmin(client, nil)
	admin.Timeout = askBrokersWithin
	var asking sync.WaitGroup
	asking.Go(func() {
		every := time.NewTicker(firstInterval)
		defer every.Stop()
		for {
			side.ask(ctx, admin, brokers)
			select {
			case <-every.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return side, func() {
		cancel()
		asking.Wait()
	}
}

// ask makes one round. Who has said that we may not ask isn't asked again.
func (s *brokerSide) ask(ctx context.Context, admin *producer.Admin, brokers []results.Broker) {
	refused := map[string]bool{}
	for _, p := range s.points() {
		refused[p.Broker] = p.Unknown == results.NotPermitted
	}
	points := sideBySide(brokers, func(b results.Broker) results.BrokerPoint {
		if refused[b.Name] {
			return results.BrokerPoint{Broker: b.Name, Unknown: results.NotPermitted}
		}
		info, err := admin.RuntimeInfo(ctx, b.Addr)
		return brokerPoint(b.Name, info, err)
	})
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest = points
}

// points are the last round's.
func (s *brokerSide) points() []results.BrokerPoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest
}

// brokerPoint reads a broker's runtime info (AdminBrokerProcessor.prepareRuntimeInfo, RocketMQ 4.5.1 to 5.4.0).
func brokerPoint(name string, info message.KVTable, err error) results.BrokerPoint {
	p := results.BrokerPoint{Broker: name}
	if err != nil {
		p.Unknown = "no answer"
		if _, refused := errors.AsType[*remoting.BrokerError](err); refused {
			p.Unknown = results.NotPermitted
		}
		return p
	}
	number := func(key string) *int64 {
		n, err := strconv.ParseInt(info[key], 10, 64)
		if err != nil {
			return nil
		}
		return &n
	}
	millis := func(key string) *int64 {
		n := number(key)
		if n != nil {
			*n *= int64(time.Millisecond)
		}
		return n
	}
	decimal := func(text string) *float64 {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f < 0 || f != f {
			return nil
		}
		return &f
	}
	tps, _, _ := strings.Cut(info["putTps"], " ") // over 10 s, a minute, ten minutes
	p.PutPerSecond, p.PutsToday, p.PutTimes = decimal(tps), number("msgPutTotalTodayNow"), putTimes(info["putMessageDistributeTime"])
	p.PageCacheLockNS, p.SendQueue, p.SendQueueWaitNS = millis("pageCacheLockTimeMills"), number("sendThreadPoolQueueSize"), millis("sendThreadPoolQueueHeadWaitTimeMills")
	p.DispatchBehindBytes, p.DiskRatio = number("dispatchBehindBytes"), decimal(info["commitLogDiskRatio"])
	return p
}

// maxPutClasses bounds what is kept of a broker's classes of put times; RocketMQ has 13.
const maxPutClasses = 32

// putTimes reads "[<=0ms]:12 [0~10ms]:3 …" (StoreStatsService.getPutMessageDistributeTimeStringInfo); nil if there is nothing.
func putTimes(text string) map[string]int64 {
	var times map[string]int64
	for field := range strings.FieldsSeq(text) {
		class, count, ok := strings.Cut(field, "]:")
		n, err := strconv.ParseInt(count, 10, 64)
		if !ok || err != nil || len(times) == maxPutClasses {
			continue
		}
		if times == nil {
			times = map[string]int64{}
		}
		times[results.Printable(strings.TrimPrefix(class, "["))] = n
	}
	return times
}
