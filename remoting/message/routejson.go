package message

import (
	"maps"
	"slices"
	"strconv"
)

// ParseRoute reads a route body of 4.5.1 to 5.4.0: keys bare or quoted, topicSysFlag or topicSynFlag, keys unknown to
// it passed over. Numbers of the wrong type, an order configuration that cannot be read and more than [MaxRouteQueues]
// queues or addresses are errors. The error is a [*BodyError].
func ParseRoute(text []byte) (*Route, error) {
	d := bodyDecoder{body: "route"}
	root := d.root(text)
	addrs := 0
	r := &Route{
		OrderTopicConf: d.orderConf(root.get("orderTopicConf")),
		Queues:         d.queues(root.get("queueDatas")),
		Brokers:        d.brokers(root.get("brokerDatas"), &addrs),
		FilterServers:  d.filterServers(root.get("filterServerTable"), &addrs),
		Mappings:       d.mappings(root.get("topicQueueMappingByBroker")),
	}
	if d.err != nil {
		return nil, d.err
	}
	return r, nil
}

func (d *bodyDecoder) orderConf(v *jsonValue) *string {
	if v.isNull() {
		return nil
	}
	conf := v.asString()
	queues := 0
	for name, n := range orderConf(conf) {
		if n < 0 {
			d.fail("order configuration %.80q is not broker:queues", name)
		}
		queues = d.count(queues, n, "queues")
	}
	return &conf
}

func (d *bodyDecoder) queues(v *jsonValue) []QueueData {
	var list []QueueData
	queues := 0
	for _, v := range d.array(v, "queueDatas") {
		if v.isNull() {
			continue
		}
		flag := v.get("topicSysFlag")
		if flag.isNull() {
			flag = v.get("topicSynFlag") // 4.5.1
		}
		q := QueueData{
			Broker:       v.get("brokerName").asString(),
			ReadQueues:   d.int(v, "readQueueNums"),
			WriteQueues:  d.int(v, "writeQueueNums"),
			Perm:         Perm(d.int(v, "perm")),
			TopicSysFlag: d.intValue(flag, "topicSysFlag"),
		}
		queues = d.count(queues, max(q.ReadQueues, q.WriteQueues), "queues")
		list = append(list, q)
	}
	return list
}

// brokers reads BrokerDatas, and counts their addresses into addrs.
func (d *bodyDecoder) brokers(v *jsonValue, addrs *int) []BrokerData {
	var list []BrokerData
	for _, v := range d.array(v, "brokerDatas") {
		if !v.isNull() {
			list = append(list, d.broker(v, addrs))
		}
	}
	return list
}

func (d *bodyDecoder) filterServers(v *jsonValue, addrs *int) map[string][]string {
	var table map[string][]string
	for _, m := range d.members(v, "filterServerTable") {
		if table == nil {
			table = map[string][]string{}
		}
		table[m.name] = d.strings(m.value, "filterServerTable", addrs)
	}
	return table
}

func (d *bodyDecoder) mappings(v *jsonValue) map[string]QueueMapping {
	if v.isNull() {
		return nil
	}
	table := map[string]QueueMapping{}
	queues := 0
	for _, m := range d.members(v, "topicQueueMappingByBroker") {
		mapping := d.mapping(m.value)
		queues = d.count(queues, max(mapping.TotalQueues, len(mapping.CurrentIDs)), "queues")
		table[m.name] = mapping
	}
	return table
}

// AppendJSON appends the route as a body, keys in alphabetical order and what is absent left out, as fastjson writes
// TopicRouteData. standard quotes the numeric keys too: for requests of version 401 (4.9.4) and up, or that carry
// acceptStandardJsonOnly; without it they are bare.
func (r *Route) AppendJSON(dst []byte, standard bool) []byte {
	w := jsonWriter{out: dst, bareNumbers: !standard}
	w.open('{')
	w.key("brokerDatas")
	w.open('[')
	for i := range r.Brokers {
		w.broker(&r.Brokers[i])
	}
	w.close(']')
	w.key("filterServerTable")
	w.open('{')
	for _, addr := range sortedKeys(r.FilterServers) {
		w.key(addr)
		w.strings(r.FilterServers[addr])
	}
	w.close('}')
	if r.OrderTopicConf != nil {
		w.key("orderTopicConf")
		w.string(*r.OrderTopicConf)
	}
	w.key("queueDatas")
	w.open('[')
	for _, q := range r.Queues {
		w.open('{')
		w.key("brokerName")
		w.string(q.Broker)
		w.key("perm")
		w.int(int64(q.Perm))
		w.key("readQueueNums")
		w.int(int64(q.ReadQueues))
		w.key("topicSysFlag")
		w.int(int64(q.TopicSysFlag))
		w.key("writeQueueNums")
		w.int(int64(q.WriteQueues))
		w.close('}')
	}
	w.close(']')
	if r.Mappings != nil {
		w.key("topicQueueMappingByBroker")
		w.open('{')
		for _, broker := range sortedKeys(r.Mappings) {
			m := r.Mappings[broker]
			w.key(broker)
			w.mapping(&m)
		}
		w.close('}')
	}
	w.close('}')
	return w.out
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.SortedFunc(maps.Keys(m), CompareJava)
}

