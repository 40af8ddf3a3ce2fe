package broker

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// What we say we are, so that clients treat us as they would a broker of that release.
const (
	claimedVersion = 493 // MQVersion.java, V5_4_0
	claimedName    = "V5_4_0"
)

// Options tunes a Cluster. The zero Options is one broker on free ports of 127.0.0.1 with a real broker's defaults.
type Options struct {
	Brokers          int           // 0 means as many as BrokerNames, or 1
	BrokerNames      []string      // of the first ones; the others are broker-0, broker-1, … by their number
	Cluster          string        // "" means DefaultCluster
	NameServerListen string        // "" means 127.0.0.1:0
	BrokerListen     string        // "" means 127.0.0.1:0; of several brokers the second listens one port higher, and so on
	Advertise        string        // host that clients are told; "" means the one listened on, 127.0.0.1 if that is all of them
	QueuesPerTopic   int           // of TBW102, and so the most that an auto-created topic gets; 0 means 8
	NoAutoCreate     bool          // a send to an unknown topic is refused
	MemoryBudget     int64         // bytes of stored records a broker, oldest dropped first; 0 means 256 MiB
	MaxMessageSize   int           // bytes of body; 0 means 4 MiB
	ServiceTime      time.Duration // how long one of the Servers is busy with a send; 0: answers at once
	Servers          int           // of each broker; 0 means 1
	TLS              *tls.Config   // the name server and every broker speak TLS only; nil means none
	AlwaysJSON       bool          // answer in JSON, as 5.x does unless told otherwise; else in the request's serialization

	// Transactions: transactionCheckInterval, transactionTimeOut, transactionCheckMax, rejectTransactionMessage of BrokerConfig.java.
	CheckInterval  time.Duration // producers are asked about open half messages that often; whole ms, 0 means 30s
	CheckAfter     time.Duration // and only about those this old; whole ms, 0 means 6s
	CheckMax       int           // and so many times; 0 means 15
	NoTransactions bool          // half messages are refused

	// Delayed messages: messageDelayLevel, timerPrecisionMs, timerWheelEnable, recallMessageEnable.
	DelayLevels    []time.Duration // of levels 1, 2, …, whole ms; nil means RocketMQ's 18, 1s to 2h
	TimerPrecision time.Duration   // whole ms; 0 means 1s
	NoTimers       bool            // timer messages are refused, as before 5.0
	NoRecall       bool            // they can't be taken back

	// Arrived, if it is set, is told of each message that is stored, those of a delay or a transaction twice: when they come and when they can
	// be consumed, under two topics. A broker waits for it, and of several brokers each calls it by itself.
	Arrived func(Arrival)

	// Listen opens host:port, port 0 meaning any; the listener's address is a *net.TCPAddr. Nil means TCP. With connections in
	// memory a cluster runs in a bubble of testing/synctest.
	Listen func(addr string) (net.Listener, error)
}

func (o Options) withDefaults() Options {
	o.Brokers = cmp.Or(o.Brokers, len(o.BrokerNames), 1)
	o.Cluster = cmp.Or(o.Cluster, "DefaultCluster")
	o.NameServerListen = cmp.Or(o.NameServerListen, "127.0.0.1:0")
	o.BrokerListen = cmp.Or(o.BrokerListen, "127.0.0.1:0")
	o.QueuesPerTopic = cmp.Or(o.QueuesPerTopic, 8)
	o.MemoryBudget = cmp.Or(o.MemoryBudget, 256<<20)
	o.MaxMessageSize = cmp.Or(o.MaxMessageSize, message.MaxBodyLen)
	o.Servers = cmp.Or(o.Servers, 1)
	o.CheckInterval = cmp.Or(o.CheckInterval, 30*time.Second)
	o.CheckAfter = cmp.Or(o.CheckAfter, 6*time.Second)
	o.CheckMax = cmp.Or(o.CheckMax, 15)
	o.TimerPrecision = cmp.Or(o.TimerPrecision, time.Second)
	if o.DelayLevels == nil {
		o.DelayLevels = delayLevels
	}
	return o
}

func (o *Options) brokerName(i int) string {
	if i < len(o.BrokerNames) {
		return o.BrokerNames[i]
	}
	return "broker-" + strconv.Itoa(i)
}

