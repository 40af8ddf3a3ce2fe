package results

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Result is a run's record with what lies beside it in its directory.
type Result struct {
	Run        *Run
	Histograms []TaggedHistogram // none in a checkpoint, which is all that a killed run leaves
	Series     []Point           // in the order of time, case after case
	Whole      *Whole            // of a share of a run: what the shares are merged from; else nil
}

// Histogram finds a case's histogram of a metric, its first round's if there are several; nil if there is none.
func (r *Result) Histogram(name, metric string) *Histogram {
	for _, h := range r.Histograms {
		if h.Case == name && h.Metric == metric {
			return h.Histogram
		}
	}
	return nil
}

// Open returns the result in the directory path, or the one that the run.json at path belongs to. A file beside the record
// that isn't there is left out; one that can't be read is an error. A record that has another name stands alone.
func Open(path string) (*Result, error) {
	run, err := Read(path)
	if err != nil {
		return nil, err
	}
	r := &Result{Run: run}
	dir, ok := directoryOf(path)
	if !ok {
		return r, nil
	}
	if err := readBeside(filepath.Join(dir, SeriesFile), func(from io.Reader) (err error) {
		r.Series, err = decodeSeries(from)
		return err
	}); err != nil {
		return nil, err
	}
	return r, readBeside(filepath.Join(dir, LogFile), func(from io.Reader) (err error) {
		r.Histograms, err = decodeLog(from)
		return err
	})
}

// directoryOf is the result directory that path means, if it means one.
func directoryOf(path string) (string, bool) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return path, true
	}
	return filepath.Dir(path), filepath.Base(path) == RunFile
}

// readBeside reads a file of a result directory, if it is there. What is no regular file is refused: a pipe would never end.
func readBeside(path string, read func(io.Reader) error) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("read result: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("read result %s: no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read result: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	if err := read(f); err != nil {
		return fmt.Errorf("read result %s: %w", path, err)
	}
	return nil
}

// What a result's JSON may hold, so that a small file can't ask for a large memory: a list of 64 MiB of zeros would become
// 30 million cases.
const (
	maxListed   = 1 << 16 // values of one list
	maxSeparate = 1 << 21 // commas in all
)

// bounded refuses JSON that would become more than a result can be. It needn't be JSON; separate is how many commas
// went before.
func bounded(data []byte, separate int) (int, error) {
	var listed []int // values of the lists and objects that are open
	quoted := false
	for i := 0; i < len(data); i++ {
		c := data[i]
		if quoted {
			switch c {
			case '\\':
				i++
			case '"':
				quoted = false
			}
			continue
		}
		switch c {
		case '"':
			quoted = true
		case '[', '{':
			if len(listed) > 100 {
				return separate, errors.New("nested deeper than any result")
			}
			listed = append(listed, 1)
		case ']', '}':
			listed = listed[:max(len(listed)-1, 0)]
		case ',':
			if separate++; separate > maxSeparate {
				return separate, fmt.Errorf("more than %s values", groupDigits(maxSeparate))
			}
			if n := len(listed) - 1; n >= 0 {
				if listed[n]++; listed[n] > maxListed {
					return separate, fmt.Errorf("a list of more than %s values", groupDigits(maxListed))
				}
			}
		}
	}
	return separate, nil
}
