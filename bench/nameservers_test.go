package bench

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"rmqbench/broker"
	"rmqbench/internal/peer"
)

// An HTTP endpoint tells where the name servers are: it is asked once, and what it told is what is looked at, loaded and recorded.
func TestEndpointTellsNameServers(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{Cluster: "mine"})
	ns, nobody := c.NameServer(), peer.Dead(t)
	asked := make(chan string, 64)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		switch r.URL.Path {
		case "/nsaddr":
			fmt.Fprintf(w, "%s;%s\n", nobody, ns)
		case "/page":
			fmt.Fprint(w, "<html>welcome</html>")
		case "/none":
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(web.Close)
	want := []string{nobody, ns}

	const load = "load: {stages: [{for: 1s, rate: 1k/s}]}\ncases: [{name: a}, {name: b, load: {mode: async}}]\n"
	targets, err := preflight(t.Context(), parse(t, on(web.URL+"/nsaddr")+"topic: {name: FRESH}\n"+load), Options{})
	if err != nil || len(targets) != 2 || !slices.Equal(targets[0].nameServers, want) || !slices.Equal(targets[1].record.Namesrv, want) || !targets[0].local {
		t.Fatalf("%+v, %v", targets, err)
	}
	if n := len(asked); n != 1 {
		t.Errorf("asked %d times for two cases of one target", n)
	}
	if _, err := route(t, ns, "FRESH"); err != nil {
		t.Errorf("the topic was made elsewhere: %v", err)
	}
	for path, wants := range map[string][]string{
		"/page": {"<html>", "is no HOST:PORT", "rocketmq/nsaddr"}, "/none": {"it named none"}, "/nosuch": {"it answered 404", "is that the endpoint?"},
	} {
		_, err := preflight(t.Context(), parse(t, on(strings.Replace(web.URL, "//", "//user:canary@", 1)+path+"?canary")+load), Options{})
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", path, err)
			continue
		}
		for _, w := range append(wants, web.URL+path) {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v lacks %q", path, err, w)
			}
		}
		if !notUp(err) {
			t.Errorf("%s: --wait would not wait: %v", path, err)
		}
	}

	checks := Doctor(t.Context(), DoctorOptions{NameServers: []string{web.URL + "/nsaddr?canary"}})
	told := find(checks, "name servers of "+web.URL+"/nsaddr")
	if told.Level != OK || told.Detail != "it tells "+nobody+", "+ns || told.Next == "" {
		t.Errorf("%+v", told)
	}
	if a, b := find(checks, "name server "+nobody), find(checks, "name server "+ns); a.Level != Warn || b.Level != OK {
		t.Errorf("%+v, %+v", a, b)
	}
	for _, check := range checks {
		if strings.Contains(check.String(), "canary") {
			t.Errorf("%s", check)
		}
	}
	checks = Doctor(t.Context(), DoctorOptions{NameServers: []string{web.URL + "/nosuch?canary"}})
	if last := checks[len(checks)-1]; last.Level != Fail || last.What != "name servers of "+web.URL+"/nosuch" || !strings.Contains(last.Detail, "404") || !strings.Contains(last.Next, "HOST:PORT;HOST:PORT") {
		t.Errorf("%+v", last)
	}
}
