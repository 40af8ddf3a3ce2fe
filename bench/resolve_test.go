package bench

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"rmqbench/broker"
)

// A cluster that advertises an address nobody reaches is of use all the same, where the user says which one is.
func TestResolve(t *testing.T) {
	c := cluster(t, broker.Options{Advertise: "203.0.113.7"}) // TEST-NET-3: nobody has it
	var resolve []string
	for _, addr := range []string{c.NameServer(), c.Brokers()[0].Addr()} {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		resolve = append(resolve, addr+"=127.0.0.1:"+port)
	}
	s := scenario(t, fmt.Sprintf("target: {namesrv: [%q], resolve: [%q, %q]}\ntopic: {create: if_absent}\nload: {stages: [{for: 200ms, rate: 500/s}]}\n",
		c.NameServer(), resolve[0], resolve[1]))
	report, err := Run(t.Context(), s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := report.Run.Cases[0]; got.Acknowledged != 100 {
		t.Errorf("%d of 100 acknowledged", got.Acknowledged)
	}
	security, err := SecurityOf(&s.Cases()[0].Target)
	if err != nil {
		t.Fatal(err)
	}
	healthy := Doctor(t.Context(), DoctorOptions{NameServers: []string{c.NameServer()}, Security: *security})
	security.Resolve = map[string]string{c.NameServer(): security.Resolve[c.NameServer()]}
	lame := Doctor(t.Context(), DoctorOptions{NameServers: []string{c.NameServer()}, Security: *security})
	for name, tt := range map[string]struct {
		checks []Check
		want   Level
		next   string
	}{"all resolved": {healthy, OK, ""}, "only the name server": {lame, Fail, "--resolve " + c.Brokers()[0].Addr() + "="}} {
		found := false
		for _, check := range tt.checks {
			if strings.HasPrefix(check.What, "broker ") {
				found = true
				if check.Level != tt.want || !strings.Contains(check.Next, tt.next) {
					t.Errorf("%s: %+v", name, check)
				}
			}
		}
		if !found {
			t.Errorf("%s: no line about the broker in %+v", name, tt.checks)
		}
	}
}
