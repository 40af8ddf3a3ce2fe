package message

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestParseJSONStrings(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`"plain 键 😀"`, "plain 键 😀"},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"},
		{`"a\u00e9b\u952E"`, "aéb键"},
		{`"\uD83D\uDE00"`, "😀"},
		{`"\uD83Dx"`, "\uFFFDx"},
		{`"\uD83D\u0041"`, "\uFFFDA"},
		{"\"\xff\"", "\xff"},
		{`"\x41\0"`, "A\x00"},
	} {
		if v, err := parseJSON("test", []byte(tt.text)); err != nil || v.asString() != tt.want {
			t.Errorf("%s reads as %q, %v, want %q", tt.text, v.asString(), err, tt.want)
		}
	}
}

func TestJSONWriterEscapes(t *testing.T) {
	const text = "\"\\/\b\f\n\r\t\x00\x1f 键😀"
	encoded := KVTable{"k": text + "\xff"}.AppendJSON(nil)
	if got, err := ParseKVTable(encoded); err != nil || got["k"] != text+"\uFFFD" {
		t.Errorf("%s reads as %q, %v", encoded, got["k"], err)
	}
	if !json.Valid(encoded) {
		t.Errorf("%s is no JSON", encoded)
	}
}

func TestR11_JSONRefuses(t *testing.T) {
	for _, text := range []string{
		``, ` `, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{1 2}`, `[1 2]`, `[1,]`, `[`, `"`, `"\`, `"\u12`, `"\u12x4"`, `"\q"`,
		`tru`, `nul`, `NaN`, `{{}:1`, `{[]:1}`, `1 2`, `'a'`, strings.Repeat("[", 1000), strings.Repeat(`{"a":`, 1000), strings.Repeat("{", 1000),
		"[" + strings.Repeat("0,", maxJSONValues) + "0]",
	} {
		if v, err := parseJSON("test", []byte(text)); err == nil {
			t.Errorf("%.40s reads as %v", text, v)
		}
	}
}

func TestParseJSONReferences(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"to a member", `{"a":{"b":"x"},"c":{"$ref":"$.a.b"}}`, "x"},
		{"to an item", `{"a":["w","x"],"c":{"$ref":"$.a[1]"}}`, "x"},
		{"with escapes", `{"a.b[0]":"x","c":{"$ref":"$.a\\.b\\[0\\]"}}`, "x"},
		{"nowhere", `{"c":{"$ref":"$.a.b"}}`, ""},
		{"past the end", `{"a":["w"],"c":{"$ref":"$.a[1]"}}`, ""},
		{"to a reference", `{"a":"x","b":{"$ref":"$.a"},"c":{"$ref":"$.b"}}`, ""},
		{"to itself", `{"c":{"$ref":"$.c"}}`, ""},
		{"up", `{"c":{"$ref":".."}}`, ""},
		{"not closed", `{"a":["x"],"c":{"$ref":"$.a[0"}}`, ""},
	} {
		v, err := parseJSON("test", []byte(tt.text))
		if err != nil || v.get("c").asString() != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.name, v.get("c").asString(), err, tt.want)
		}
	}
	if v, err := parseJSON("test", []byte(`{"$ref":"$"}`)); err != nil || v != nil {
		t.Errorf("a reference as the whole body: %v, %v, want null", v, err)
	}
}

// Sizes that grow by ten must not cost a hundred times more; the bound is wide because machines are busy.
func TestR11_JSONIsLinear(t *testing.T) {
	build := map[string]func(n int) string{
		"references into one object": func(n int) string {
			var b strings.Builder
			b.WriteString(`{"o":{`)
			for i := range n {
				fmt.Fprintf(&b, `"k%d":1,`, i)
			}
			fmt.Fprintf(&b, `"z":"x"},"refs":[`)
			for range n {
				b.WriteString(`{"$ref":"$.o.z"},`)
			}
			return b.String() + `0]}`
		},
		"object keys":  func(n int) string { return `{` + strings.Repeat(`{"queueId":1}:{},`, n) + `"a":1}` },
		"open strings": func(n int) string { return `["` + strings.Repeat(`\"`, n) },
	}
	for name, text := range build {
		cost := func(n int) time.Duration {
			body, best := []byte(text(n)), time.Hour
			for range 3 {
				start := time.Now()
				_, _ = parseJSON("test", body)
				best = min(best, time.Since(start))
			}
			return best
		}
		small, big := cost(3_000), cost(30_000)
		if big > 60*small+50*time.Millisecond {
			t.Errorf("%s: %v for 3000, %v for 30000", name, small, big)
		}
	}
}

func FuzzJSON(f *testing.F) {
	for _, text := range []string{`{}`, `[1,-2.5e3,true,null,"x\u00e9"]`, `{1:{"a":[]},{"b":2}:3,"c":{"$ref":"$.1.a"}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := parseJSON("test", text)
		if json.Valid(text) && err != nil && !strings.Contains(err.Error(), "nested deeper") {
			t.Errorf("%q is JSON: %v", text, err)
		}
		for _, parse := range []func([]byte) error{
			func(b []byte) error { _, err := ParseHeartbeat(b); return err },
			func(b []byte) error { _, err := ParseClusterInfo(b); return err },
			func(b []byte) error { _, err := ParseTopicStats(b); return err },
			func(b []byte) error { _, err := ParseKVTable(b); return err },
			func(b []byte) error { _, err := ParseTopicList(b); return err },
			func(b []byte) error { _, err := ParseTopicConfig(b); return err },
			func(b []byte) error { _, err := ParseProducerConnection(b); return err },
		} {
			if parse(text) == nil && err != nil {
				t.Errorf("%q: a body from what is no JSON", text)
			}
		}
	})
}
