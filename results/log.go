package results

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"math/bits"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// TaggedHistogram is an interval of an HdrHistogram log: one metric of one case.
type TaggedHistogram struct {
	Case      string
	Metric    string // response, service, …: the part of the tag after the last dot, so it holds none
	Start     time.Time
	Length    time.Duration
	Histogram *Histogram
}

// Tag is the interval's tag, "case.metric". A tag may hold neither comma nor space nor line break: a space of the case's
// name becomes "_", and what is neither an ASCII letter or digit nor one of "./=+:@-" becomes %XX, byte by byte. Unlike names have
// unlike tags.
func (t TaggedHistogram) Tag() string {
	var b strings.Builder
	for _, c := range []byte(t.Case) {
		switch {
		case c == ' ':
			b.WriteByte('_')
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("./=+:@-", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String() + "." + t.Metric
}

// untag is the case and the metric of a tag.
func untag(tag string) (name, metric string, err error) {
	dot := strings.LastIndexByte(tag, '.')
	if dot < 0 {
		return "", "", errors.New("a tag that isn't case.metric")
	}
	name, err = url.PathUnescape(strings.ReplaceAll(tag[:dot], "_", " "))
	return name, tag[dot+1:], err
}

// encodeLog writes histograms as an HdrHistogram log, format 1.3 with V2 compressed payloads: times in seconds since the
// earliest start, maxima in milliseconds, values in nanoseconds. A comment before each line has what its buckets don't know. The
// lines are written here because the library's writer cuts start times to whole seconds and knows only the maximum's bucket.
func encodeLog(w io.Writer, histograms []TaggedHistogram) error {
	if _, err := fmt.Fprint(w, "#[rmqbench: durations in nanoseconds]\n#[Histogram log format version 1.3]\n"); err != nil {
		return err
	}
	start := time.UnixMilli(0) // of a log without histograms
	for i, t := range histograms {
		if i == 0 || t.Start.Before(start) {
			start = t.Start
		}
	}
	epoch := float64(start.UnixMilli()) / 1e3
	if _, err := fmt.Fprintf(w, "#[StartTime: %.3f (seconds since epoch), %s]\n#[BaseTime: %.3f (seconds since epoch)]\n"+
		"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
		epoch, start.UTC().Format(time.RFC3339Nano), epoch); err != nil {
		return err
	}
	for _, t := range histograms {
		payload, err := t.Histogram.buckets.EncodeV2()
		if err != nil {
			return fmt.Errorf("encode %s: %w", t.Tag(), err)
		}
		if _, err := fmt.Fprintf(w, "#[exactly: %s]\nTag=%s,%.3f,%.3f,%.6f,%s\n", t.Histogram.exactly(), t.Tag(), t.Start.Sub(start).Seconds(), t.Length.Seconds(),
			float64(t.Histogram.Max())/1e6, payload); err != nil {
			return err
		}
	}
	return nil
}

// What decodeLog takes into memory: a histogram is 270 KB.
const (
	maxLogBytes      = 256 << 20
	maxLogHistograms = 2_048
)

// decodeLog reads what encodeLog wrote, losing nothing; of another writer's log the minimum, maximum and sum are what the
// buckets say. Histograms of another configuration are [ErrUnlike]; what is no log, or larger than one can be, is an error.
func decodeLog(from io.Reader) ([]TaggedHistogram, error) {
	limited := &io.LimitedReader{R: from, N: maxLogBytes + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(nil, maxLineBytes)
	var (
		all     []TaggedHistogram
		base    = time.UnixMilli(0).UTC()
		exactly string
	)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSuffix(lines.Text(), "\r")
		switch {
		case line == "" || strings.HasPrefix(line, `"StartTimestamp"`):
		case strings.HasPrefix(line, "#"):
			if text, ok := strings.CutPrefix(line, "#[exactly: "); ok {
				exactly = strings.TrimSuffix(text, "]")
			}
			for _, name := range []string{"#[StartTime: ", "#[BaseTime: "} { // the later one counts, as in Java's reader
				if text, ok := strings.CutPrefix(line, name); ok {
					text, _, _ = strings.Cut(text, " ")
					seconds, err := logSeconds(text)
					if err != nil {
						return nil, fmt.Errorf("line %d: %w", n, err)
					}
					base = time.UnixMilli(0).Add(seconds).UTC()
				}
			}
		case len(all) == maxLogHistograms:
			return nil, fmt.Errorf("more than %s histograms", groupDigits(maxLogHistograms))
		default:
			t, err := decodeLogLine(line, base, exactly)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			all, exactly = append(all, t), ""
		}
	}
	if limited.N == 0 {
		return nil, fmt.Errorf("larger than %s", FormatBytes(maxLogBytes))
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, fmt.Errorf("a line of more than %s", FormatBytes(maxLineBytes))
	}
	return all, lines.Err()
}

// logSeconds reads a time of a log; it is cut to whole milliseconds.
func logSeconds(text string) (time.Duration, error) {
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds >= 0 && seconds < 9e9) { // NaN too
		return 0, fmt.Errorf("%q is no time", Printable(text))
	}
	return time.Duration(math.Round(seconds*1e3)) * time.Millisecond, nil
}

// decodeLogLine reads an interval; exactly is the comment before it, "" if there was none.
func decodeLogLine(line string, base time.Time, exactly string) (t TaggedHistogram, err error) {
	tagged, ok := strings.CutPrefix(line, "Tag=")
	fields := strings.Split(tagged, ",")
	if !ok || len(fields) != 5 {
		return t, errors.New("no interval of a histogram log with tags")
	}
	if t.Case, t.Metric, err = untag(fields[0]); err != nil {
		return t, err
	}
	start, err := logSeconds(fields[1])
	if err != nil {
		return t, err
	}
	if t.Length, err = logSeconds(fields[2]); err != nil {
		return t, err
	}
	t.Start = base.Add(start)
	buckets, err := decodeBuckets(fields[4])
	if err != nil {
		return t, err
	}
	t.Histogram, err = fromBuckets(buckets, exactly)
	return t, err
}

// exactly is what h knows beside its buckets.
func (h *Histogram) exactly() string {
	sum := new(big.Int).Or(new(big.Int).Lsh(new(big.Int).SetUint64(h.sumHigh), 64), new(big.Int).SetUint64(h.sumLow))
	return fmt.Sprintf("min %d max %d sum %s clamped %d", h.min, h.max, sum, h.clamped)
}

// fromBuckets is the histogram with such buckets. What exactly says must be possible with them; without it, "", they say it.
func fromBuckets(buckets *hdrhistogram.Histogram, exactly string) (*Histogram, error) {
	h := &Histogram{buckets: buckets}
	n := h.Count()
	if exactly == "" {
		for _, bar := range buckets.Distribution() {
			if bar.Count > 0 {
				high, low := bits.Mul64(uint64(bar.From+(bar.To-bar.From)/2), uint64(bar.Count))
				h.addSum(high, low)
			}
		}
		if n > 0 {
			h.min, h.max = buckets.Min(), buckets.Max()
		}
		return h, nil
	}
	var sum string
	if _, err := fmt.Sscanf(exactly, "min %d max %d sum %s clamped %d", &h.min, &h.max, &sum, &h.clamped); err != nil {
		return nil, errors.New("what is said exactly of a histogram can't be read")
	}
	total, ok := new(big.Int), false
	if len(sum) < 40 { // digits of 128 bits
		total, ok = total.SetString(sum, 10)
	}
	if !ok || total.Sign() < 0 || total.BitLen() > 128 {
		return nil, errors.New("a histogram's sum that none can have")
	}
	h.sumHigh, h.sumLow = new(big.Int).Rsh(total, 64).Uint64(), new(big.Int).And(total, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	count, least := big.NewInt(n), big.NewInt(h.min)
	most := new(big.Int).Mul(count, big.NewInt(h.max))
	switch {
	case h.min < 0 || h.min > h.max || h.clamped < 0 || h.clamped > n,
		n == 0 && (h.max != 0 || total.Sign() != 0),
		least.Mul(least, count).Cmp(total) > 0, most.Cmp(total) < 0,
		n > 0 && !buckets.ValuesAreEquivalent(min(h.min, highestNS), buckets.Min()),
		n > 0 && !buckets.ValuesAreEquivalent(min(h.max, highestNS), buckets.Max()):
		return nil, errors.New("a histogram whose buckets contradict its minimum, maximum or sum")
	}
	return h, nil
}
