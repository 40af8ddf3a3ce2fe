package results

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// wholeResult is a result as a run of quick leaves it.
func wholeResult() *Result {
	r := &Result{Run: quickRun()}
	Judge(r.Run)
	start := r.Run.StartedAt.Truncate(time.Millisecond)
	for i := range r.Run.Cases {
		c := &r.Run.Cases[i]
		l, name := c.timed(c.Mode)
		h := spread(l.Count, time.Duration(l.Min), time.Duration(l.Max))
		r.Histograms = append(r.Histograms, TaggedHistogram{Case: c.Name, Metric: name, Start: start.Add(time.Duration(2*i) * time.Second), Length: 2 * time.Second, Histogram: h})
		for n := range 4 {
			p := Point{Case: c.Name, StartOffsetNS: int64(4*i+n) * 5e8, LengthNS: 5e8, Attempted: c.Attempted / 4, Acknowledged: c.Attempted / 4,
				MessagesPerSecond: PerSecond(c.Attempted/4, 5e8), Response: Summarize(h), Service: c.Service,
				Brokers: []BrokerPoint{{Broker: "broker-0", PutPerSecond: new(1000.0), PutTimes: map[string]int64{"<=0ms": 3}, SendQueue: new(int64(n))}}}
			r.Series = append(r.Series, p)
		}
	}
	return r
}

// put writes a result's directory.
func put(t *testing.T, r *Result) string {
	t.Helper()
	d, err := Create(t.TempDir(), r.Run.Name, r.Run.StartedAt)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.WriteRun(r.Run), d.WriteSeries(r.Series), d.WriteLog(r.Histograms)); err != nil {
		t.Fatal(err)
	}
	return d.Path()
}

// What was written is read again, losing nothing.
func TestOpen(t *testing.T) {
	want := wholeResult()
	want.Histograms = append(want.Histograms, TaggedHistogram{Case: "100% a_b\n,é.x", Metric: "delay", Start: want.Histograms[0].Start, Histogram: NewHistogram()},
		TaggedHistogram{Case: "c", Metric: "delay", Start: want.Histograms[0].Start, Length: time.Hour, Histogram: func() *Histogram {
			h := NewHistogram()
			for _, ns := range []int64{-5, 0, 1, 12345678, 2 * highestNS} {
				h.Record(ns)
			}
			return h
		}()})
	dir := put(t, want)
	for _, path := range []string{dir, filepath.Join(dir, RunFile)} {
		got, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Series, want.Series) {
			t.Errorf("series: %+v", got.Series)
		}
		if len(got.Histograms) != len(want.Histograms) {
			t.Fatalf("%d histograms, want %d", len(got.Histograms), len(want.Histograms))
		}
		for i, w := range want.Histograms {
			g := got.Histograms[i]
			if !slices.Equal(g.Histogram.buckets.Export().Counts, w.Histogram.buckets.Export().Counts) {
				t.Errorf("%s: buckets differ", w.Tag())
			}
			if got, want := g.Histogram.exactly(), w.Histogram.exactly(); got != want {
				t.Errorf("%s: %s, want %s", w.Tag(), got, want)
			}
			if g.Case != w.Case || g.Metric != w.Metric || !g.Start.Equal(w.Start) || g.Length != w.Length {
				t.Errorf("got %+v, want %+v", g, w)
			}
		}
	}
}

