// Package harness puts one load on one client and measures what the client costs: the same loop for every client, so that
// only the client differs. Each program that uses it is a process of its own, and its CPU time is the process's own.
package harness

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Client is what is measured. Every method is called by many goroutines at once.
type Client interface {
	Sync(body []byte) error
	Async(body []byte, done func(error)) error // done is called exactly once unless it returns an error
	Oneway(body []byte) error
	Close() error
}

// Options is the load.
type Options struct {
	NameServer string
	Topic      string
	Mode       string // sync, async, oneway
	Size       int    // bytes of a body
	InFlight   int    // sync, oneway: goroutines; async: sends without an answer
	Warmup     time.Duration
	Measure    time.Duration
}

// Report is what one run gave, printed as one line of JSON. Times are nanoseconds.
type Report struct {
	Client     string `json:"client"`
	Messages   int64  `json:"messages"`
	Failed     int64  `json:"failed"`
	ElapsedNS  int64  `json:"elapsed_ns"`
	CPUNS      int64  `json:"cpu_ns"` // user and system, of the whole process while it measured
	Allocs     uint64 `json:"allocs"`
	AllocBytes uint64 `json:"alloc_bytes"`
	P50NS      int64  `json:"p50_ns"` // of every 16th send
	P99NS      int64  `json:"p99_ns"`
	MaxRSS     int64  `json:"max_rss_bytes"`
}

// ParseFlags reads the load from the command line.
func ParseFlags() Options {
	var o Options
	flag.StringVar(&o.NameServer, "n", "127.0.0.1:9876", "name server, HOST:PORT")
	flag.StringVar(&o.Topic, "t", "RMQBENCH_PEERS", "topic, which must exist")
	flag.StringVar(&o.Mode, "m", "sync", "sync, async or oneway")
	flag.IntVar(&o.Size, "s", 128, "bytes of a body")
	flag.IntVar(&o.InFlight, "f", 64, "goroutines (sync, oneway) or sends without an answer (async)")
	flag.DurationVar(&o.Warmup, "w", 500*time.Millisecond, "time before measuring")
	flag.DurationVar(&o.Measure, "d", 2*time.Second, "measured time")
	flag.Parse()
	if o.InFlight < 1 || o.Size < 1 || o.Measure <= 0 {
		fmt.Fprintln(os.Stderr, "-f, -s and -d must be positive")
		os.Exit(2)
	}
	return o
}

// Main runs the load on the client that open makes and prints the report.
func Main(name string, open func(Options) (Client, error)) {
	o := ParseFlags()
	c, err := open(o)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	r, err := Run(o, c)
	if err == nil {
		err = c.Close()
	}
	r.Client = name
	Print(r)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Print writes the report's line.
func Print(r Report) { _ = json.NewEncoder(os.Stdout).Encode(r) } // a reader that is gone is the reader's business

// Meter measures the process from Start to Stop.
type Meter struct {
	began  time.Time
	cpu    int64
	memory runtime.MemStats
}

// Start begins to measure.
func (m *Meter) Start() {
	runtime.ReadMemStats(&m.memory)
	m.cpu, _ = usage()
	m.began = time.Now()
}

// Stop fills in what was used since Start.
func (m *Meter) Stop(r *Report) {
	r.ElapsedNS = time.Since(m.began).Nanoseconds()
	cpu, rss := usage()
	r.CPUNS, r.MaxRSS = cpu-m.cpu, rss
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	r.Allocs, r.AllocBytes = after.Mallocs-m.memory.Mallocs, after.TotalAlloc-m.memory.TotalAlloc
}

func usage() (cpu, rss int64) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it can't fail for oneself
	}
	return u.Utime.Nano() + u.Stime.Nano(), u.Maxrss << 10
}

// run is a load under way.
type run struct {
	o        Options
	c        Client
	body     []byte
	phase    atomic.Int32 // 0 warm-up, 1 measured, 2 over
	messages atomic.Int64 // of the measured phase; workers add now and then
	failed   atomic.Int64
	firstErr atomic.Pointer[error]

	mu      sync.Mutex // protects following
	samples []int64
}

// sampleEvery: timing each send would cost more than some clients do.
const sampleEvery = 16

// Run puts the load on c.
func Run(o Options, c Client) (Report, error) {
	l := &run{o: o, c: c, body: make([]byte, o.Size)}
	for i := range l.body {
		l.body[i] = byte(i*7 + i>>8)
	}
	var workers sync.WaitGroup
	switch o.Mode {
	case "sync":
		for range o.InFlight {
			workers.Go(func() { l.loop(l.c.Sync) })
		}
	case "oneway":
		for range o.InFlight {
			workers.Go(func() { l.loop(l.c.Oneway) })
		}
	case "async":
		workers.Go(l.async)
	default:
		return Report{}, fmt.Errorf("mode %q: sync, async or oneway", o.Mode)
	}
	time.Sleep(o.Warmup)
	var r Report
	var m Meter
	m.Start()
	l.phase.Store(1)
	time.Sleep(o.Measure)
	l.phase.Store(2)
	m.Stop(&r)
	workers.Wait()
	r.Messages, r.Failed = l.messages.Load(), l.failed.Load()
	slices.Sort(l.samples)
	if n := len(l.samples); n > 0 {
		r.P50NS, r.P99NS = l.samples[n/2], l.samples[n*99/100]
	}
	if first := l.firstErr.Load(); first != nil {
		return r, fmt.Errorf("%d sends failed, the first: %w", r.Failed, *first)
	}
	if r.Messages == 0 {
		return r, errors.New("no message was sent")
	}
	return r, nil
}

func (l *run) fail(err error) {
	l.failed.Add(1)
	l.firstErr.CompareAndSwap(nil, &err)
}

// loop is one goroutine that sends and waits.
func (l *run) loop(send func([]byte) error) {
	var n int64
	var samples []int64
	for i := 0; ; i++ {
		phase := l.phase.Load()
		if phase == 2 {
			break
		}
		timed := i%sampleEvery == 0
		var began time.Time
		if timed {
			began = time.Now()
		}
		if err := send(l.body); err != nil {
			l.fail(err)
			continue
		}
		if phase == 1 && l.phase.Load() == 1 {
			n++
			if timed {
				samples = append(samples, time.Since(began).Nanoseconds())
			}
		}
	}
	l.messages.Add(n)
	l.mu.Lock()
	l.samples = append(l.samples, samples...)
	l.mu.Unlock()
}

// async is one goroutine that sends while permits last; callbacks give them back.
func (l *run) async() {
	permits := make(chan struct{}, l.o.InFlight)
	done := func(err error) {
		if err != nil {
			l.fail(err)
		} else if l.phase.Load() == 1 {
			l.messages.Add(1)
		}
		<-permits
	}
	for i := 0; l.phase.Load() != 2; i++ {
		permits <- struct{}{}
		callback := done
		if i%(4*sampleEvery) == 0 {
			began := time.Now()
			callback = func(err error) {
				if l.phase.Load() == 1 {
					took := time.Since(began).Nanoseconds()
					l.mu.Lock()
					l.samples = append(l.samples, took)
					l.mu.Unlock()
				}
				done(err)
			}
		}
		if err := l.c.Async(l.body, callback); err != nil {
			callback(err)
		}
	}
	for range cap(permits) {
		permits <- struct{}{} // until the last answer
	}
}
