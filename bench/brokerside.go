package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	topics []string // whose messages aren't other topics'; nil: nobody asks about these

	mu     sync.Mutex // protects following
	latest []results.BrokerPoint
	puts   map[string]putsOf // by broker
}

// putsOf is what a broker said in the first round that said it, and in the last.
type putsOf struct {
	first, last putReading
	unknown     string // why it said nothing last; "": it did
}

// putReading is how many messages a broker had stored at a time: all, and those in the case's topics.
type putReading struct{ at, all, own int64 }

// since is what was put into other topics since another reading, and over how many nanoseconds; false: that makes no sense, as after
// the broker has begun anew.
func (r putReading) since(before putReading) (n, elapsed int64, ok bool) {
	all, own := r.all-before.all, r.own-before.own
	return max(all-own, 0), r.at - before.at, all >= 0 && own >= 0 && r.at > before.at
}

// askBrokersWithin bounds one round of questions.
const askBrokersWithin = time.Second

// watchBrokers asks until stop is called, which waits for the round under way.
func watchBrokers(client *remoting.Client, brokers []results.Broker, topics []string) (side *brokerSide, stop func()) {
	side = &brokerSide{topics: topics}
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
	puts := s.putsSoFar()
	type answer struct {
		point results.BrokerPoint
		puts  putsOf
	}
	answers := sideBySide(brokers, func(b results.Broker) answer {
		if refused[b.Name] {
			return answer{results.BrokerPoint{Broker: b.Name, Unknown: results.NotPermitted}, putsOf{unknown: results.NotPermitted}}
		}
		info, err := admin.RuntimeInfo(ctx, b.Addr)
		a := answer{point: brokerPoint(b.Name, info, err), puts: puts[b.Name]}
		if s.topics != nil {
			s.others(ctx, admin, &b, &a.point, &a.puts)
		}
		return a
	})
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest, s.puts = nil, map[string]putsOf{}
	for i, a := range answers {
		s.latest = append(s.latest, a.point)
		s.puts[brokers[i].Name] = a.puts
	}
}

// others finds out what a broker's other topics took since the last round. Who has said that we may not ask isn't asked again.
func (s *brokerSide) others(ctx context.Context, admin *producer.Admin, b *results.Broker, point *results.BrokerPoint, puts *putsOf) {
	switch {
	case puts.unknown == results.NotPermitted:
		return
	case len(s.topics) > othersMost:
		puts.unknown = fmt.Sprintf("not asked: it takes a question a topic, and there are %d", len(s.topics))
		return
	case point.PutsToday == nil:
		puts.unknown = cmp.Or(point.Unknown, unsaid)
		return
	}
	now := putReading{at: remoting.Nanotime(), all: *point.PutsToday}
	for _, topic := range s.topics {
		stats, err := admin.TopicStats(ctx, b.Addr, topic)
		if _, refused := errors.AsType[*remoting.BrokerError](err); refused {
			puts.unknown = results.NotPermitted
			return
		}
		if err != nil {
			puts.unknown = unsaid
			return
		}
		for _, q := range stats.Queues {
			now.own += q.MaxOffset
		}
	}
	if n, elapsed, ok := now.since(puts.last); ok && puts.first.at > 0 {
		point.OthersPerSecond = results.PerSecond(n, elapsed)
	}
	if _, _, ok := now.since(puts.first); !ok || puts.first.at == 0 {
		puts.first = now
	}
	puts.last, puts.unknown = now, ""
}

// othersMost is of how many topics brokers are asked what was put into them, each interval.
const othersMost = 8

// unsaid is why nothing is known of a broker that may be asked.
const unsaid = "no answer"

func (s *brokerSide) putsSoFar() map[string]putsOf {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts
}

// otherTopics is what the brokers' other topics took from the first round to the last.
func (s *brokerSide) otherTopics() []results.OtherTopics {
	if s.topics == nil {
		return nil
	}
	puts := s.putsSoFar()
	var all []results.OtherTopics
	for _, name := range sortedKeys(puts) {
		p := puts[name]
		o := results.OtherTopics{Broker: name, Unknown: p.unknown}
		if n, elapsed, ok := p.last.since(p.first); ok && p.first.at > 0 {
			o.Messages, o.PerSecond, o.Unknown = &n, results.PerSecond(n, elapsed), ""
		}
		all = append(all, o)
	}
	return all
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
		p.Unknown = unsaid
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
