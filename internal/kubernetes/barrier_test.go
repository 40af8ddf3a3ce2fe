package kubernetes

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// server is an API server with one Job.
type server struct {
	mu     sync.Mutex // protects following
	ready  int
	notes  map[string]string
	down   bool // it answers 503
	forbid bool
	asked  int
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	fail := func(code int, text string) {
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"kind":"Status","message":%q}`, text)
	}
	switch {
	case s.down:
		fail(503, "not now")
		return
	case r.Header.Get("Authorization") != "Bearer secret" || s.forbid:
		fail(403, `jobs.batch "bench" is forbidden`)
		return
	case r.URL.Path != "/apis/batch/v1/namespaces/load/jobs/bench":
		fail(404, "no such path "+r.URL.Path)
		return
	}
	if r.Method == http.MethodPatch {
		var patch jobObject
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &patch); err != nil || r.Header.Get("Content-Type") != "application/merge-patch+json" {
			fail(400, "not a merge patch")
			return
		}
		s.notes = patch.Metadata.Annotations
	}
	fmt.Fprintf(w, `{"kind":"Job","metadata":{"name":"bench","annotations":%s},"status":{"active":3,"ready":%d}}`, mustJSON(s.notes), s.ready)
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// jobOf is a Job of s, as a pod finds it.
func jobOf(t *testing.T, s *server) *Job {
	t.Helper()
	ts := httptest.NewTLSServer(s)
	t.Cleanup(ts.Close)
	dir := t.TempDir()
	for name, text := range map[string]string{"namespace": "load\n", "token": "secret\n",
		"ca.crt": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ts.Certificate().Raw}))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	j, err := newJob(ts.URL, dir, "bench")
	if err != nil {
		t.Fatal(err)
	}
	j.Poll, j.Ahead, j.Patience = time.Millisecond, time.Second, 20*time.Millisecond
	t.Cleanup(j.client.CloseIdleConnections)
	return j
}

// TestBeginTogether: nobody begins before all pods are ready, and then all are told one time.
func TestBeginTogether(t *testing.T) {
	s := &server{ready: 2, down: true}
	j := jobOf(t, s)
	times := make(chan time.Time)
	for i := range 3 {
		go func() {
			at, err := j.Begin(t.Context(), i, 3)
			if err != nil {
				t.Error(err)
			}
			times <- at
		}()
	}
	wait := func(change func()) {
		for range 20 {
			select {
			case at := <-times:
				t.Fatalf("somebody begins at %v while %d of 3 are ready", at, s.ready)
			case <-time.After(time.Millisecond):
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		change()
	}
	wait(func() { s.down = false })
	wait(func() { s.ready = 3 })
	first := <-times
	for range 2 {
		if at := <-times; !at.Equal(first) {
			t.Errorf("one begins at %v, another at %v", first, at)
		}
	}
	if until := time.Until(first); until > time.Second || until < -10*time.Second {
		t.Errorf("it begins in %v", until)
	}
}

func TestBeginFails(t *testing.T) {
	for name, tt := range map[string]struct {
		s    *server
		want string
	}{
		"forbidden":     {&server{forbid: true}, `is forbidden; its service account needs get and patch on this Job`},
		"not a time":    {&server{notes: map[string]string{Annotation: "soon"}}, "is no time"},
		"never ready":   {&server{ready: 2}, "waiting for 3 pods of the Job"},
		"out of reach":  {&server{down: true}, "503: not now"},
		"another's Job": {&server{}, "no such path"},
	} {
		j := jobOf(t, tt.s)
		if name == "another's Job" {
			j.url += "2"
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err := j.Begin(ctx, 0, 3)
		cancel()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the token is in %v", name, err)
		}
	}
}

func TestInCluster(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if _, err := InCluster("bench"); err == nil || !strings.Contains(err.Error(), "no pod of Kubernetes") {
		t.Errorf("outside: %v", err)
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
	t.Setenv("KUBERNETES_SERVICE_PORT", "443")
	if _, err := InCluster(""); err == nil || !strings.Contains(err.Error(), "JOB_NAME") {
		t.Errorf("without a name: %v", err)
	}
}
