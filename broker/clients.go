package broker

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// clients are the producers that sent a heartbeat lately and whose connection lives.
type clients struct {
	mu     sync.Mutex // protects following
	groups map[string]map[*remoting.Conn]producer
}

// producer is one of a group's.
type producer struct {
	message.Connection
	beat time.Time // when it was last heard of
}

// silence is how long a producer may send no heartbeat before it counts as gone (CHANNEL_EXPIRED_TIMEOUT,
// ProducerManager.java, 4.5.1 and 5.4.0).
const silence = 120 * time.Second

func newClients() clients { return clients{groups: map[string]map[*remoting.Conn]producer{}} }

// gone forgets a connection that has ended.
func (c *clients) gone(conn *remoting.Conn, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for group := range c.groups {
		c.remove(group, conn)
	}
}

// remove runs under mu.
func (c *clients) remove(group string, conn *remoting.Conn) {
	delete(c.groups[group], conn)
	if len(c.groups[group]) == 0 {
		delete(c.groups, group)
	}
}

// of are the connections of a group, those forgotten that are silent. Under mu.
func (c *clients) of(group string) map[*remoting.Conn]producer {
	for conn, p := range c.groups[group] {
		if time.Since(p.beat) > silence {
			c.remove(group, conn)
		}
	}
	return c.groups[group]
}

// producer is the connection of any of a group's producers; nil if there is none.
func (c *clients) producer(group string) *remoting.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.of(group) {
		return conn
	}
	return nil
}

// find is the connection of the client of that id; nil if there is none.
func (c *clients) find(id string) *remoting.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	for group := range c.groups {
		for conn, p := range c.of(group) {
			if p.ClientID == id {
				return conn
			}
		}
	}
	return nil
}

func (b *Broker) heartbeat(req *remoting.Request) *remoting.Command {
	h, err := message.ParseHeartbeat(req.Body)
	if err != nil {
		return answer(remoting.SystemError, err.Error())
	}
	c := &b.clients
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, group := range h.Producers {
		if c.groups[group] == nil {
			c.groups[group] = map[*remoting.Conn]producer{}
		}
		c.groups[group][req.Conn] = producer{beat: time.Now(), Connection: message.Connection{ClientID: h.ClientID, ClientAddr: req.Conn.Addr(),
			Language: req.Head.Language.String(), Version: int(req.Head.Version)}}
		if req.Conn.Err() != nil { // gone may have been called already
			c.remove(group, req.Conn)
		}
	}
	return answer(remoting.Success, "", remoting.Field{Key: "IS_SUPPORT_HEART_BEAT_V2", Value: "true"}, remoting.Field{Key: "IS_SUB_CHANGE", Value: "true"})
}

// unregister succeeds whether or not the client is known.
func (b *Broker) unregister(f *fields) *remoting.Command {
	id, group := f.text("clientID"), f.optional("producerGroup")
	c := &b.clients
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn, known := range c.groups[group] {
		if known.ClientID == id {
			c.remove(group, conn)
		}
	}
	return f.or(answer(remoting.Success, "", noFields...))
}

func (b *Broker) producers(f *fields) *remoting.Command {
	group := f.text("producerGroup")
	if f.err != nil {
		return f.or(nil)
	}
	c := &b.clients
	c.mu.Lock()
	var list message.ProducerConnection
	for _, known := range c.of(group) {
		list = append(list, known.Connection)
	}
	c.mu.Unlock()
	if len(list) == 0 {
		return answer(remoting.SystemError, "the producer group["+group+"] not exist")
	}
	slices.SortFunc(list, func(x, y message.Connection) int { return cmp.Compare(x.ClientAddr, y.ClientAddr) })
	return answerBody(list.AppendJSON(nil))
}
