package broker

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// nameServer answers from the brokers' own tables: nobody registers, and a change shows at once.
type nameServer struct {
	opts    Options
	brokers []*Broker
	server  *remoting.Server
	addr    string

	mu sync.Mutex                   // protects following
	kv map[string]map[string]string // by namespace and key
}

// orderConf is the namespace of ordered topics' queue lists.
const orderConf = "ORDER_TOPIC_CONFIG"

// faq is how RocketMQ ends some of its remarks.
const faq = "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details."

func startNameServer(o Options, brokers []*Broker) (*nameServer, error) {
	l, addr, err := o.listen(o.NameServerListen, 0)
	if err != nil {
		return nil, err
	}
	n := &nameServer{opts: o, brokers: brokers, addr: addr, kv: map[string]map[string]string{}}
	n.server = remoting.NewServer(l, remoting.HandlerFunc(n.handle), remoting.ServerOptions{TLS: o.TLS}, nil)
	return n, nil
}

// handle answers one request.
func (n *nameServer) handle(req *remoting.Request) {
	a := n.serve(&fields{head: &req.Head}, req)
	a.Serialize = n.opts.serialization(&req.Head)
	_ = req.Reply(a, a.Body) // a connection that can't be answered has failed, and ends by itself
}

func (n *nameServer) serve(f *fields, req *remoting.Request) *remoting.Command {
	switch remoting.RequestCode(req.Head.Code) {
	case remoting.GetRouteInfoByTopic:
		return n.route(f, req.Head.Version)
	case remoting.GetBrokerClusterInfo:
		return n.cluster()
	case remoting.GetAllTopicListFromNamesrv:
		return topicList(n.topics())
	case remoting.GetTopicsByCluster:
		if cluster := f.text("cluster"); f.err == nil && cluster != n.opts.Cluster {
			return topicList(nil)
		}
		return f.or(topicList(n.topics()))
	case remoting.PutKVConfig:
		return n.putKV(f)
	case remoting.GetKVConfig:
		return n.getKV(f)
	case remoting.DeleteKVConfig:
		namespace, key := f.text("namespace"), f.text("key")
		n.mu.Lock()
		delete(n.kv[namespace], key)
		n.mu.Unlock()
		return f.or(answer(remoting.Success, ""))
	case remoting.GetKVListByNamespace:
		return n.listKV(f)
	case remoting.DeleteTopicInNamesrv: // the brokers have forgotten it already, and their tables are all there is
		f.text("topic")
		return f.or(answer(remoting.Success, ""))
	}
	return notSupported(req.Head.Code)
}

// standardJSONFrom is the release (4.9.4) from which clients read routes in standard JSON.
const standardJSONFrom = 401

func (n *nameServer) route(f *fields, version int32) *remoting.Command {
	topic := f.text("topic")
	standard := f.optional("acceptStandardJsonOnly") == "true" || version >= standardJSONFrom
	if f.err != nil {
		return f.or(nil)
	}
	var r message.Route
	for _, b := range n.brokers {
		cfg, ok := b.topicConfig(topic)
		if !ok || !b.up.Load() {
			continue
		}
		r.Queues = append(r.Queues, message.QueueData{Broker: b.name, ReadQueues: cfg.ReadQueues, WriteQueues: cfg.WriteQueues, Perm: cfg.Perm, TopicSysFlag: cfg.TopicSysFlag})
		r.Brokers = append(r.Brokers, b.data())
	}
	if len(r.Queues) == 0 {
		return answer(remoting.TopicNotExist, "No topic route info in name server for the topic: "+topic+faq)
	}
	n.mu.Lock()
	if conf, ok := n.kv[orderConf][topic]; ok {
		r.OrderTopicConf = &conf
	}
	n.mu.Unlock()
	return answerBody(r.AppendJSON(nil, standard))
}

func (n *nameServer) cluster() *remoting.Command {
	info := message.ClusterInfo{Brokers: map[string]message.BrokerData{}, Clusters: map[string][]string{}}
	for _, b := range n.brokers {
		if b.up.Load() {
			info.Brokers[b.name] = b.data()
			info.Clusters[n.opts.Cluster] = append(info.Clusters[n.opts.Cluster], b.name)
		}
	}
	return answerBody(info.AppendJSON(nil))
}

func (n *nameServer) topics() []string {
	all := map[string]bool{}
	for _, b := range n.brokers {
		if b.up.Load() {
			b.eachTopic(func(name string) { all[name] = true })
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func topicList(topics []string) *remoting.Command {
	return answerBody((&message.TopicList{Topics: topics}).AppendJSON(nil))
}

func (n *nameServer) putKV(f *fields) *remoting.Command {
	namespace, key, value := f.text("namespace"), f.text("key"), f.text("value")
	if f.err != nil {
		return f.or(nil)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.kv[namespace] == nil {
		n.kv[namespace] = map[string]string{}
	}
	n.kv[namespace][key] = value
	return answer(remoting.Success, "")
}

func (n *nameServer) getKV(f *fields) *remoting.Command {
	namespace, key := f.text("namespace"), f.text("key")
	n.mu.Lock()
	defer n.mu.Unlock()
	value, ok := n.kv[namespace][key]
	if !ok {
		return f.or(answer(remoting.QueryNotFound, fmt.Sprintf("No config item, Namespace: %s Key: %s", namespace, key), noFields...))
	}
	return f.or(answer(remoting.Success, "", remoting.Field{Key: "value", Value: value}))
}

// noFields are ext fields that are there and empty.
var noFields = []remoting.Field{}

func (n *nameServer) listKV(f *fields) *remoting.Command {
	namespace := f.text("namespace")
	n.mu.Lock()
	defer n.mu.Unlock()
	table, ok := n.kv[namespace]
	if !ok {
		return f.or(answer(remoting.QueryNotFound, "No config item, Namespace: "+namespace))
	}
	return f.or(answerBody(message.KVTable(table).AppendJSON(nil)))
}