// A killed run leaves a record and a series; a copied record stands alone.
func TestOpenWithoutTheRest(t *testing.T) {
	r := wholeResult()
	d, err := Create(t.TempDir(), "killed", r.Run.StartedAt)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Checkpoint(r.Run, r.Series); err != nil {
		t.Fatal(err)
	}
	got, err := Open(d.Path())
	if err != nil || len(got.Series) != len(r.Series) || got.Histograms != nil {
		t.Errorf("%+v, %v", got, err)
	}
	alone := filepath.Join(d.Path(), "copy.json")
	if err := os.Rename(filepath.Join(d.Path(), RunFile), alone); err != nil {
		t.Fatal(err)
	}
	if got, err := Open(alone); err != nil || got.Series != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// payload is a V2 compressed histogram with such a head, whose counts are n zero bytes before compression.
func payload(digits uint32, lowest, highest uint64, length uint32, n int) string {
	var plain bytes.Buffer
	for _, v := range []any{uint32(0x1c849313), length, uint32(0), digits, lowest, highest, float64(1), make([]byte, n)} {
		_ = binary.Write(&plain, binary.BigEndian, v) // a buffer takes all
	}
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, _ = z.Write(plain.Bytes())
	_ = z.Close()
	head := binary.BigEndian.AppendUint32(nil, 0x1c849314)
	head = binary.BigEndian.AppendUint32(head, uint32(packed.Len()))
	return base64.StdEncoding.EncodeToString(append(head, packed.Bytes()...))
}

// A hostile log is refused in little time and memory: a bomb, 10⁹ buckets, another configuration, contradictions.
func TestR38_R45_HostileLog(t *testing.T) {
	line := func(payload string) string { return "Tag=a.b,0.000,1.000,1.000000," + payload + "\n" }
	var whole strings.Builder
	if err := encodeLog(&whole, []TaggedHistogram{{Case: "a", Metric: "b", Start: noon, Histogram: spread(100, 10, 1000)}}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ log, want string }{
		"a bomb":                 {line(payload(3, 1, highestNS, 100<<20, 10<<20)), "PayloadLength"},
		"10⁹ buckets":            {line(payload(5, 1, 1<<62, 10, 10)), ErrUnlike.Error()},
		"another configuration":  {line(payload(3, 1000, highestNS, 0, 0)), ErrUnlike.Error()},
		"no head":                {line("AAAA"), "cut short"},
		"no base64":              {line("%%%"), "illegal base64"},
		"no fields":              {"hello\n", "no interval"},
		"no metric":              {strings.Replace(line(payload(3, 1, highestNS, 0, 0)), "a.b", "ab", 1), "case.metric"},
		"NaN":                    {strings.Replace(line(payload(3, 1, highestNS, 0, 0)), "1.000,", "NaN,", 1), "no time"},
		"a year beyond counting": {"#[StartTime: 1e300 (seconds since epoch)]\n", "no time"},
		"a long line":            {strings.Repeat("x", 2<<20), "a line of more than 1 MiB"},
		"another minimum":        {strings.Replace(whole.String(), "min 10 ", "min 900 ", 1), "contradict"},
		"a sum too large":        {strings.Replace(whole.String(), "sum ", "sum 99999", 1), "contradict"},
		"a sum of 10⁹ digits":    {strings.Replace(whole.String(), "sum ", "sum "+strings.Repeat("9", 1000), 1), "sum that none"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.log == whole.String() {
				t.Fatal("nothing was changed")
			}
			_, err := decodeLog(strings.NewReader(tt.log))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// A log that Java's tools or anybody else's wrote has no exact values; those of the buckets are within 0.1 %.
func TestForeignLog(t *testing.T) {
	h := spread(1000, 10*time.Microsecond, 10*time.Millisecond)
	var log strings.Builder
	if err := encodeLog(&log, []TaggedHistogram{{Case: "a", Metric: "b", Start: noon, Histogram: h}}); err != nil {
		t.Fatal(err)
	}
	at, to := strings.Index(log.String(), "#[exactly"), strings.Index(log.String(), "Tag=")
	got, err := decodeLog(strings.NewReader(log.String()[:at] + log.String()[to:]))
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	g := got[0].Histogram
	for name, v := range map[string][2]int64{"min": {g.Min(), h.Min()}, "max": {g.Max(), h.Max()}, "mean": {g.Mean(), h.Mean()}, "count": {g.Count(), h.Count()}} {
		if off := float64(v[0]-v[1]) / float64(v[1]); off < -0.001 || off > 0.001 {
			t.Errorf("%s: %d, want %d within 0.1 %%", name, v[0], v[1])
		}
	}
}

// What would become far more in memory than it is on disk is refused before it does.
func TestR45_HostileJSON(t *testing.T) {
	zeros := func(n int) string { return "[" + strings.Repeat("0,", n-1) + "0]" }
	for name, tt := range map[string]struct{ text, want string }{
		"a million cases": {`{"schema":"rmqbench.run/1","cases":` + zeros(1<<20) + `}`, "a list of more than 65,536 values"},
		"many lists":      {`{"schema":"rmqbench.run/1","cases":[` + strings.Repeat(`{"stages":`+zeros(60_000)+`},`, 40) + `0]}`, "more than 2,097,152 values"},
		"a deep well":     {`{"schema":"rmqbench.run/1","scenario":` + strings.Repeat("[", 1<<16), "nested deeper"},
	} {
		if _, err := decode(strings.NewReader(tt.text), maxRunBytes); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
		if _, err := decodeSeries(strings.NewReader(tt.text)); err == nil {
			t.Errorf("%s: a series took it", name)
		}
	}
	for name, tt := range map[string]struct{ text, want string }{
		"many lines":   {strings.Repeat("{}\n", maxPoints+1), "more than 100,000 lines"},
		"many brokers": {strings.Repeat(`{"brokers":`+strings.ReplaceAll(zeros(60_000), "0", "null")+"}\n", 40), "more than 2,097,152 values"},
		"before time":  {`{"start_offset_ns":-1}`, "line 1: a time below 0"},
		"no JSON":      {"{}\n{\n", "line 2"},
	} {
		if _, err := decodeSeries(strings.NewReader(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

func FuzzSeries(f *testing.F) {
	var lines bytes.Buffer
	if err := encodeSeries(&lines, wholeResult().Series[:3]); err != nil {
		f.Fatal(err)
	}
	f.Add(lines.Bytes())
	f.Add([]byte("{}\r\n{}"))
	f.Add([]byte(`{"brokers":[null,{"put_times":{"a":1}}],"start_offset_ns":1e3}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		points, err := decodeSeries(bytes.NewReader(data))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := encodeSeries(&again, points); err != nil {
			t.Fatal(err)
		}
		if got, err := decodeSeries(&again); err != nil || len(got) != len(points) {
			t.Fatalf("what was read and written can't be read: %v", err)
		}
	})
}

func FuzzLog(f *testing.F) {
	var log bytes.Buffer
	if err := encodeLog(&log, []TaggedHistogram{{Case: "a b", Metric: "response", Start: noon, Histogram: spread(50, 1, time.Second)}}); err != nil {
		f.Fatal(err)
	}
	f.Add(log.Bytes())
	f.Add([]byte("Tag=a.b,0,1,1," + payload(3, 1, highestNS, 4, 4)))
	f.Add([]byte("Tag=a.b,0,1,1," + payload(5, 1, 1<<62, 1<<30, 4)))
	f.Fuzz(func(t *testing.T, data []byte) {
		histograms, err := decodeLog(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, h := range histograms {
			if l := Summarize(h.Histogram); l != nil && !l.ordered() {
				t.Fatalf("%s: %+v is not in order", h.Tag(), l)
			}
		}
		var again bytes.Buffer
		if err := encodeLog(&again, histograms); err != nil {
			t.Fatal(err)
		}
		got, err := decodeLog(&again)
		if err != nil || len(got) != len(histograms) {
			t.Fatalf("what was read and written can't be read: %v", err)
		}
	})
}
