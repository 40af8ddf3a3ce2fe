package message

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// MaxRouteQueues bounds the queues, and the broker addresses, that one route may have: a client makes a list of them.
const MaxRouteQueues = 1 << 16

// Perm is what a topic allows on one broker (PermName.java).
type Perm int32

// Bits of a Perm.
const (
	PermInherit  Perm = 1 // topics made after this one take its perm; TBW102 has it
	PermWrite    Perm = 2
	PermRead     Perm = 4
	PermPriority Perm = 8
)

// Route is where a topic lives: the body of a reply to GET_ROUTEINFO_BY_TOPIC (TopicRouteData.java).
type Route struct {
	// OrderTopicConf is the fixed queue list of an ordered topic, "broker-a:4;broker-b:4"; nil and "" both mean none,
	// but a static topic is one only with nil.
	OrderTopicConf *string
	Queues         []QueueData
	Brokers        []BrokerData
	FilterServers  map[string][]string     // by broker address; of use to consumers of 4.x
	Mappings       map[string]QueueMapping // by broker name; static (logical) topics of 5.x; nil and empty both mean none
}

// QueueData is a topic on one broker.
type QueueData struct {
	Broker       string
	ReadQueues   int
	WriteQueues  int
	Perm         Perm
	TopicSysFlag int // 1 unit, 2 unit-sub
}

// BrokerData is one broker: a master, id 0, and its slaves.
type BrokerData struct {
	Cluster            string
	Name               string
	Addrs              map[int64]string // by broker id
	Zone               string           // "" when it has none
	EnableActingMaster bool
}

// Master is the address of the broker with id 0, "" when there is none.
func (b *BrokerData) Master() string { return b.Addrs[0] }

// QueueMapping is the part of a static topic that one broker hosts (TopicQueueMappingInfo.java).
type QueueMapping struct {
	Topic       string
	Scope       string // "__global__" unless the topic has parts
	TotalQueues int    // of the whole topic
	Broker      string
	Epoch       int64
	Dirty       bool
	CurrentIDs  map[int]int // logical queue id to the broker's own
}

// MasterAddr is the address of a broker's master, "" when the route names none. Of brokers with one name the first counts.
func (r *Route) MasterAddr(broker string) string {
	for i := range r.Brokers {
		if r.Brokers[i].Name == broker {
			return r.Brokers[i].Master()
		}
	}
	return ""
}

// ParseRoute reads a route body of 4.5.1 to 5.4.0: keys bare or quoted, topicSysFlag or topicSynFlag, keys unknown to
// it passed over. Numbers of the wrong type, an order configuration that cannot be read and more than [MaxRouteQueues]
// queues or addresses are errors. The error is a [*BodyError].
func ParseRoute(text []byte) (*Route, error) {
	d := bodyDecoder{body: "route"}
	root := d.root(text)
	var r Route
	if conf := root.get("orderTopicConf"); !conf.isNull() {
		s := conf.asString()
		r.OrderTopicConf = &s
		queues := 0
		for name, n := range orderConf(s) {
			if n < 0 {
				d.fail("order configuration %.80q is not broker:queues", name)
			}
			queues = d.count(queues, n, "queues")
		}
	}
	queues := 0
	for _, v := range d.array(root.get("queueDatas"), "queueDatas") {
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
		r.Queues = append(r.Queues, q)
	}
	addrs := 0
	for _, v := range d.array(root.get("brokerDatas"), "brokerDatas") {
		if !v.isNull() {
			r.Brokers = append(r.Brokers, d.broker(v, &addrs))
		}
	}
	for _, m := range d.members(root.get("filterServerTable"), "filterServerTable") {
		if r.FilterServers == nil {
			r.FilterServers = map[string][]string{}
		}
		r.FilterServers[m.name] = d.strings(m.value, "filterServerTable", &addrs)
	}
	queues = 0
	mappings := root.get("topicQueueMappingByBroker")
	if !mappings.isNull() {
		r.Mappings = map[string]QueueMapping{}
	}
	for _, m := range d.members(mappings, "topicQueueMappingByBroker") {
		mapping := d.mapping(m.value)
		queues = d.count(queues, max(mapping.TotalQueues, len(mapping.CurrentIDs)), "queues")
		r.Mappings[m.name] = mapping
	}
	if d.err != nil {
		return nil, d.err
	}
	return &r, nil
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
