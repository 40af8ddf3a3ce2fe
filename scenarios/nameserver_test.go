package scenarios

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
)

// A URL takes the place of name servers; what is wrong with one is told without what may be a secret.
func TestR42_EndpointFaults(t *testing.T) {
	for _, tt := range []struct {
		value, want string // "": it is taken
	}{
		{"http://h/nsaddr", ""},
		{"https://user:canary@h:8443/nsaddr?canary=canary,a;b", ""},
		{"http://[::1]:8080", ""},
		{"htp://user:canary@h/p?canary", `-n htp://h/p: namesrv must be host:port, or a URL like http://HOST:8080/rocketmq/nsaddr, not "htp://h/p"`},
		{"http://user:can/ary@h/p", `-n http://h/p: namesrv must be host:port, or a URL like http://HOST:8080/rocketmq/nsaddr, not "http://h/p"`},
		{"http://user:12/canary@h/p", "-n http://h/p: namesrv must have no @ but before its host; write %40"},
		{"http://h/p?mail=canary@h", "-n http://h: namesrv must have no @ but before its host; write %40"},
		{"http://user:canary@h:0/", "-n http://h:0/: namesrv must have a port from 1 to 65,535, not \"0\""},
		{"http://user:canary@", `-n http://: namesrv must be host:port, or a URL like http://HOST:8080/rocketmq/nsaddr, not "http://"`},
		{"http://canary@a/p;http://b/p", "-n http://a/p;http://b/p: namesrv must be one URL alone"},
		{"user:canary@h:9876", `-n h:9876: namesrv must be host:port, or a URL like http://HOST:8080/rocketmq/nsaddr, not "h:9876"`},
	} {
		_, err := FromFlags(Override{"target.namesrv", tt.value, "-n"})
		if got := textOf(err); got != tt.want || strings.Contains(got, "canary") {
			t.Errorf("%s\ngot  %s\nwant %s", tt.value, got, tt.want)
		}
	}
	for text, want := range map[string]string{
		"target: {namesrv: [a:1, 'http://canary@h/p']}":                  "a.yaml:3:19: namesrv must be addresses, or one URL alone",
		"target: {namesrv: 'http://user:canary@h/p@'}":                   "a.yaml:3:19: namesrv must have no @ but before its host; write %40",
		"target: {namesrv: 'http://h/p?canary', embedded: {brokers: 1}}": "a.yaml:3:19: namesrv and embedded exclude each other",
		"target: {namesrv: 'canary@h:1'}":                                `a.yaml:3:19: namesrv must be host:port, or a URL like http://HOST:8080/rocketmq/nsaddr, not "h:1"`,
	} {
		_, err := Parse("a.yaml", []byte("version: 1\nname: a\n"+text+"\n"))
		faults, ok := errors.AsType[Faults](err)
		if !ok || faults.Error() != want || strings.Contains(faults.Detail(), "canary") {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Whatever form a scenario is shown in, an endpoint's URL is there without its secrets; the run has it whole.
func TestR42_EndpointIsShownWithoutSecrets(t *testing.T) {
	const whole = "http://user:canary@h:8080/nsaddr?token=canary"
	for name, parse := range map[string]func() (*Scenario, error){
		"flag": func() (*Scenario, error) { return FromFlags(Override{"target.namesrv", whole, "-n"}) },
		"set": func() (*Scenario, error) {
			return FromFlags(Override{"target.namesrv", whole, "--set target.namesrv"})
		},
		"file": func() (*Scenario, error) {
			return Parse("a.yaml", []byte("version: 1\nname: a\ntarget: {namesrv: ['"+whole+"']}\n"))
		},
		"matrix": func() (*Scenario, error) {
			return Parse("a.yaml", []byte("version: 1\nname: a\ntarget: {namesrv: a:1}\nmatrix: {target.namesrv: ['"+whole+"', 'b:1']}\n"))
		},
	} {
		s, err := parse()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := s.Cases()[0].Target.Namesrv; len(got) != 1 || got[0] != whole {
			t.Errorf("%s: a case has %q", name, got)
		}
		var b strings.Builder
		if err := s.Render(&b); err != nil {
			t.Error(err)
		}
		if err := s.Explain(&b); err != nil {
			t.Error(err)
		}
		resolved, err := json.Marshal(s.Resolved())
		if err != nil {
			t.Error(err)
		}
		b.Write(resolved)
		for _, c := range s.Cases() {
			b.WriteString(c.Name)
			for path, text := range c.Params {
				b.WriteString(path + text)
			}
		}
		if text := b.String(); strings.Contains(text, "canary") || !strings.Contains(text, "http://h:8080/nsaddr") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// What is shown of a URL that is taken is the same place without its user and query.
func FuzzWithoutSecrets(f *testing.F) {
	for _, seed := range []string{"http://h/p", "https://u:p@[::1]:8080/a%40b?c=d#e", "http://u:1/p@h", "http://h?a@b", "u:p@h:1", "://@", "http://u@h://"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		shown := WithoutSecrets(text)
		if strings.Contains(shown, "@") && strings.Count(text, "://") < 2 {
			t.Errorf("%q is shown as %q", text, shown)
		}
		if !IsEndpoint(text) || CheckEndpoint(text) != nil {
			return
		}
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := url.Parse(shown); err != nil || got.Host != u.Host || got.Path != u.Path || got.User != nil || got.RawQuery != "" || got.Fragment != "" {
			t.Errorf("%q is shown as %q, %v", text, shown, err)
		}
	})
}
