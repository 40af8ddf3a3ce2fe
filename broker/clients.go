package broker

import (
	"cmp"
	"slices"
	"sync"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// clients are the producers that sent a heartbeat and whose connection lives.
type clients struct {
	mu     sync.Mutex // protects following
	groups map[string]map[*remoting.Conn]message.Connection
}

func newClients() clients {
	return clients{groups: map[string]map[*remoting.Conn]message.Connection{}}
}

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
			c.groups[group] = map[*remoting.Conn]message.Connection{}
		}
		c.groups[group][req.Conn] = message.Connection{ClientID: h.ClientID, ClientAddr: req.Conn.Addr(),
			Language: req.Head.Language.String(), Version: int(req.Head.Version)}
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
	for _, known := range c.groups[group] {
		list = append(list, known)
	}
	c.mu.Unlock()
	if len(list) == 0 {
		return answer(remoting.SystemError, "the producer group["+group+"] not exist")
	}
	slices.SortFunc(list, func(x, y message.Connection) int { return cmp.Compare(x.ClientAddr, y.ClientAddr) })
	return answerBody(list.AppendJSON(nil))
}
