package metrics

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// ErrExposed is the answer to an address that others reach, where that or a token was not given.
var ErrExposed = errors.New("other machines would reach it")

// MinToken is how many bytes a token has at least.
const MinToken = 16

// Server answers GET /metrics, and nothing else.
type Server struct {
	listener net.Listener
	server   *http.Server
	done     chan struct{}
}

// Serve listens at addr, host:port, and tells of live until Close. With a token, whoever asks must bring it as a bearer's.
// An address off loopback is [ErrExposed] unless expose is given, with a token of at least [MinToken] bytes.
func Serve(addr string, expose bool, token string, live *Live) (*Server, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%s: write HOST:PORT, such as 127.0.0.1:9464", addr)
	}
	ip := net.ParseIP(host)
	if host == "localhost" {
		ip = net.IPv4(127, 0, 0, 1)
	}
	if (ip == nil || !ip.IsLoopback()) && (!expose || len(token) < MinToken) { // an empty host is every interface; a name may be any
		return nil, fmt.Errorf("%s: %w", addr, ErrExposed)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(live)
	inner := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 4, Timeout: 5 * time.Second})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if token != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+token)) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "a token is needed", http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	})
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &Server{listener: listener, done: make(chan struct{}), server: &http.Server{Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10}}
	go func() {
		defer close(s.done)
		_ = s.server.Serve(listener) // Close ends it
	}()
	return s, nil
}

// URL is where to ask.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() + "/metrics" }

// Close ends the server once the questions under way are answered, within a second.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = s.server.Close()
	}
	<-s.done
	return err
}
