package metrics

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"rmqbench/internal/leaks"
	"rmqbench/results"
)

func TestMain(m *testing.M) { leaks.Main(m) }

func interval(name string, n int64) (*results.Point, *results.Histogram) {
	h := results.NewHistogram()
	for i := range n {
		h.Record(int64(time.Millisecond) + i)
	}
	return &results.Point{Case: name, LengthNS: 1e9, Attempted: n + 1, Acknowledged: n, Failed: 1, MessagesPerSecond: new(float64(n)), Response: results.Summarize(h)}, h
}

// Intervals add up, and a native histogram holds every send where it belongs.
func TestLive(t *testing.T) {
	live := &Live{}
	live.Add(interval("sync 64", 1000))
	live.Add(interval("sync 64", 500))
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(live)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]*dto.MetricFamily{}
	for _, f := range families {
		by[f.GetName()] = f
	}
	h := by["rmqbench_response_seconds"].Metric[0].Histogram
	if h.GetSampleCount() != 1500 || h.GetSchema() != schema || h.GetSampleSum() < 1.5 || h.GetSampleSum() > 1.502 {
		t.Errorf("%v", h)
	}
	if len(h.PositiveSpan) != 1 || h.PositiveSpan[0].GetOffset() != -79 || h.PositiveDelta[0] != 1500 { // 1 ms is in (2^(−80/8), 2^(−79/8)]
		t.Errorf("spans %v, deltas %v", h.PositiveSpan, h.PositiveDelta)
	}
	for _, m := range by["rmqbench_sends_total"].Metric {
		want := map[string]float64{"acknowledged": 1500, "failed": 2}[m.Label[1].GetValue()]
		if m.Counter.GetValue() != want {
			t.Errorf("%v, want %v", m, want)
		}
	}
}

func get(t *testing.T, method, url, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// Prometheus' own parser reads what is served; everything but GET /metrics with the token is refused, profiles too.
func TestR44_Serve(t *testing.T) {
	live := &Live{}
	live.Add(interval("a \"case\"\n", 1000))
	const token = "0123456789abcdef"
	s, err := Serve("127.0.0.1:0", false, token, live)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	status, body := get(t, "GET", s.URL(), token)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if status != 200 || err != nil || len(families) != 4 {
		t.Errorf("status %d, %d families, %v:\n%s", status, len(families), err, body)
	}
	if problems, err := promlint.New(strings.NewReader(body)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	base := strings.TrimSuffix(s.URL(), "/metrics")
	for _, tt := range []struct {
		method, url, token string
		want               int
	}{
		{"GET", s.URL(), "", 401}, {"GET", s.URL(), "0123456789abcdeg", 401}, {"POST", s.URL(), token, 405}, {"DELETE", s.URL(), token, 405},
		{"GET", base + "/", token, 404}, {"GET", base + "/debug/pprof/", token, 404}, {"GET", base + "/metrics/x", token, 404},
	} {
		if status, _ := get(t, tt.method, tt.url, tt.token); status != tt.want {
			t.Errorf("%s %s with %q: status %d, want %d", tt.method, tt.url, tt.token, status, tt.want)
		}
	}
}

// Off loopback it takes a flag and a token; both, and a token that isn't guessed.
func TestR44_Exposed(t *testing.T) {
	for _, tt := range []struct {
		addr   string
		expose bool
		token  string
	}{
		{"0.0.0.0:0", false, ""}, {"0.0.0.0:0", true, ""}, {"0.0.0.0:0", false, "0123456789abcdef"}, {"0.0.0.0:0", true, "short"},
		{":0", false, ""}, {"[::]:0", false, ""}, {"example.invalid:0", false, ""},
	} {
		if s, err := Serve(tt.addr, tt.expose, tt.token, &Live{}); !errors.Is(err, ErrExposed) {
			t.Errorf("%+v: %v, %v", tt, s, err)
		}
	}
	if _, err := Serve("9464", false, "", &Live{}); err == nil || !strings.Contains(err.Error(), "HOST:PORT") {
		t.Errorf("no host: %v", err)
	}
	s, err := Serve("localhost:0", false, "", &Live{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
