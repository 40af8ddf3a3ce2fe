package scenarios

import (
	"strings"
	"testing"
)

func TestOrderedAndBytes(t *testing.T) {
	for text, want := range map[string]string{
		"load: {ordered: true}":                                     "ordered needs keys",
		"load: {ordered: true, mode: batch}\nmessage: {keys: {}}":   "ordered and mode batch exclude each other",
		"load: {mode: async, in_flight_bytes: 0B}":                  "in_flight_bytes must be at least 1B",
		"load: {mode: request}\nmessage: {delay_level: 2}":          "delay_level and mode request exclude each other",
		"load: {ordered: true}\nmessage: {keys: {}}":                "",
		"load: {mode: async, in_flight_bytes: 5GiB, in_flight: 10}": "",
	} {
		s, err := Parse("t.yaml", []byte("version: 1\nname: t\n"+text))
		switch {
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %s", text, err, want)
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want == "" && s.Load.Mode == Async && s.Load.InFlightBytes != 5<<30:
			t.Errorf("%s: %+v", text, s.Load)
		}
	}
	s, err := Parse("t.yaml", []byte("version: 1\nname: t\nload: {mode: async, in_flight_bytes: 1MiB}"), Override{"load.mode", "sync", "-m"})
	if err != nil || s.Load.InFlightBytes != 0 {
		t.Errorf("sync: %d bytes, %v", s.Load.InFlightBytes, err)
	}
}
