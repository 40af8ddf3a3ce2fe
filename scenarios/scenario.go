package scenarios

import (
	"cmp"
	"fmt"
	"slices"
)

// Scenario is what a file or a set of flags asks for. [Load] and [FromFlags] give it whole: every default is filled in
// and every value checked. With a cases list the blocks hold the base that the cases start from; run [Scenario.Cases].
type Scenario struct {
	Version     int    // 1
	Name        string // [a-zA-Z0-9_-]{1,64}; part of file names and of the default topic
	Description string
	Target      Target
	Topic       Topic
	Load        Workload
	Message     Message
	Producer    Producer
	Events      []Event
	SLO         []Objective
	Verify      Verify
	Seed        uint64
	Repeat      int // rounds, 1 to 100, each of all cases in an order of its own; 0 means once, in file order

	EventsLeftOut bool // a shipped scenario had some, and target.namesrv was fixed to a cluster, where they can't happen

	cases   []Case  // in file order; none means one, the scenario itself
	origin  *node   // what the scenario was read from, nil in a Case
	origins []*node // what each of cases was read from
}

// Verify says how a case is held to what the brokers stored; "" means not at all.
type Verify string

const (
	VerifyOffsets Verify = "offsets" // the offsets of the topic's queues before and after are compared with what was acknowledged
	VerifyBodies  Verify = "bodies"  // and every message between them is read back and compared with what was sent
)

// Case is one run within a scenario.
type Case struct {
	Name     string            // unique within the scenario
	Scenario                   // resolved: it has no cases but itself
	Params   map[string]string // path to canonical text of the fields that differ between the scenario's cases; nil for a lone case
}

// Target is where messages go: Embedded, or else the cluster behind Namesrv.
type Target struct {
	Embedded *Embedded
	Namesrv  []string // host:port of each name server, or the URL alone that tells them; never empty unless Embedded is set
	Cluster  string   // "" means the only one there is
	Brokers  []string // names of those that are sent to; nil means all

	TLS         *TLS     // nil means plaintext
	Credentials string   // file of the keys that requests are signed with; "" means those of the environment, if there are any
	Resolve     []string // FROM=TO, each an address: dialled is TO where a server is said to be at FROM
}

// TLS is how a cluster is spoken to that does not take plaintext. Files are PEM.
type TLS struct {
	Enabled    bool
	CA         string // certificates to trust; "" means the system's
	Cert, Key  string // our own, for servers that ask for one
	ServerName string // in the server's certificate; "" means the host that is dialled
	Insecure   bool   // nothing is verified
}

// Embedded is a name server and brokers inside this process.
type Embedded struct {
	Brokers     int      // 1 to 16
	Rooms       []string // the brokers are in these in turn: named a@broker-0, b@broker-1, …; none means broker-0, broker-1, …
	ServiceTime Duration // what a server needs for one request; 0 means none is added
	Servers     int      // requests a broker serves at once, 1 to 1,024; without a ServiceTime it means nothing
}

// Create says whether a missing topic may be created.
type Create string

const (
	CreateByTarget Create = ""          // if absent on loopback, never elsewhere
	CreateIfAbsent Create = "if_absent" // on every master of the cluster
	CreateNever    Create = "never"
)

// TopicType is what kind of messages a topic is for; brokers of 5.x keep it (TopicMessageType.java), and RocketMQ's proxy enforces it.
type TopicType string

// The types of topics that can be asked for.
const (
	NormalTopic      TopicType = "normal"
	DelayTopic       TopicType = "delay"
	TransactionTopic TopicType = "transaction"
	FIFOTopic        TopicType = "fifo"
)

// Topic is the topic that messages are sent to, or the topics that share them.
type Topic struct {
	Name            string              // [%|a-zA-Z0-9_-]{1,127}; "" with Weights
	Count           int                 // so many topics that share the messages evenly, 1 to 100, named after Name; 0: the one named so
	Weights         []Pair[string, int] // topics by name, each as usual as its share of all weights; nil: those of Name
	QueuesPerBroker int                 // 1 to 1,024; 0: nobody named it, see Queues
	Create          Create
	Type            TopicType // "": normal if it is created, any if it is there
	Keep            bool      // false: what the run created goes when it ends
}

