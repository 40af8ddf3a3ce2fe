package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

const topic = "RMQBENCH_PROBES"

// stage is a name server and brokers b0, b1, … that do with a send what their script says.
type stage struct {
	names   string
	brokers []*broker
}

// broker counts its connections and those that its peer has ended.
type broker struct {
	addr         string
	conns, ended atomic.Int64
	sends        atomic.Int64
	script       func(nc net.Conn, request *remoting.Head) // of a send; nil: stored
}

// newStage starts a name server and a broker for each script.
func newStage(scripts ...func(net.Conn, *remoting.Head)) (*stage, error) {
	s := &stage{}
	for _, script := range scripts {
		b := &broker{script: script}
		addr, err := listen(b.serve)
		if err != nil {
			return nil, err
		}
		b.addr = addr
		s.brokers = append(s.brokers, b)
	}
	var err error
	s.names, err = listen(func(nc net.Conn) {
		requests(nc, func(h *remoting.Head) error {
			if remoting.RequestCode(h.Code) != remoting.GetRouteInfoByTopic {
				return answer(nc, h, &remoting.Command{})
			}
			return answer(nc, h, &remoting.Command{Body: s.route().AppendJSON(nil, false)})
		})
	})
	return s, err
}

func (s *stage) route() *message.Route {
	r := &message.Route{}
	for i, b := range s.brokers {
		name := fmt.Sprint("b", i)
		r.Queues = append(r.Queues, message.QueueData{Broker: name, ReadQueues: 1, WriteQueues: 1, Perm: message.PermRead | message.PermWrite})
		r.Brokers = append(r.Brokers, message.BrokerData{Cluster: "c", Name: name, Addrs: map[int64]string{0: b.addr}})
	}
	return r
}

// listen serves connections on loopback until the process ends.
func listen(serve func(net.Conn)) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go serve(nc)
		}
	}()
	return l.Addr().String(), nil
}

func (b *broker) serve(nc net.Conn) {
	b.conns.Add(1)
	requests(nc, func(h *remoting.Head) error {
		switch remoting.RequestCode(h.Code) {
		case remoting.SendMessage, remoting.SendMessageV2, remoting.SendBatchMessage:
		default:
			return answer(nc, h, &remoting.Command{})
		}
		b.sends.Add(1)
		if b.script != nil {
			b.script(nc, h)
			return nil
		}
		return stored(nc, h)
	})
	b.ended.Add(1)
}

// requests reads frames until the connection ends.
func requests(nc net.Conn, take func(*remoting.Head) error) {
	defer nc.Close()
	for {
		length := make([]byte, 4)
		if _, err := io.ReadFull(nc, length); err != nil {
			return
		}
		n := binary.BigEndian.Uint32(length)
		if n > remoting.MaxFrame {
			return
		}
		frame := make([]byte, 4+n)
		copy(frame, length)
		if _, err := io.ReadFull(nc, frame[4:]); err != nil {
			return
		}
		head, _, err := remoting.ParseFrame(frame)
		if err != nil || take(&head) != nil {
			return
		}
	}
}

// answer sends c as the reply to h.
func answer(nc net.Conn, h *remoting.Head, c *remoting.Command) error {
	c.Serialize, c.Opaque, c.Flag, c.Language, c.Version = h.Serialize, h.Opaque, remoting.FlagResponse, remoting.Go, remoting.Version451
	frame, err := c.AppendFrame(nil)
	if err != nil {
		return err
	}
	_, err = nc.Write(frame)
	return err
}

// stored answers SEND_OK.
func stored(nc net.Conn, h *remoting.Head) error {
	return answer(nc, h, &remoting.Command{Ext: []remoting.Field{{Key: "msgId", Value: "7F00000100002A9F0000000000000000"},
		{Key: "queueId", Value: "0"}, {Key: "queueOffset", Value: "0"}, {Key: "MSG_REGION", Value: "DefaultRegion"}, {Key: "TRACE_ON", Value: "true"}}})
}

// kept are connections that stay open until the process ends.
var kept []net.Conn

// deaf is an address to which no connection is ever made: nobody accepts, and the queue of those that wait is full.
func deaf() (string, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return "", err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return "", err
	}
	if err := syscall.Listen(fd, 0); err != nil {
		return "", err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return "", err
	}
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for range 20 {
		nc, err := net.DialTimeout("tcp", addr, 300*time.Millisecond)
		if err != nil {
			return addr, nil // full
		}
		kept = append(kept, nc)
	}
	return "", fmt.Errorf("%s: its queue doesn't fill up", addr)
}
