package results

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Ticks a halving of the distance to 100 %, as HdrHistogram's own tools print.
const hgrmTicks = 5

// writeHlog writes the histograms as latency.hlog has them.
func writeHlog(w io.Writer, r *Result) error {
	if len(r.Histograms) == 0 {
		return errNoHistograms
	}
	return encodeLog(w, r.Histograms)
}

// writeHgrm writes every histogram's percentiles, each under a comment with its tag.
func writeHgrm(w io.Writer, r *Result) error {
	if len(r.Histograms) == 0 {
		return errNoHistograms
	}
	for _, t := range r.Histograms {
		if _, err := fmt.Fprintf(w, "#[%s, nanoseconds]\n", t.Tag()); err != nil {
			return err
		}
		if err := writePercentiles(w, t.Histogram); err != nil {
			return err
		}
	}
	return nil
}

// hgrmFiles are the files of the same, one for each histogram.
func hgrmFiles(r *Result) []reportFile {
	var files []reportFile
	names := map[string]int{}
	for _, t := range r.Histograms {
		name := pathName(t.Case) + "." + pathName(t.Metric)
		if names[name]++; names[name] > 1 { // names that differ only in what a file's can't have
			name = fmt.Sprintf("%s-%d", name, names[name])
		}
		files = append(files, reportFile{name + ".hgrm", func(w io.Writer) error { return writePercentiles(w, t.Histogram) }})
	}
	return files
}

// writePercentiles writes h as HdrHistogram's outputPercentileDistribution does, in nanoseconds, with our exact maximum.
func writePercentiles(to io.Writer, h *Histogram) error {
	w := bufio.NewWriter(to)
	fmt.Fprintf(w, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")
	if h.Count() > 0 {
		for _, b := range h.buckets.CumulativeDistributionWithTicks(hgrmTicks) {
			value, q := min(max(b.ValueAt, h.min), h.max), b.Quantile/100
			beyond := ""
			if q < 1 {
				beyond = fmt.Sprintf("%14.2f", 1/(1-q))
			} else {
				value = h.max
			}
			fmt.Fprintf(w, "%s\n", strings.TrimRight(fmt.Sprintf("%12d.000 %2.12f %10d %s", value, q, b.Count, beyond), " "))
		}
	}
	buckets, half := highestNSBuckets()
	fmt.Fprintf(w, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n#[Max     = %12.3f, Total count    = %12d]\n#[Buckets = %12d, SubBuckets     = %12d]\n",
		float64(h.Mean()), h.buckets.StdDev(), float64(h.Max()), h.Count(), buckets, half)
	return errors.Join(w.Flush())
}

// highestNSBuckets are the octaves and the buckets in one of our configuration, which the format tells.
func highestNSBuckets() (octaves, each int) {
	octaves, each = 1, 2048
	for top := int64(each); top <= highestNS; top *= 2 {
		octaves++
	}
	return octaves, each
}
