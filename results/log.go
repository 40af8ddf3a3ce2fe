package results

import (
	"fmt"
	"io"
	"strings"
	"time"
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

// encodeLog writes histograms as an HdrHistogram log, format 1.3 with V2 compressed payloads: times in seconds since the
// earliest start, maxima in milliseconds, values in nanoseconds. The lines are written here because the library's writer
// cuts start times to whole seconds and knows only the maximum's bucket.
func encodeLog(w io.Writer, histograms []TaggedHistogram) error {
	if _, err := fmt.Fprint(w, "#[rmqbench: durations in nanoseconds]\n#[Histogram log format version 1.3]\n"); err != nil {
		return err
	}
	var start time.Time
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
		if _, err := fmt.Fprintf(w, "Tag=%s,%.3f,%.3f,%.6f,%s\n", t.Tag(), t.Start.Sub(start).Seconds(), t.Length.Seconds(),
			float64(t.Histogram.Max())/1e6, payload); err != nil {
			return err
		}
	}
	return nil
}