func (o Options) check() error {
	switch {
	case o.Brokers < 0 || o.Brokers > maxBrokers:
		return fmt.Errorf("broker: %d brokers, allowed are 1 to %d", o.Brokers, maxBrokers)
	case o.QueuesPerTopic < 0 || o.QueuesPerTopic > message.MaxRouteQueues:
		return fmt.Errorf("broker: %d queues a topic, allowed are 1 to %d", o.QueuesPerTopic, message.MaxRouteQueues)
	case o.MemoryBudget < 0 || o.MaxMessageSize < 0 || o.ServiceTime < 0 || o.Servers < 0:
		return errors.New("broker: a budget, size, time or number of servers is negative")
	case o.Servers > maxServers:
		return fmt.Errorf("broker: %d servers, at most %d are simulated", o.Servers, maxServers)
	case o.CheckMax < 0:
		return errors.New("broker: a number of checks is negative")
	case o.DelayLevels != nil && (len(o.DelayLevels) == 0 || len(o.DelayLevels) > maxDelayLevels):
		return fmt.Errorf("broker: %d delay levels, allowed are 1 to %d", len(o.DelayLevels), maxDelayLevels)
	}
	for _, d := range append([]time.Duration{o.CheckInterval, o.CheckAfter, o.TimerPrecision}, o.DelayLevels...) {
		if d < 0 || d%time.Millisecond != 0 {
			return fmt.Errorf("broker: a time of %v: whole milliseconds are counted", d)
		}
	}
	return o.checkNames()
}

func (o *Options) checkNames() error {
	n := cmp.Or(o.Brokers, len(o.BrokerNames), 1)
	if n < len(o.BrokerNames) || n > maxBrokers {
		return fmt.Errorf("broker: %d brokers and %d names", n, len(o.BrokerNames))
	}
	taken := map[string]bool{}
	for i := range n {
		name := o.brokerName(i)
		if name == "" || taken[name] {
			return fmt.Errorf("broker: the name %q is blank or another broker's", name)
		}
		taken[name] = true
	}
	return nil
}

// maxBrokers bounds a cluster: every broker is a listener and a share of this machine's memory. maxServers bounds what
// each send looks through.
const (
	maxBrokers     = 256
	maxServers     = 1024
	maxDelayLevels = 64
)

// Cluster is a name server and its brokers.
type Cluster struct {
	opts       Options
	nameServer *nameServer
	brokers    []*Broker
}

// Start listens and serves until Close.
func Start(o Options) (*Cluster, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	c := &Cluster{opts: o}
	ids := message.NewIDSource(netip.AddrFrom4([4]byte{127, 0, 0, 1}), os.Getpid(), idLoader, nil)
	for i := range o.Brokers {
		b, err := newBroker(o, i, ids)
		if err == nil {
			c.brokers = append(c.brokers, b)
			err = b.Up()
		}
		if err != nil {
			c.Close()
			return nil, err
		}
	}
	ns, err := startNameServer(o, c.brokers)
	if err != nil {
		c.Close()
		return nil, err
	}
	c.nameServer = ns
	return c, nil
}

// idLoader tells the ids that brokers make for messages without one from those of producers in this process.
const idLoader = 0x62726b72

// NameServer is the address to give to clients.
func (c *Cluster) NameServer() string { return c.nameServer.addr }

// Name is the cluster's.
func (c *Cluster) Name() string { return c.opts.Cluster }

// Brokers are those of the cluster, up or down, by number.
func (c *Cluster) Brokers() []*Broker { return c.brokers }

// Close ends every connection, forgets every message and waits for all goroutines. It may be called again.
func (c *Cluster) Close() {
	if c.nameServer != nil {
		_ = c.nameServer.server.Close() // it listens no more either way
	}
	for _, b := range c.brokers {
		b.close()
	}
}

// listen opens addr with its port moved by plus, and says what clients are to be told.
func (o *Options) listen(addr string, plus int) (net.Listener, string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, "", fmt.Errorf("broker: listen address %q: %w", addr, err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, "", fmt.Errorf("broker: listen address %q: its port is no number up to 65535", addr)
	}
	if n != 0 {
		n += uint64(plus)
	}
	open := o.Listen
	if open == nil {
		open = func(addr string) (net.Listener, error) { return net.Listen("tcp", addr) }
	}
	l, err := open(net.JoinHostPort(host, strconv.FormatUint(n, 10)))
	if err != nil {
		return nil, "", fmt.Errorf("broker: %w", err)
	}
	at, advertise := l.Addr().(*net.TCPAddr), o.Advertise
	if advertise == "" {
		advertise = at.IP.String()
		if at.IP.IsUnspecified() {
			advertise = "127.0.0.1"
		}
	}
	return l, net.JoinHostPort(advertise, strconv.Itoa(at.Port)), nil
}

// answer is a reply of ours.
func answer(code remoting.Code, remark string, ext ...remoting.Field) *remoting.Command {
	return &remoting.Command{Code: int32(code), Language: remoting.Go, Version: claimedVersion, Flag: remoting.FlagResponse, Remark: remark, Ext: ext}
}

// answerBody is a success with a body.
func answerBody(body []byte) *remoting.Command {
	c := answer(remoting.Success, "")
	c.Body = body
	return c
}

// serialization is how to answer a request.
func (o *Options) serialization(h *remoting.Head) remoting.Serialize {
	if o.AlwaysJSON {
		return remoting.JSON
	}
	return h.Serialize
}

// notSupported is the words of RocketMQ's servers.
func notSupported(code int32) *remoting.Command {
	return answer(remoting.RequestNotSupported, " request type "+strconv.Itoa(int(code))+" not supported")
}
