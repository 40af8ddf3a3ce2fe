package producer

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"strings"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// Options tunes a Producer. Beside NameServers and Group the zero value is RocketMQ 4.5.1's default, except that
// headers are binary (ROCKETMQ), which every broker reads.
//
// Producers of one client id share one client instance: what belongs to it (RouteEvery, HeartbeatEvery, ConnectTimeout,
// NameServersEvery, Dial, Hooks, Brokers, NamespaceV2, VIPChannel, and JSON for all but sends) is as the first of them says, and
// their NameServers, NameServerURL, TLS and Credentials must be the same.
type Options struct {
	NameServers []string // host:port; asked in turn, beginning with any, sticking to one that answers
	Group       string   // producer group; required

	// NameServerURL is asked for the name servers if none are given: at Start, which fails without an answer, and again every
	// NameServersEvery. A GET of it is answered with "host:port;host:port" (rocketmq.namesrv.domain: http://DOMAIN:8080/rocketmq/nsaddr).
	NameServerURL    string
	NameServersEvery time.Duration // 0 means 2m

	Profile        Profile         // whose defaults the other fields have; 0 means Java451
	SendTimeout    time.Duration   // one send, retries included; 0 means 3s
	AttemptTimeout time.Duration   // one attempt of a sync send that another may follow; 0 means all that is left of SendTimeout
	Retries        int             // attempts after the first of a sync send; 0 means the profile's (Java: 2), negative none
	AsyncRetries   int             // the same of an async send
	RetryCodes     []remoting.Code // answers after which a sync send tries another broker; nil means the profile's
	RetryNotOK     bool            // try another broker when a message was stored with a status other than SEND_OK
	Selector       Selector        // picks queues, of other brokers for a retry; nil means round robin
	Avoid          *Avoidance      // of brokers that are slow or fail; nil means none
	CompressOver   int             // bodies of at least this many bytes are compressed; 0 means 4,096, negative none
	CompressLevel  int             // 1 to 9; 0 means 5
	MaxBody        int             // bytes, before compression; 0 means 4 MiB

	// CompressType is how: 0 means ZLIB, written as the profile does. A consumer older than 5.0 can't read LZ4 and ZSTD;
	// brokers of any version store them as they come.
	CompressType message.CompressionType

	DefaultTopic       string // whose route an unknown topic borrows, so that brokers create it; "" means TBW102
	DefaultTopicQueues int    // queues of a topic created so; 0 means 4
	NoAutoCreate       bool   // an unknown topic is an error instead

	Namespace      string        // of the first kind (4.x): topics and group become "namespace%name"
	NamespaceV2    string        // of the second (5.x): every request carries it
	InstanceName   string        // tells client ids of one host apart; "" or "DEFAULT" means the process id, and with Java54 a time too
	UnitName       string        // appended to the client id if it is not blank
	UnitMode       bool          // sends say that they are a unit's
	VIPChannel     bool          // send to each broker's port less 2, its VIP port
	ClientIP       string        // "" means this host's first address that is not loopback
	RouteEvery     time.Duration // how often routes are asked for again; 0 means 30s
	HeartbeatEvery time.Duration // 0 means 30s

	Limits         remoting.Limits                                          // of what the client instance has in flight; the zero value has Java's permits
	Brokers        []string                                                 // names of those whose queues are sent to; nil means all
	Connections    int                                                      // to each broker; 0 means 1
	JSON           bool                                                     // headers in JSON instead of binary, as Java's default
	ConnectTimeout time.Duration                                            // one dial; 0 means 3s
	Dial           func(ctx context.Context, addr string) (net.Conn, error) // nil means TCP

	TLS         *tls.Config           // nil means none; see remoting.TLSOptions
	Credentials *remoting.Credentials // every request is signed with them; nil means none
	Hooks       []remoting.RPCHook    // see every request, before it is signed; one that panics has refused it, and is counted (Stats.CallbackFails)

	SendHooks      []SendHook           // see each attempt of this producer's sends
	ForbiddenHooks []CheckForbiddenHook // may refuse it

	Listener            TransactionListener  // what SendTransaction needs; nil: none
	EndTransactionHooks []EndTransactionHook // see the end of each transaction

	Trace      bool   // record what became of each message in the trace topic
	TraceTopic string // "" means RMQ_SYS_TRACE_TOPIC
}

// none is what a negative number of retries or a negative threshold becomes.
const none = -1

func (o Options) withDefaults() Options {
	o.SendTimeout = cmp.Or(o.SendTimeout, 3*time.Second)
	o.Group = message.WrapNamespace(o.Namespace, o.Group)
	o.Retries = max(cmp.Or(o.Retries, o.Profile.retries()), none)
	o.AsyncRetries = max(cmp.Or(o.AsyncRetries, o.Profile.retries()), none)
	if o.RetryCodes == nil {
		o.RetryCodes = o.Profile.retryCodes()
	}
	if _, ok := o.Selector.(*roundRobin); ok {
		o.Selector = nil
	}
	o.CompressOver = max(cmp.Or(o.CompressOver, 4096), none)
	o.CompressLevel = cmp.Or(o.CompressLevel, message.DefaultCompressLevel)
	o.MaxBody = cmp.Or(o.MaxBody, message.MaxBodyLen)
	o.DefaultTopic = cmp.Or(o.DefaultTopic, message.DefaultTopic)
	o.DefaultTopicQueues = cmp.Or(o.DefaultTopicQueues, 4)
	if o.InstanceName == "" || o.InstanceName == "DEFAULT" {
		o.InstanceName = o.Profile.instanceName()
	}
	o.ClientIP = cmp.Or(o.ClientIP, hostIP())
	o.NameServersEvery = cmp.Or(o.NameServersEvery, 2*time.Minute)
	o.RouteEvery = cmp.Or(o.RouteEvery, 30*time.Second)
	o.HeartbeatEvery = cmp.Or(o.HeartbeatEvery, 30*time.Second)
	o.TraceTopic = cmp.Or(o.TraceTopic, message.TraceTopic)
	return o
}

// endpoint is NameServerURL where it counts.
func (o *Options) endpoint() string {
	if len(o.NameServers) > 0 {
		return ""
	}
	return o.NameServerURL
}

// clientID is ip@instance[@unit] (ClientConfig.buildMQClientId).
func (o *Options) clientID() string {
	id := o.ClientIP + "@" + o.InstanceName
	if strings.TrimSpace(o.UnitName) != "" {
		id += "@" + o.UnitName
	}
	return id
}

// hooks are the namespace's, those of the options, and the signature last, which covers what the others add.
func (o *Options) hooks(in *instance) []remoting.RPCHook {
	var all []remoting.RPCHook
	if o.NamespaceV2 != "" {
		all = append(all, namespaceHook(o.NamespaceV2))
	}
	for _, h := range o.Hooks {
		all = append(all, guardedHook{h, in})
	}
	if o.Credentials != nil {
		all = append(all, o.Credentials.Signer())
	}
	return all
}

func (o *Options) serialize() remoting.Serialize {
	if o.JSON {
		return remoting.JSON
	}
	return remoting.RocketMQ
}

// hostIP is the host's first IPv4 address that is not loopback, or 127.0.0.1.
func hostIP() string {
	addrs, _ := net.InterfaceAddrs() // without any, loopback names this host well enough
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}
