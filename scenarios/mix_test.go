package scenarios

import (
	"reflect"
	"slices"
	"testing"
)

// TestMix: what a kind doesn't say is the load's and the message's, and a load knows how its messages are sent.
func TestMix(t *testing.T) {
	s, err := Parse("a.yaml", []byte(`
version: 1
name: mix
message: {size: 1KiB, compressible: 0.5, keys: {distinct: 10}, properties: {a: b}, delay_level: 2}
load:
  mix:
    - {name: small, weight: 9}
    - {name: big, mode: transaction, message: {size: {uniform: [1KiB, 64KiB]}, tags: 2}}
`))
	if err != nil {
		t.Fatal(err)
	}
	l := &s.Load
	properties := []Pair[string, string]{{"a", "b"}}
	want := []Kind{
		{Name: "small", Weight: 9, Mode: Sync, Message: Message{Size: 1024, Compressible: 0.5, Properties: properties}},
		{Name: "big", Weight: 1, Mode: Transactional, Message: Message{Sizes: &Sizes{Uniform: []Size{1024, 65536}}, Compressible: 0.5, Tags: 2, Properties: properties}},
	}
	if !reflect.DeepEqual(l.Mix, want) {
		t.Errorf("got  %+v\nwant %+v", l.Mix, want)
	}
	if l.Way() != Mixed || !l.Uses(Sync) || !l.Uses(Transactional) || l.Uses(Oneway) || l.Transaction == nil {
		t.Errorf("%s: %v, %+v", l.Way(), l.Modes(), l.Transaction)
	}
	if got := s.Cases()[0].Name; got != "mixed 64" {
		t.Errorf("the case is named %q", got)
	}
	for mode, way := range map[string]Mode{"async": Async, "request": Request, "oneway": Oneway} {
		s, err := Parse("a.yaml", []byte("version: 1\nname: mix\nload: {mode: "+mode+", mix: [{name: a}, {name: b, weight: 3, message: {size: 1B}}]}"))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Load.Modes(); s.Load.Way() != way || !slices.Equal(got, []Mode{way}) || s.Load.Transaction != nil || (s.Load.InFlight > 0) != (way == Async) {
			t.Errorf("%s: %s, %v", mode, s.Load.Way(), got)
		}
	}
}