// Queues are those on each broker of a topic that is created.
func (t *Topic) Queues() int { return cmp.Or(t.QueuesPerBroker, usualQueues) }

// All are the topics by name, with their weights: one at the least. With a Count of 2 or more they are NAME_00, NAME_01, …
func (t *Topic) All() []Pair[string, int] {
	switch {
	case len(t.Weights) > 0:
		return slices.Clone(t.Weights)
	case t.Count < 2:
		return []Pair[string, int]{{t.Name, 1}}
	}
	all := make([]Pair[string, int], t.Count)
	for i := range all {
		all[i] = Pair[string, int]{fmt.Sprintf("%s_%02d", t.Name, i), 1}
	}
	return all
}

// Mode is how a message is sent.
type Mode string

const (
	Sync   Mode = "sync"   // a worker waits for the answer
	Async  Mode = "async"  // a worker goes on; Load.InFlight bounds what is unanswered
	Oneway Mode = "oneway" // no answer exists
	// Transactional is as sync, with a transaction for each send; Load.Transaction says how they end.
	Transactional Mode = "transaction"
	Batch         Mode = "batch"   // as sync, with Load.Batch messages in a send, which fall due together
	Request       Mode = "request" // as sync, until the reply to it; we run who replies
)

// Workload is how many messages are sent, when, and by whom. With a rate in its stages it is an open loop (sends fall due at
// known times), without one a closed loop (as fast as answers come).
type Workload struct {
	Workers  Workers
	Mode     Mode
	Arrivals Arrivals // "" in a closed loop
	Backlog  int      // open loop: sends that may wait for a worker, 1 to 1,000,000; those beyond it are dropped. 0: none is
	Cap      Rate     // closed loop: sends at the most, all workers together; zero: no limit
	InFlight int      // messages sent and unanswered, all workers together, 1 to 65,535; 0 unless Mode is Async
	Ordered  bool     // of each key one message is under way at a time; the others of that key wait

	InFlightBytes Size // of the bodies of messages sent and unanswered; 0: no limit, or Mode isn't Async

	Batch      int  // messages of a send, 1 to 1,024; 0 unless Mode is Batch, or if BatchBytes says it
	BatchBytes Size // bodies of a send have about so many bytes; 0 unless that is said

	Transaction *Transaction // nil unless some are Transactional

	Mix []Kind // 2 to 8 kinds of message; which one message i is follows from the seed and i. None means that all are of one

	Stop *Stop // nil: nothing but its stages and Count ends it

	Stages []Stage // warm-up first, then at least one measured; all of them have a rate or none has
	Count  int64   // measured sends after which the case ends, even within a stage; 0 means that only time ends it
}

// OpenLoop reports whether sends fall due at a rate.
func (l *Workload) OpenLoop() bool { return len(l.Stages) > 0 && !l.Stages[0].Rate.IsZero() }

// AutoWarmup reports whether the load begins with a warm-up that ends by itself.
func (l *Workload) AutoWarmup() bool { return len(l.Stages) > 0 && l.Stages[0].Auto }

// Stop is what ends a case before its load is over.
type Stop struct {
	Errors float64  // share of the sends, over 0 to 1, that fail for so long as For says; 0: however many may
	For    Duration // more than 0 unless Errors is
	SLO    bool     // an objective that what was measured so far misses
	Grace  Duration // since measuring began, before which no objective is looked at
}

// Transaction is how transactions end. Those that are neither rolled back nor left open are committed at once.
type Transaction struct {
	Rollback  float64 // share rolled back, 0 to 1
	CheckBack float64 // share left open until the broker asks, and committed then; both together are at most 1
}

