// Command floor is the least that any client could cost: one connection, frames encoded beforehand, no goroutine switch:
// one goroutine writes as many frames as answers have come, in one write, and reads answers without looking into them.
// It measures nothing but system calls and, for large bodies, the copy into the socket.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"rmqbench/peers/harness"
	"rmqbench/producer"
	"rmqbench/remoting"
)

func main() {
	broker := flag.String("broker", "", "HOST:PORT of a server that knows no topics; without it the name server says where")
	r, err := run(harness.ParseFlags(), *broker)
	r.Client = "floor"
	harness.Print(r)
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(o harness.Options, addr string) (harness.Report, error) {
	var r harness.Report
	broker := "null"
	if addr == "" {
		var err error
		if broker, addr, err = find(o); err != nil {
			return r, err
		}
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return r, err
	}
	frame, err := encode(o, broker)
	if err != nil {
		return r, err
	}
	f := floor{conn: conn, frames: slices.Repeat(frame, o.InFlight), size: len(frame), oneway: o.Mode == "oneway", reply: make([]byte, 64<<10)}
	if err := f.load(o.Warmup, o.InFlight, &r); err != nil {
		return r, err
	}
	var m harness.Meter
	r = harness.Report{}
	m.Start()
	err = f.load(o.Measure, o.InFlight, &r)
	m.Stop(&r)
	slices.Sort(f.trips)
	if n := len(f.trips); n > 0 {
		r.P50NS, r.P99NS = f.trips[n/2], f.trips[n*99/100]
	}
	return r, errors.Join(err, conn.Close())
}

// find is the topic's first broker and where its master listens.
func find(o harness.Options) (name, addr string, err error) {
	names := remoting.NewClient(remoting.ClientOptions{})
	defer names.Close()
	route, err := producer.NewAdmin(names, []string{o.NameServer}).Route(context.Background(), o.Topic)
	if err != nil {
		return "", "", err
	}
	if len(route.Brokers) == 0 {
		return "", "", errors.New("no broker has the topic")
	}
	return route.Brokers[0].Name, route.Brokers[0].Master(), nil
}

// encode is one send as the producer would make it; each copy has the same opaque, which nobody looks at.
func encode(o harness.Options, broker string) ([]byte, error) {
	req := remoting.SendRequest{Serialize: remoting.RocketMQ, Code: remoting.SendMessageV2, Language: remoting.Go, Version: remoting.Version451,
		Oneway: o.Mode == "oneway", SendHeader: remoting.SendHeader{ProducerGroup: "RMQBENCH_PEERS", Topic: o.Topic, DefaultTopic: "TBW102", DefaultQueueNums: 4,
			BornTimestamp: time.Now().UnixMilli(), BrokerName: broker, Properties: []byte("UNIQ_KEY\x017F0000010ABC18B4AAC20001E2410001\x02WAIT\x01true\x02")}}
	frame, err := req.AppendHead(nil, 1, o.Size)
	return append(frame, make([]byte, o.Size)...), err
}

type floor struct {
	conn   net.Conn
	frames []byte // as many as may be in flight
	size   int    // of one
	oneway bool
	reply  []byte
	have   int     // bytes of reply not yet looked at
	trips  []int64 // ns from a write to the read of its last answer
}

func (f *floor) load(d time.Duration, inFlight int, r *harness.Report) error {
	f.trips = f.trips[:0]
	free := inFlight
	for end := time.Now().Add(d); time.Now().Before(end); {
		began := time.Now()
		if _, err := f.conn.Write(f.frames[:free*f.size]); err != nil {
			return err
		}
		if f.oneway {
			r.Messages += int64(free)
			continue
		}
		n, err := f.answers()
		if err != nil {
			return err
		}
		f.trips = append(f.trips, time.Since(began).Nanoseconds())
		r.Messages += int64(n)
		free = n
	}
	for free < inFlight && !f.oneway {
		n, err := f.answers()
		if err != nil {
			return err
		}
		free += n
	}
	return nil
}

// answers reads once and counts the whole frames that have come.
func (f *floor) answers() (n int, err error) {
	for n == 0 {
		got, err := f.conn.Read(f.reply[f.have:])
		if err != nil {
			return 0, fmt.Errorf("%w after %d answers", errors.Join(err, io.ErrUnexpectedEOF), n)
		}
		f.have += got
		at := 0
		for f.have-at >= 4 {
			size := 4 + int(binary.BigEndian.Uint32(f.reply[at:]))
			if size > f.have-at {
				break
			}
			at += size
			n++
		}
		f.have = copy(f.reply, f.reply[at:f.have])
	}
	return n, nil
}
