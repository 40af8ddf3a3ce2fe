package remoting

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rmqbench/internal/leaks"
)

// the options that notice a peer which vanished are set on both ends, also under TLS.
func TestR03_SocketOptions(t *testing.T) {
	leaks.Check(t)
	s := listen(t, HandlerFunc(echo))
	c := dialClient(t, ClientOptions{})
	conn, err := c.Endpoint(s.Addr().String()).Connect(t.Context(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Invoke(t.Context(), s.Addr().String(), request(nil), 5*time.Second); err != nil {
		t.Fatal(err) // the server has the connection now
	}
	bare, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	wrapped := tls.Client(bare, &tls.Config{ServerName: "localhost"})
	tune(wrapped)
	sockets := map[string]net.Conn{"client": conn.nc, "under TLS": wrapped}
	for _, peer := range s.Conns() {
		if peer.RemoteAddr().String() == conn.LocalAddr().String() {
			sockets["server"] = peer.nc
		}
	}
	if len(sockets) != 3 {
		t.Fatal("the server lacks the connection")
	}
	for name, nc := range sockets {
		raw, err := tcpOf(nc).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		for option, want := range map[int]int{
			unix.TCP_NODELAY: 1, unix.TCP_USER_TIMEOUT: 12_000, unix.TCP_KEEPIDLE: 4, unix.TCP_KEEPINTVL: 1, unix.TCP_KEEPCNT: 3,
		} {
			var got int
			var failed error
			if err := raw.Control(func(fd uintptr) {
				got, failed = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, option)
			}); err != nil {
				t.Fatal(err)
			}
			if failed != nil || got != want {
				t.Errorf("%s: option %d is %d, %v; want %d", name, option, got, failed, want)
			}
		}
	}
}

func TestTCPInfo(t *testing.T) {
	s := listen(t, HandlerFunc(echo))
	c := dialClient(t, ClientOptions{})
	conn, err := c.Endpoint(s.Addr().String()).Connect(t.Context(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := c.Invoke(t.Context(), s.Addr().String(), request(make([]byte, 1<<10)), 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	info, ok := conn.TCPInfo()
	if !ok || info.RTT < 1000 || info.RTT > int64(time.Second) || info.MinRTT < 1000 || info.MinRTT > int64(time.Second) || info.RTTVar < 0 || info.Window < 1 || info.Retransmits < 0 || info.Unacked < 0 {
		t.Errorf("%+v, %v", info, ok)
	}
	conn.Close()
	if info, ok := conn.TCPInfo(); ok {
		t.Errorf("closed, yet %+v", info)
	}
	pipe, _ := pipeClient(t)
	conn, err = pipe.Endpoint("pipe:1").Connect(t.Context(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if info, ok := conn.TCPInfo(); ok {
		t.Errorf("a pipe has %+v", info)
	}
}
