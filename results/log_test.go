package results

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rmqbench/internal/golden"
)

func TestTag(t *testing.T) {
	seen := map[string]string{}
	for name, want := range map[string]string{
		"sync 64":        "sync_64.response",
		"sync_64":        "sync%5F64.response",
		"a,b\r\nTag=c":   "a%2Cb%0D%0ATag=c.response",
		"size=1KiB/zlib": "size=1KiB/zlib.response",
		"100%":           "100%25.response",
		"é":              "%C3%A9.response",
		"\xff":           "%FF.response",
		"":               ".response",
		"sync%5F64":      "sync%255F64.response",
		"p.q":            "p.q.response",
	} {
		got := TaggedHistogram{Case: name, Metric: "response"}.Tag()
		if got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q share the tag %s", name, other, got)
		}
		seen[got] = name
	}
}

// The library's own reader finds every interval with its tag, its times and all its buckets.
func TestLogIsRead(t *testing.T) {
	start := noon.Add(123 * time.Millisecond)
	written := []TaggedHistogram{
		{"sync 64", "response", start.Add(2 * time.Second), 2 * time.Second, spread(10_000, 100*time.Microsecond, time.Second)},
		{"sync 64", "service", start, 2500 * time.Millisecond, spread(10, 1, 2*time.Hour)},
		{"a,b\nc", "delay", start.Add(time.Millisecond), 0, NewHistogram()},
	}
	var log strings.Builder
	if err := encodeLog(&log, written); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "latency.hlog", regexp.MustCompile(`HIST\S+`).ReplaceAllString(log.String(), "HIST…")) // zlib's bytes are Go's affair

	reader := hdrhistogram.NewHistogramLogReader(strings.NewReader(log.String()))
	for _, want := range written {
		got, err := reader.NextIntervalHistogram()
		if err != nil || got == nil {
			t.Fatalf("%s: %v, %v", want.Tag(), got, err)
		}
		if got.Tag() != want.Tag() {
			t.Errorf("tag %s, want %s", got.Tag(), want.Tag())
		}
		if !slices.Equal(got.Export().Counts, want.Histogram.buckets.Export().Counts) {
			t.Errorf("%s: buckets differ", want.Tag())
		}
		if late := got.StartTimeMs() - want.Start.UnixMilli(); late < -1 || late > 1 { // the reader cuts a float
			t.Errorf("%s: start is off by %d ms", want.Tag(), late)
		}
		if length := got.EndTimeMs() - got.StartTimeMs(); length < want.Length.Milliseconds()-1 || length > want.Length.Milliseconds()+1 {
			t.Errorf("%s: length %d ms, want %v", want.Tag(), length, want.Length)
		}
	}
	if got, err := reader.NextIntervalHistogram(); got != nil || err != nil {
		t.Errorf("one more interval: %v, %v", got, err)
	}
}

// failAfter fails the write that would bring it over n bytes.
type failAfter int

var errFull = errors.New("full")

func (n *failAfter) Write(p []byte) (int, error) {
	if *n -= failAfter(len(p)); *n < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestR28_FullDisk(t *testing.T) {
	r := quickRun()
	Judge(r)
	for _, n := range []failAfter{0, 100, 300, 500} {
		log, run, table := n, n, n
		if err := encodeLog(&log, []TaggedHistogram{{Histogram: spread(1000, 1, time.Second)}}); !errors.Is(err, errFull) {
			t.Errorf("log with %d bytes of room: %v", n, err)
		}
		if err := Encode(&run, r); !errors.Is(err, errFull) {
			t.Errorf("run with %d bytes of room: %v", n, err)
		}
		if err := WriteTable(&table, r); !errors.Is(err, errFull) {
			t.Errorf("table with %d bytes of room: %v", n, err)
		}
	}
}
