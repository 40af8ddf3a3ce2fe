package message

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"rmqbench/internal/vectors"
)

// pairs are properties as vectors write them: a value may be null, which no encoder writes.
type pairs [][2]*string

func (p pairs) properties() Properties {
	var props Properties
	for _, pair := range p {
		if pair[1] != nil {
			props = append(props, Property{*pair[0], *pair[1]})
		}
	}
	return props
}

func TestVectorProperties(t *testing.T) {
	for _, tt := range vectors.Load[struct {
		Name, Kind            string
		Properties            pairs
		InputHex, ExpectedHex vectors.Hex
		Expected              map[string]string
		Key                   string
	}](t, "properties.json") {
		t.Run(tt.Name, func(t *testing.T) {
			switch kind, version, _ := strings.Cut(tt.Kind, "-"); kind {
			case "encode":
				props := tt.Properties.properties()
				got := AppendProperties([]byte("before"), props)
				want := "before" + string(tt.ExpectedHex)
				if version == "4.9.7" && len(props) > 0 {
					want += "\x02" // that version drops the last one
				}
				if string(got) != want {
					t.Errorf("AppendProperties = %q, want %q", got, want)
				}
				if n := PropertiesLen(props); n != len(got)-len("before") {
					t.Errorf("PropertiesLen = %d, want %d", n, len(got)-len("before"))
				}
				if version != "" { // both trailing forms read the same
					checkDecode(t, tt.ExpectedHex, props.Map())
				}
			case "decode":
				checkDecode(t, tt.InputHex, tt.Expected)
			case "delete":
				if got := DeleteProperty(string(tt.InputHex), tt.Key); got != string(tt.ExpectedHex) {
					t.Errorf("DeleteProperty(%q, %q) = %q, want %q", tt.InputHex, tt.Key, got, tt.ExpectedHex)
				}
			default:
				t.Errorf("unknown kind %q", tt.Kind)
			}
		})
	}
}

// checkDecode holds the two ways to read a properties string against want and against each other.
func checkDecode(t *testing.T, encoded []byte, want map[string]string) {
	t.Helper()
	got := DecodeProperties(encoded)
	if !maps.Equal(got.Map(), want) || len(got) != len(want) {
		t.Errorf("DecodeProperties(%q) = %q, want %q", encoded, got, want)
	}
	for key, value := range want {
		if found, ok := LookupProperty(encoded, key); !ok || string(found) != value {
			t.Errorf("LookupProperty(%q, %q) = %q, %v, want %q", encoded, key, found, ok, value)
		}
	}
}

func TestPropertiesChange(t *testing.T) {
	props := Properties{{"a", "1"}, {"b", "2"}, {"a", "3"}}
	if got, ok := props.Get("a"); got != "3" || !ok {
		t.Errorf("Get of a key met twice = %q, %v, want the later value", got, ok)
	}
	if _, ok := props.Get("c"); ok {
		t.Error("Get finds a key that is not there")
	}
	props.Set("b", "20")
	props.Set("c", "4")
	props.Delete("a")
	if want := (Properties{{"b", "20"}, {"c", "4"}}); !slices.Equal(props, want) {
		t.Errorf("after Set and Delete: %q, want %q", props, want)
	}
}

func TestDecodePropertiesMany(t *testing.T) {
	var text strings.Builder
	for i := range 3 * manyProperties {
		fmt.Fprintf(&text, "k%d\x01old\x02", i)
	}
	for i := range 3 * manyProperties {
		fmt.Fprintf(&text, "k%d\x01new%d\x02", i, i)
	}
	props := DecodeProperties(text.String())
	if len(props) != 3*manyProperties {
		t.Fatalf("%d properties, want %d", len(props), 3*manyProperties)
	}
	for i, p := range props {
		if want := (Property{fmt.Sprintf("k%d", i), fmt.Sprintf("new%d", i)}); p != want {
			t.Errorf("property %d is %q, want %q", i, p, want)
		}
	}
}

func TestDeletePropertyKeepsOtherBytes(t *testing.T) {
	for _, tt := range []struct{ encoded, key, want string }{
		{"", "k", ""},
		{"xk\x01v\x02", "k", "xk\x01v\x02"},
		{"k\x02k\x01\x02rest", "k", "k\x02rest"},
		{"a\x01k\x01v\x02\x02", "k", "a\x01k\x01v\x02\x02"},
	} {
		if got := DeleteProperty(tt.encoded, tt.key); got != tt.want {
			t.Errorf("DeleteProperty(%q, %q) = %q, want %q", tt.encoded, tt.key, got, tt.want)
		}
	}
}

func FuzzProperties(f *testing.F) {
	for _, tt := range vectors.Load[struct{ InputHex, ExpectedHex vectors.Hex }](f, "properties.json") {
		f.Add([]byte(tt.InputHex), "POP_CK")
		f.Add([]byte(tt.ExpectedHex), "TAGS")
	}
	f.Fuzz(func(t *testing.T, encoded []byte, key string) {
		props := DecodeProperties(encoded)
		if again := DecodeProperties(AppendProperties(nil, props)); !slices.Equal(again, props) {
			t.Errorf("%q decodes to %q, and that encoded to %q", encoded, props, again)
		}
		if strings.ContainsAny(key, "\x01\x02") {
			return
		}
		want, there := props.Get(key)
		if got, ok := LookupProperty(encoded, key); ok != there || string(got) != want {
			t.Errorf("LookupProperty(%q, %q) = %q, %v, decoding says %q, %v", encoded, key, got, ok, want, there)
		}
		if value, ok := LookupProperty([]byte(DeleteProperty(string(encoded), key)), key); ok {
			t.Errorf("DeleteProperty(%q, %q) leaves %q", encoded, key, value)
		}
	})
}

var sampleProperties = Properties{
	{PropertyUniqueKey, "7F0000010ABC18B4AAC20001E2410001"}, {PropertyWaitStoreOK, "true"}, {PropertyTags, "TagA"}, {PropertyKeys, "k1 k2"},
}

func BenchmarkAppendProperties(b *testing.B) {
	buf := make([]byte, 0, PropertiesLen(sampleProperties))
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendProperties(buf[:0], sampleProperties)
	}
}

func BenchmarkLookupProperty(b *testing.B) {
	encoded := AppendProperties(nil, sampleProperties)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := LookupProperty(encoded, PropertyUniqueKey); !ok {
			b.Fatal("not found")
		}
	}
}

func TestPropertiesAllocateNothing(t *testing.T) {
	encoded := AppendProperties(nil, sampleProperties)
	buf := bytes.Clone(encoded)
	if n := testing.AllocsPerRun(100, func() {
		buf = AppendProperties(buf[:0], sampleProperties)
		LookupProperty(encoded, PropertyTags)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
