package broker

import (
	"encoding/json"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// RuntimeMark is the key in a broker's runtime info (GET_BROKER_RUNTIME_INFO) by which ours says what it is.
const RuntimeMark = "rmqbench"

// topicStats is GET_TOPIC_STATS_INFO: every queue of the topic, also those that never held anything.
func (b *Broker) topicStats(f *fields) *remoting.Command {
	name := f.text("topic")
	if f.err != nil {
		return f.or(nil)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.topics[name]
	if t == nil {
		return answer(remoting.TopicNotExist, "topic["+name+"] not exist")
	}
	stats := message.TopicStats{PutTPS: t.puts.perSecond(time.Now().Unix(), topicRateSeconds-1)}
	for id := range max(t.ReadQueues, t.WriteQueues) {
		q := t.offsets(int32(id))
		stats.Queues = append(stats.Queues, message.QueueStats{Topic: name, Broker: b.name, Queue: id, MinOffset: q.min, MaxOffset: q.max, LastUpdate: q.updated})
	}
	return answerBody(stats.AppendJSON(nil))
}

// runtimeInfo is GET_BROKER_RUNTIME_INFO. Nothing here is on a disk, so what brokers say of theirs is 0, unless Disk says; rmqbench
// tells those who can't know otherwise whom they are talking to.
func (b *Broker) runtimeInfo() *remoting.Command {
	now := time.Now()
	b.mu.Lock()
	begin, end, total, bytes := b.log.begin(), b.log.end, b.total, b.bytes
	earliest := now.UnixMilli() // with -1, which brokers say when they hold nothing, mqadmin prints an age of 57 years
	if r, _, ok := b.record(begin); ok {
		earliest = r.StoreTime
	}
	var tps [3]string
	for i, span := range [...]int{10, 60, brokerRateSeconds - 1} {
		tps[i] = strconv.FormatFloat(b.puts.perSecond(now.Unix(), span), 'f', -1, 64)
	}
	b.mu.Unlock()
	average := 0.0
	if total > 0 {
		average = float64(bytes) / float64(total)
	}
	up := now.Sub(b.started)
	days, hours := int(up.Hours())/24, int(up.Hours())%24
	none := "0.0 0.0 0.0"
	var d disk
	if said := b.disk.Load(); said != nil {
		d = *said
	}
	table := message.KVTable{
		RuntimeMark:         "embedded broker: in memory, measures clients and never RocketMQ",
		"brokerVersionDesc": claimedName, "brokerVersion": decimal(claimedVersion),
		"bootTimestamp": decimal(b.started.UnixMilli()), "brokerActive": "true",
		"runtime": fmt.Sprintf("[ %d days, %d hours, %d minutes, %d seconds ]", days, hours, int(up.Minutes())%60, int(up.Seconds())%60),
		"putTps":  strings.Join(tps[:], " "), "getTransferredTps": none, "getTransferedTps": none, "getFoundTps": none, "getMissTps": none, "getTotalTps": none,
		"msgPutTotalTodayNow": decimal(total), "msgPutTotalTodayMorning": "0", "msgPutTotalYesterdayMorning": "0",
		"msgGetTotalTodayNow": "0", "msgGetTotalTodayMorning": "0", "msgGetTotalYesterdayMorning": "0",
		"putMessageTimesTotal": decimal(total), "putMessageSizeTotal": decimal(bytes), "putMessageAverageSize": strconv.FormatFloat(average, 'f', -1, 64),
		"putMessageEntireTimeMax": "0", "getMessageEntireTimeMax": "0",
		"sendThreadPoolQueueSize": decimal(int64(b.pacer.queued())), "sendThreadPoolQueueCapacity": "10000", "sendThreadPoolQueueHeadWaitTimeMills": "0",
		"pullThreadPoolQueueSize": "0", "pullThreadPoolQueueCapacity": "100000", "pullThreadPoolQueueHeadWaitTimeMills": "0",
		"queryThreadPoolQueueSize": "0", "queryThreadPoolQueueCapacity": "20000", "queryThreadPoolQueueHeadWaitTimeMills": "0",
		"ackThreadPoolQueueSize": "0", "ackThreadPoolQueueCapacity": "100000", "ackThreadPoolQueueHeadWaitTimeMills": "0",
		"EndTransactionQueueSize": "0", "EndTransactionThreadPoolQueueCapacity": "100000",
		"pageCacheLockTimeMills": "0", "dispatchBehindBytes": "0", "dispatchMaxBuffer": "0",
		"commitLogMinOffset": decimal(begin), "commitLogMaxOffset": decimal(end), "earliestMessageTimeStamp": decimal(earliest),
		"commitLogDiskRatio": strconv.FormatFloat(d.ratio, 'f', -1, 64), "consumeQueueDiskRatio": "0.0", "commitLogDirCapacity": d.String(),
		"startAcceptSendRequestTimeStamp": "0", "remainHowManyDataToCommit": "0", "remainHowManyDataToFlush": "0", "remainTransientStoreBufferNumbs": "2147483647",
		"timerReadBehind": "0", "timerOffsetBehind": "0", "timerCongestNum": "0", "timerEnqueueTps": "0.0", "timerDequeueTps": "0.0",
		"loadAverage": "-1.0", "availableProcessors": decimal(int64(runtime.GOMAXPROCS(0))),
	}
	return answerBody(table.AppendJSON(nil))
}

// config is GET_BROKER_CONFIG: what there is of a real broker's properties.
func (b *Broker) config() *remoting.Command {
	host, port, _ := net.SplitHostPort(b.Addr())
	var text strings.Builder
	for _, p := range [...][2]string{
		{"brokerClusterName", b.opts.Cluster}, {"brokerName", b.name}, {"brokerId", "0"}, {"brokerIP1", host}, {"listenPort", port},
		{"autoCreateTopicEnable", strconv.FormatBool(!b.opts.NoAutoCreate)}, {"defaultTopicQueueNums", strconv.Itoa(b.opts.QueuesPerTopic)},
		{"maxMessageSize", strconv.Itoa(b.opts.MaxMessageSize)}, {"brokerPermission", "6"}, {"brokerRole", "ASYNC_MASTER"}, {"flushDiskType", "ASYNC_FLUSH"},
		{"rejectTransactionMessage", strconv.FormatBool(b.opts.NoTransactions)}, {"transactionTimeOut", decimal(b.opts.CheckAfter.Milliseconds())},
		{"transactionCheckInterval", decimal(b.opts.CheckInterval.Milliseconds())}, {"transactionCheckMax", strconv.Itoa(b.opts.CheckMax)},
		{"timerWheelEnable", strconv.FormatBool(!b.opts.NoTimers)}, {"timerPrecisionMs", decimal(b.opts.TimerPrecision.Milliseconds())},
		{"recallMessageEnable", strconv.FormatBool(!b.opts.NoRecall)}, {"traceTopicEnable", "false"}, {"rmqbench.memoryBudget", strconv.FormatInt(b.opts.MemoryBudget, 10)},
	} {
		fmt.Fprintf(&text, "%s=%s\n", p[0], p[1])
	}
	a := answer(remoting.Success, "", remoting.Field{Key: "version", Value: fmt.Sprintf(`{"counter":0,"stateVersion":0,"timestamp":%d}`, b.started.UnixMilli())})
	a.Body = []byte(text.String())
	return a
}

// noStats refuses VIEW_BROKER_STATS_DATA as a broker does that has no such statistics.
func noStats(f *fields) *remoting.Command {
	name, key := f.text("statsName"), f.text("statsKey")
	return f.or(answer(remoting.SystemError, fmt.Sprintf("The stats <%s> <%s> not exist", name, key)))
}

// updateTopics is UPDATE_AND_CREATE_TOPIC_LIST.
func (b *Broker) updateTopics(req *remoting.Request) *remoting.Command {
	var list struct {
		TopicConfigList []json.RawMessage
	}
	if err := json.Unmarshal(req.Body, &list); err != nil {
		return answer(remoting.SystemError, "topic list: "+err.Error())
	}
	for _, text := range list.TopicConfigList {
		c, err := message.ParseTopicConfig(text)
		if err != nil {
			return answer(remoting.SystemError, err.Error())
		}
		if a := b.changeTopic(*c, ""); a.Response() != remoting.Success {
			return a
		}
	}
	return answer(remoting.Success, "")
}
