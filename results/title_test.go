package results

import (
	"strings"
	"testing"
)

func TestTitleTellsTLS(t *testing.T) {
	for want, target := range map[string]Target{
		"a:1":                     {Namesrv: []string{"a:1"}},
		"a:1 · TLS":               {Namesrv: []string{"a:1"}, TLS: true},
		"a:1 · TLS, NOT VERIFIED": {Namesrv: []string{"a:1"}, TLS: true, TLSInsecure: true},
	} {
		if got := Title(&Run{Name: "run", Target: target}); !strings.HasSuffix(got, " · "+want) {
			t.Errorf("title %q, want %q at its end", got, want)
		}
	}
}
