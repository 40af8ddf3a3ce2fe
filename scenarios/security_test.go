package scenarios

import "testing"

func TestSecurityFlags(t *testing.T) {
	namesrv := Override{"target.namesrv", "a:1", "-n"}
	for name, tt := range map[string]struct {
		overrides []Override
		tls       *TLS
		file      string
	}{
		"none":        {[]Override{namesrv}, nil, ""},
		"on":          {[]Override{namesrv, {"target.tls.enabled", "true", "--tls"}}, &TLS{Enabled: true}, ""},
		"implied":     {[]Override{namesrv, {"target.tls.ca", "ca.pem", "--tls-ca"}}, &TLS{Enabled: true, CA: "ca.pem"}, ""},
		"off":         {[]Override{namesrv, {"target.tls.ca", "ca.pem", "--tls-ca"}, {"target.tls.enabled", "false", "--tls"}}, &TLS{CA: "ca.pem"}, ""},
		"credentials": {[]Override{namesrv, {"target.credentials", "/etc/tools.yml", "--credentials"}}, nil, "/etc/tools.yml"},
	} {
		s, err := FromFlags(tt.overrides...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := &s.Cases()[0].Target
		if (got.TLS == nil) != (tt.tls == nil) || got.TLS != nil && *got.TLS != *tt.tls || got.Credentials != tt.file {
			t.Errorf("%s: %+v, %q", name, got.TLS, got.Credentials)
		}
	}
}

// Security belongs to a cluster: naming the embedded broker instead leaves it behind.
func TestEmbeddedLeavesSecurityBehind(t *testing.T) {
	s, err := Parse("a.yaml", []byte("version: 1\nname: a\ntarget: {namesrv: a:1, tls: {}, credentials: f}\n"), Override{"target.embedded.brokers", "2", "--set target.embedded.brokers"})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Cases()[0].Target; got.Embedded == nil || got.TLS != nil || got.Credentials != "" {
		t.Errorf("target %+v", got)
	}
}