// broker reads a BrokerData, and counts its addresses into addrs.
func (d *bodyDecoder) broker(v *jsonValue, addrs *int) BrokerData {
	b := BrokerData{
		Cluster:            v.get("cluster").asString(),
		Name:               v.get("brokerName").asString(),
		Zone:               v.get("zoneName").asString(),
		EnableActingMaster: v.get("enableActingMaster").asBool(),
	}
	for _, m := range d.members(v.get("brokerAddrs"), "brokerAddrs") {
		id, err := strconv.ParseInt(m.name, 10, 64)
		if err != nil {
			d.fail("broker id %.80q in brokerAddrs is no number", m.name)
			break
		}
		if *addrs = d.count(*addrs, 1, "broker addresses"); d.err != nil {
			break
		}
		if b.Addrs == nil {
			b.Addrs = map[int64]string{}
		}
		b.Addrs[id] = m.value.asString()
	}
	return b
}

func (w *jsonWriter) broker(b *BrokerData) {
	w.open('{')
	w.key("brokerAddrs")
	w.open('{')
	for _, id := range slices.Sorted(maps.Keys(b.Addrs)) {
		w.numberKey(id)
		w.string(b.Addrs[id])
	}
	w.close('}')
	w.key("brokerName")
	w.string(b.Name)
	w.key("cluster")
	w.string(b.Cluster)
	w.key("enableActingMaster")
	w.bool(b.EnableActingMaster)
	if b.Zone != "" {
		w.key("zoneName")
		w.string(b.Zone)
	}
	w.close('}')
}

func (d *bodyDecoder) mapping(v *jsonValue) QueueMapping {
	m := QueueMapping{
		Topic:       v.get("topic").asString(),
		Scope:       globalScope,
		TotalQueues: d.int(v, "totalQueues"),
		Broker:      v.get("bname").asString(),
		Dirty:       v.get("dirty").asBool(),
		Epoch:       d.int64(v, "epoch"),
	}
	if scope := v.get("scope"); !scope.isNull() {
		m.Scope = scope.asString()
	}
	for _, pair := range d.members(v.get("currIdMap"), "currIdMap") {
		id, err := strconv.ParseInt(pair.name, 10, 32)
		if err != nil {
			d.fail("queue id %.80q in currIdMap is no number", pair.name)
			break
		}
		if len(m.CurrentIDs) >= MaxRouteQueues {
			d.fail("more than %d queues", MaxRouteQueues)
			break
		}
		if m.CurrentIDs == nil {
			m.CurrentIDs = map[int]int{}
		}
		m.CurrentIDs[int(id)] = d.intValue(pair.value, "currIdMap")
	}
	return m
}

func (w *jsonWriter) mapping(m *QueueMapping) {
	w.open('{')
	if m.Broker != "" {
		w.key("bname")
		w.string(m.Broker)
	}
	w.key("currIdMap")
	w.open('{')
	for _, id := range slices.Sorted(maps.Keys(m.CurrentIDs)) {
		w.numberKey(int64(id))
		w.int(int64(m.CurrentIDs[id]))
	}
	w.close('}')
	w.key("dirty")
	w.bool(m.Dirty)
	w.key("epoch")
	w.int(m.Epoch)
	w.key("scope")
	w.string(m.Scope)
	if m.Topic != "" {
		w.key("topic")
		w.string(m.Topic)
	}
	w.key("totalQueues")
	w.int(int64(m.TotalQueues))
	w.close('}')
}