// Workers is how many goroutines send.
type Workers struct {
	N    int  // 1 to 10,000; 0 if Auto
	Auto bool // as many as the rate needs; only in an open loop
}

// Arrivals is how the sends of an open loop are spread.
type Arrivals string

const (
	Constant Arrivals = "constant" // evenly
	Poisson  Arrivals = "poisson"  // at random, each at a time of its own, as independent users' sends are
)

// Stage is a stretch of time with one rate, or with one that changes from Rate to To: in a straight line, unless one of
// Steps, Burst and Sine says how.
type Stage struct {
	For    Duration // more than 0; 0 in the last stage means until Load.Count
	Rate   Rate     // zero: closed loop
	To     Rate     // zero: Rate stays
	Steps  int      // 2 to 32 rates of equal length and distance, the first and the last of which are Rate and To
	Burst  Duration // so long it is To in the beginning of each Every, then Rate
	Every  Duration // only with Burst
	Sine   Duration // so long a swing from Rate to To and back takes
	Warmup bool     // its samples are kept apart
	Auto   bool     // of a warm-up: it ends when what it sees is steady, after For at the latest
}

// Profile names a set of producer defaults.
type Profile string

const (
	Measure Profile = "measure"    // no retries: every attempt is seen
	Java451 Profile = "java-4.5.1" // the defaults of RocketMQ 4.5.1's Java client
	Java54  Profile = "java-5.4"   // the same of 5.4
)

// Compression is how bodies are compressed. Consumers older than RocketMQ 5.0 read zlib only.
type Compression string

const (
	ZLIB Compression = "zlib"
	LZ4  Compression = "lz4"
	ZSTD Compression = "zstd"
)

// Producer is how the producer is set up.
type Producer struct {
	Profile      Profile
	Group        string   // [%|a-zA-Z0-9_-]{1,127}
	Selector     string   // round_robin, random, hash, machine_room, least_in_flight, power_of_two, consistent_hash or sticky
	Rooms        []string // of machine_room; none means all
	AvoidSlow    string   // java-4.5.1 or java-5.4: whose table of brokers to avoid; "" means none is avoided
	Serialize    string   // of request headers: rocketmq (binary) or json
	Compress     Compression
	CompressOver Size     // bodies of this size or more are compressed; 0 means never
	SendTimeout  Duration // one send, retries included
	RouteEvery   Duration // how often routes are asked for again; 0 means RocketMQ's 30s
	Connections  int      // to each broker, 1 to 64
	Instances    int      // clients that share the load, each with its own connections, 1 to 64; 0 means one
	Retries      int      // attempts after the first, 0 to 100
}

// Event is something that happens to a broker of the embedded cluster, or to the topic on all brokers: one of Stall, Delay,
// ServiceTime, Busy, Down and Topic.
type Event struct {
	At          Duration     // since the first measured stage began
	For         Duration     // how long it lasts; it ends within the run. 0 of a Topic, which stays as it is then
	Broker      int          // from 0
	Stall       bool         // nothing is answered until it ends
	Delay       Duration     // every answer is this much later
	ServiceTime Duration     // what a server needs for one send
	Busy        float64      // share of the sends that are refused with SYSTEM_BUSY
	Down        bool         // no listener, no connections, not in the routes
	Topic       *TopicChange // of all brokers
}

// TopicChange is what becomes of the topic.
type TopicChange struct {
	QueuesPerBroker int // 1 to 1,024
}

// Kind is what an event is, by its key in a file; "" unless it is just one thing.
func (e *Event) Kind() string {
	kind := ""
	for _, k := range []struct {
		key string
		is  bool
	}{{"stall", e.Stall}, {"delay", e.Delay > 0}, {"service_time", e.ServiceTime > 0}, {"busy", e.Busy > 0}, {"down", e.Down}, {"topic", e.Topic != nil}} {
		switch {
		case !k.is:
		case kind != "":
			return ""
		default:
			kind = k.key
		}
	}
	return kind
}
