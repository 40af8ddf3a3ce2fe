package message

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Names of the brokers that do not exist but stand for a static topic's queues (TopicQueueMappingUtils.java).
const (
	globalScope       = "__global__"
	logicalPrefix     = "__syslo__"
	logicalNoneBroker = "__syslo__none__"
)

// Queue is one queue that a producer may pick.
type Queue struct {
	Broker string // its name; of a static topic "__syslo__" and the scope, see [Route.StaticHosts]
	ID     int
}

// PublishQueues are the queues that a producer picks from, in the order that its selectors count in
// (MQClientInstance.topicRouteData2TopicPublishInfo, RocketMQ 5.4.0). An ordered topic's are those of OrderTopicConf,
// whatever their brokers allow; a static topic's are its logical ones by id; otherwise they are the write queues of
// each broker that may be written to and has a master, by broker name. ordered says that it was the first case.
// More than [MaxRouteQueues] are never returned.
func (r *Route) PublishQueues() (queues []Queue, ordered bool) {
	if r.OrderTopicConf != nil && *r.OrderTopicConf != "" {
		for broker, n := range orderConf(*r.OrderTopicConf) {
			queues = appendQueues(queues, broker, n)
		}
		return queues, true
	}
	if r.OrderTopicConf == nil && len(r.Mappings) > 0 {
		for _, q := range r.staticQueues() {
			queues = append(queues, q.Queue)
		}
		return queues, false
	}
	datas := slices.Clone(r.Queues)
	slices.SortStableFunc(datas, func(a, b QueueData) int { return CompareJava(a.Broker, b.Broker) })
	masters := make(map[string]bool, len(r.Brokers)) // the first broker of a name counts
	for i := range r.Brokers {
		if _, seen := masters[r.Brokers[i].Name]; !seen {
			_, masters[r.Brokers[i].Name] = r.Brokers[i].Addrs[0]
		}
	}
	for _, q := range datas {
		if q.Perm&PermWrite != 0 && masters[q.Broker] {
			queues = appendQueues(queues, q.Broker, q.WriteQueues)
		}
	}
	return queues, false
}

func appendQueues(queues []Queue, broker string, n int) []Queue {
	n = min(n, MaxRouteQueues-len(queues))
	for id := range max(n, 0) {
		queues = append(queues, Queue{broker, id})
	}
	return queues
}

// orderConf goes through "broker:queues;…" in order. A piece that is not of this form comes whole and with -1.
func orderConf(conf string) func(yield func(broker string, queues int) bool) {
	return func(yield func(string, int) bool) {
		for piece := range strings.SplitSeq(conf, ";") {
			if piece == "" {
				continue
			}
			broker, rest, _ := strings.Cut(piece, ":")
			number, _, _ := strings.Cut(rest, ":")
			n, err := strconv.ParseInt(number, 10, 32)
			if err != nil {
				broker, n = piece, -1
			} else {
				n = max(n, 0)
			}
			if !yield(broker, int(n)) {
				return
			}
		}
	}
}

// StaticHosts tells for each of a static topic's queues the name of the broker that hosts it now: "__syslo__none__",
// which no route knows, while nobody does. It is nil for other topics, whose queues name their brokers themselves.
func (r *Route) StaticHosts() map[Queue]string {
	if r.OrderTopicConf != nil || len(r.Mappings) == 0 {
		return nil
	}
	hosts := map[Queue]string{}
	for _, q := range r.staticQueues() {
		hosts[q.Queue] = q.host
	}
	return hosts
}

// staticQueue is a queue of a static topic and the broker that hosts it.
type staticQueue struct {
	Queue
	host string
}

// staticQueues are the queues of all mappings by id, then by scope. Where two brokers claim a queue the later epoch
// holds; a scope has as many queues as the largest of its totals (ClientMetadata.topicRouteData2EndpointsForStaticTopic).
func (r *Route) staticQueues() []staticQueue {
	names := sortedKeys(r.Mappings) // so that a tie of epochs falls the same way each time
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(r.Mappings[b].Epoch, r.Mappings[a].Epoch)
	})
	hosts := map[Queue]string{}
	totals := map[string]int{}
	for _, name := range names { // latest epoch first: who is there stays
		m := r.Mappings[name]
		totals[m.Scope] = max(totals[m.Scope], m.TotalQueues)
		for id := range m.CurrentIDs {
			q := Queue{logicalBroker(m.Scope), id}
			if _, taken := hosts[q]; !taken {
				hosts[q] = m.Broker
			}
		}
	}
	var queues []staticQueue
	for _, scope := range sortedKeys(totals) {
		for _, q := range appendQueues(nil, logicalBroker(scope), min(totals[scope], MaxRouteQueues-len(queues))) {
			host, hosted := hosts[q]
			if !hosted {
				host = logicalNoneBroker
			}
			queues = append(queues, staticQueue{q, host})
		}
	}
	slices.SortStableFunc(queues, func(a, b staticQueue) int { return a.ID - b.ID })
	return queues
}

func logicalBroker(scope string) string {
	if scope == globalScope {
		return logicalPrefix + strings.TrimPrefix(globalScope, "__")
	}
	return logicalPrefix + scope
}
