package message

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
