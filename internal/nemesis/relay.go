package nemesis

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"rmqbench/remoting"
)

// Relay stands in every connection that its Dial makes and passes on what comes, but for the faults that are begun. The zero
// Relay is ready.
type Relay struct {
	wires sync.WaitGroup

	mu     sync.Mutex // protects following
	active []wireFault
	open   map[*wire]bool
}

// wireFault is a fault of the connections to one address.
type wireFault struct {
	Fault
	addr  string
	ended chan struct{} // closed at its end
}

// Dial connects to addr (host:port) through the relay; it is a producer's Options.Dial. Where nobody listens, nobody does.
func (r *Relay) Dial(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	far, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	ours, theirs, err := pair(ctx)
	if err != nil {
		_ = far.Close() // that there is no relay is the error to report
		return nil, err
	}
	w := &wire{relay: r, addr: addr, near: theirs, far: far.(*net.TCPConn), gone: make(chan struct{})}
	r.mu.Lock()
	if r.open == nil {
		r.open = map[*wire]bool{}
	}
	r.open[w] = true
	for i := range r.active {
		w.begin(&r.active[i])
	}
	r.mu.Unlock()
	for _, pump := range []func(){w.requests, w.answers} {
		r.wires.Go(func() { pump(); w.end(false) })
	}
	return ours, nil
}

// pair is a TCP connection to ourselves.
func pair(ctx context.Context) (ours net.Conn, theirs *net.TCPConn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close() //nolint:errcheck // it has done its one job
	for {
		var d net.Dialer
		if ours, err = d.DialContext(ctx, "tcp", l.Addr().String()); err != nil {
			return nil, nil, err
		}
		accepted, err := l.Accept()
		if err != nil {
			_ = ours.Close() // the accept's error is the one to report
			return nil, nil, err
		}
		if accepted.RemoteAddr().String() == ours.LocalAddr().String() {
			return ours, accepted.(*net.TCPConn), nil
		}
		_, _ = ours.Close(), accepted.Close() // a stranger came first
	}
}

// Begin begins a fault of the connections to addr.
func (r *Relay) Begin(f Fault, addr string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active = append(r.active, wireFault{f, addr, make(chan struct{})})
	for w := range r.open {
		w.begin(&r.active[len(r.active)-1])
	}
}

// End ends it.
func (r *Relay) End(f Fault, addr string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, a := range r.active {
		if a.Fault == f && a.addr == addr {
			close(a.ended)
			r.active = append(r.active[:i], r.active[i+1:]...)
			return
		}
	}
}

// Close ends all faults and connections and waits for its goroutines.
func (r *Relay) Close() {
	r.mu.Lock()
	for _, a := range r.active {
		close(a.ended)
	}
	r.active = nil
	var open []*wire
	for w := range r.open {
		open = append(open, w)
	}
	r.mu.Unlock()
	for _, w := range open {
		w.end(false)
	}
	r.wires.Wait()
}

// on is the fault of that kind of the connections to addr, if it is under way.
func (r *Relay) on(k Kind, addr string) (wireFault, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.active {
		if a.Kind == k && a.addr == addr {
			return a, true
		}
	}
	return wireFault{}, false
}

// wire is one connection: the producer's end is near, the server's far.
type wire struct {
	relay     *Relay
	addr      string
	near, far *net.TCPConn
	once      sync.Once
	gone      chan struct{} // closed by end

	doomed [2]atomic.Pointer[doom] // of answers and of requests; nil: the connection lives

	whole sync.Mutex // held while a frame is written to near
}

// doom is how many bytes still pass; left is whoever's that writes in that direction.
type doom struct {
	left  int
	reset bool
}

// begin takes a fault that ends connections to heart. Under the relay's mu, so it waits for no write.
func (w *wire) begin(f *wireFault) {
	if (f.Kind == Cut || f.Kind == Reset) && f.addr == w.addr {
		w.doomed[direction(f.Forward)].Store(&doom{f.Bytes, f.Kind == Reset})
	}
}

func direction(forward bool) int {
	if forward {
		return 1
	}
	return 0
}

// end closes both ends, with RST or FIN.
func (w *wire) end(reset bool) {
	w.once.Do(func() {
		if reset {
			_, _ = w.near.SetLinger(0), w.far.SetLinger(0) // where it fails they end with FIN
		}
		_, _ = w.near.Close(), w.far.Close() // ended, either way
		close(w.gone)
		w.relay.mu.Lock()
		delete(w.relay.open, w)
		w.relay.mu.Unlock()
	})
}

// pass writes what may still pass in that direction; answers under whole.
func (w *wire) pass(to *net.TCPConn, b []byte, forward bool) error {
	d := w.doomed[direction(forward)].Load()
	if d == nil || len(b) < d.left {
		if d != nil {
			d.left -= len(b)
		}
		_, err := to.Write(b)
		return err
	}
	_, _ = to.Write(b[:d.left]) // the connection ends either way
	w.end(d.reset)
	return errDoomed
}

var errDoomed = errors.New("cut")

// requests passes on what the producer writes.
func (w *wire) requests() {
	buf := make([]byte, 16<<10)
	for {
		n, err := w.near.Read(buf)
		if n > 0 {
			w.await(Blackhole)
			if w.pass(w.far, buf[:n], true) != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// await waits for the end of a fault if it is under way.
func (w *wire) await(k Kind) {
	if f, ok := w.relay.on(k, w.addr); ok {
		select {
		case <-f.ended:
		case <-w.gone:
		}
	}
}

// answers passes on what the server writes, frame by frame.
func (w *wire) answers() {
	var length [4]byte
	for {
		if _, err := io.ReadFull(w.far, length[:]); err != nil {
			return
		}
		n := binary.BigEndian.Uint32(length[:])
		if n > remoting.MaxFrame {
			return
		}
		frame := append(make([]byte, 0, 4+n), length[:]...)[:4+n]
		if _, err := io.ReadFull(w.far, frame[4:]); err != nil {
			return
		}
		w.await(Blackhole)
		if w.answer(frame) != nil {
			return
		}
	}
}

// answer passes one answer on: now, later, twice or never.
func (w *wire) answer(frame []byte) error {
	if _, hit := w.hit(Mute); hit {
		return nil
	}
	if f, hit := w.hit(Late); hit {
		w.relay.wires.Go(func() {
			select {
			case <-f.ended:
				w.whole.Lock()
				defer w.whole.Unlock()
				_ = w.pass(w.near, frame, false) // whoever reads finds out by itself
			case <-w.gone:
			}
		})
		return nil
	}
	step := len(frame)
	if _, on := w.relay.on(Slices, w.addr); on {
		step = 7
	}
	w.whole.Lock()
	defer w.whole.Unlock()
	for rest := frame; len(rest) > 0; {
		n := min(step, len(rest))
		if err := w.pass(w.near, rest[:n], false); err != nil {
			return err
		}
		if rest = rest[n:]; step < len(frame) {
			time.Sleep(100 * time.Microsecond) // so that they are read one by one
		}
	}
	if _, hit := w.hit(Twice); hit {
		return w.pass(w.near, frame, false)
	}
	return nil
}

// hit says whether a fault that has a share befalls this answer.
func (w *wire) hit(k Kind) (wireFault, bool) {
	f, on := w.relay.on(k, w.addr)
	return f, on && rand.Float64() < f.Share
}
