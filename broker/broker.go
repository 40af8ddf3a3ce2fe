package broker

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// Broker is one master of a Cluster. Its methods may be called at any time, also while it is down.
type Broker struct {
	opts    Options
	index   int
	name    string
	ids     *message.IDSource // of messages that come without one
	started time.Time
	pacer   *pacer
	agenda  *agenda
	up      atomic.Bool
	disk    atomic.Pointer[disk]   // nil: 0
	script  atomic.Pointer[script] // nil: sends are answered as they deserve

	life   sync.Mutex // one Up, Down or close at a time; protects following
	server *remoting.Server
	closed bool

	where atomic.Pointer[place] // set by the first Up

	mu           sync.Mutex // protects following
	topics       map[string]*topic
	log          commitLog
	puts         rate
	total        int64   // messages ever stored
	bytes        int64   // of their records
	delayed      []int64 // by level: offset of its first message that still waits
	timers       timers
	transactions transactions
	suspended    []suspended // nil if none

	clients clients
}

// place is where clients find the broker. It stays the same from the first Up on.
type place struct {
	addr string         // as they are told
	host netip.AddrPort // as records and message ids carry it
	port uint16         // listened on
}

func newBroker(o Options, index int, ids *message.IDSource) (*Broker, error) {
	b := &Broker{opts: o, index: index, name: o.brokerName(index), ids: ids, started: time.Now(), agenda: newAgenda(),
		topics: map[string]*topic{}, log: newCommitLog(o.MemoryBudget), clients: newClients(), puts: newRate(brokerRateSeconds),
		delayed: make([]int64, len(o.DelayLevels)), timers: timers{recalled: map[string]bool{}}, transactions: transactions{closed: map[int64]struct{}{}}}
	b.pacer = newPacer(o.ServiceTime, o.Servers)
	b.createSystemTopics()
	b.agenda.loop.Go(func() { b.agenda.run(b.doDue) })
	return b, nil
}

// Name is broker-0, broker-1, …, unless [Options].BrokerNames says otherwise.
func (b *Broker) Name() string { return b.name }

// Addr is what clients are told, host:port. It stays the same through Down and Up.
func (b *Broker) Addr() string { return b.where.Load().addr }

// Up listens, again after Down at the same address, and puts the broker into the routes.
func (b *Broker) Up() error {
	b.life.Lock()
	defer b.life.Unlock()
	if b.server != nil {
		return nil
	}
	if b.closed {
		return fmt.Errorf("broker: %s is closed", b.name)
	}
	addr, plus, was := b.opts.BrokerListen, b.index, b.where.Load()
	if was != nil {
		host, _, _ := net.SplitHostPort(addr) // the first Up has read it
		addr, plus = net.JoinHostPort(host, strconv.Itoa(int(was.port))), 0
	}
	l, told, err := b.opts.listen(addr, plus)
	if err != nil {
		return err
	}
	if was == nil {
		b.where.Store(placeOf(l.Addr().(*net.TCPAddr).AddrPort(), told))
	}
	b.server = remoting.NewServer(l, remoting.HandlerFunc(b.handle), remoting.ServerOptions{TLS: b.opts.TLS}, b.clients.gone)
	b.up.Store(true)
	b.agenda.rouse() // what fell due meanwhile
	return nil
}

// placeOf is where a listener is whose clients are told host:port. Where that host is a name, records carry the
// address listened on.
func placeOf(listening netip.AddrPort, told string) *place {
	host, err := netip.ParseAddrPort(told)
	if err != nil {
		host = netip.AddrPortFrom(listening.Addr().Unmap(), listening.Port())
		if host.Addr().IsUnspecified() {
			host = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), host.Port())
		}
	}
	return &place{addr: told, host: host, port: listening.Port()}
}

// Down takes the broker out of the routes, closes its listener and its connections. What it stored stays.
func (b *Broker) Down() {
	b.life.Lock()
	defer b.life.Unlock()
	b.down()
}

// down runs under life.
func (b *Broker) down() {
	b.up.Store(false)
	if b.server != nil {
		_ = b.server.Close() // it listens no more either way
		b.server = nil
	}
}

func (b *Broker) close() {
	b.life.Lock()
	defer b.life.Unlock()
	if !b.closed {
		b.agenda.close()
	}
	b.closed = true
	b.down()
	b.pacer.close()
}

// data is the broker's line in a route.
func (b *Broker) data() message.BrokerData {
	return message.BrokerData{Cluster: b.opts.Cluster, Name: b.name, Addrs: map[int64]string{0: b.Addr()}}
}

// handle answers one request, on the connection's reader.
func (b *Broker) handle(req *remoting.Request) {
	switch remoting.RequestCode(req.Head.Code) {
	case remoting.SendMessage, remoting.SendMessageV2, remoting.SendBatchMessage:
		b.send(req)
	case remoting.SendReplyMessage, remoting.SendReplyMessageV2:
		b.sendReply(req)
	default:
		if a := b.serve(&fields{head: &req.Head}, req); a != nil {
			b.reply(req, a)
		}
	}
}

func (b *Broker) reply(req *remoting.Request, a *remoting.Command) {
	a.Serialize = b.opts.serialization(&req.Head)
	b.pacer.reply(req, 0, a, a.Body, nil)
}

// Requests that only administrators' tools send (RequestCode.java, 5.4.0).
const (
	updateAndCreateTopicList remoting.RequestCode = 18 // UPDATE_AND_CREATE_TOPIC_LIST
)

// serve is the answer to a request; nil if it has none.
func (b *Broker) serve(f *fields, req *remoting.Request) *remoting.Command {
	switch remoting.RequestCode(req.Head.Code) {
	case remoting.HeartBeat:
		return b.heartbeat(req)
	case remoting.UnregisterClient:
		return b.unregister(f)
	case remoting.EndTransaction:
		return b.endTransaction(f)
	case remoting.RecallMessage:
		return b.recall(f, req)
	case remoting.GetProducerConnectionList:
		return b.producers(f)
	case remoting.UpdateAndCreateTopic:
		return b.updateTopic(f)
	case remoting.DeleteTopicInBroker:
		return b.deleteTopic(f)
	case remoting.GetTopicConfig:
		return b.getTopicConfig(f)
	case remoting.GetMaxOffset:
		return b.maxOffset(f)
	case remoting.GetMinOffset:
		return b.minOffset(f)
	case remoting.SearchOffsetByTimestamp:
		return b.searchOffset(f)
	case remoting.GetEarliestStoreTime:
		return b.earliestStoreTime(f)
	case remoting.ViewMessageByID:
		return b.viewByID(f)
	case remoting.QueryMessage:
		return b.query(f)
	case remoting.PullMessage:
		return b.pull(f, req)
	case remoting.GetTopicStatsInfo:
		return b.topicStats(f)
	case remoting.GetBrokerRuntimeInfo:
		return b.runtimeInfo()
	case remoting.GetBrokerConfig:
		return b.config()
	case remoting.ViewBrokerStatsData:
		return noStats(f)
	case remoting.QueryTopicConsumeByWho: // no consumer can register here
		f.text("topic")
		return f.or(answerBody([]byte(`{"groupList":[]}`)))
	case updateAndCreateTopicList:
		return b.updateTopics(req)
	}
	return notSupported(req.Head.Code)
}
