package results

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Dir is a run's own result directory. Each file in it is written under another name, synced and renamed, so that a file
// under its own name is whole; and nothing is overwritten but what the same Dir wrote as a checkpoint. An error leaves the
// record that the caller holds as it was. Not safe for concurrent use.
type Dir struct {
	path     string
	replaced map[string]bool // files that are a checkpoint's
}

// maxNameBytes bounds a run's name in the name of its directory.
const maxNameBytes = 64

// Create makes parent, if it isn't there, and in it a directory that nobody had before: <at in UTC>-<name>-<id>. Characters
// of name other than ASCII letters, digits, dot, underscore and hyphen become hyphens.
func Create(parent, name string, at time.Time) (*Dir, error) {
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return nil, fmt.Errorf("create result directory: %w", err)
	}
	stem := at.UTC().Format("20060102T150405Z") + "-" + pathName(name) + "-"
	for {
		id := make([]byte, 4)
		rand.Read(id) // never fails
		path := filepath.Join(parent, stem+hex.EncodeToString(id))
		err := os.Mkdir(path, 0o777)
		if err == nil {
			return &Dir{path: path}, syncDir(parent)
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("create result directory: %w", err)
		}
	}
}

// Creatable is an error where [Create] could make no directory in parent. It leaves nothing behind.
func Creatable(parent string) error {
	there := filepath.Clean(parent)
	for {
		_, err := os.Stat(there)
		if err == nil {
			break
		}
		if up := filepath.Dir(there); up != there && errors.Is(err, fs.ErrNotExist) {
			there = up
			continue
		}
		return fmt.Errorf("create result directory: %w", err)
	}
	probe, err := os.MkdirTemp(there, ".rmqbench-")
	if err == nil {
		err = os.Remove(probe)
	}
	if err != nil {
		return fmt.Errorf("create result directory: %w", err)
	}
	return nil
}

// pathName is name as a part of a file name.
func pathName(name string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '_', r == '-':
			return r
		}
		return '-'
	}, name)
	safe = strings.Trim(safe[:min(len(safe), maxNameBytes)], ".-")
	if safe == "" {
		return "run"
	}
	return safe
}

// Path is the directory's path, beginning with the parent that Create was given.
func (d *Dir) Path() string { return d.path }

// WriteRun writes r, judged, to run.json.
func (d *Dir) WriteRun(r *Run) error {
	return d.write(RunFile, func(w io.Writer) error { return Encode(w, r) })
}

// WriteLog writes histograms to latency.hlog, an HdrHistogram log that Java's tools read too.
func (d *Dir) WriteLog(histograms []TaggedHistogram) error {
	return d.write(LogFile, func(w io.Writer) error { return encodeLog(w, histograms) })
}

// WriteSeries writes a line of JSON for each interval of the run to series.jsonl.
func (d *Dir) WriteSeries(points []Point) error {
	return d.write(SeriesFile, func(w io.Writer) error { return encodeSeries(w, points) })
}

// WriteWhole writes a share's histograms to [WholeFile], for the merge.
func (d *Dir) WriteWhole(whole *Whole) error {
	return d.write(WholeFile, func(w io.Writer) error {
		data, err := EncodeWhole(whole)
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	})
}

// WriteComparison writes c to comparison.json, and for people to summary.md.
func (d *Dir) WriteComparison(c *Comparison) error {
	return errors.Join(d.write(ComparisonFile, func(w io.Writer) error { return EncodeComparison(w, c) }),
		d.write(SummaryFile, func(w io.Writer) error { return WriteComparisonMarkdown(w, c) }))
}

// Checkpoint writes a run that goes on, judged, and its intervals so far to run.json and series.jsonl. The next one, or WriteRun and
// WriteSeries, replaces them, in one step: there is always a whole one, whenever the process is killed.
func (d *Dir) Checkpoint(r *Run, points []Point) error {
	if d.replaced == nil {
		d.replaced = map[string]bool{}
	}
	run, series := d.WriteRun(r), d.WriteSeries(points)
	d.replaced[RunFile] = d.replaced[RunFile] || run == nil
	d.replaced[SeriesFile] = d.replaced[SeriesFile] || series == nil
	return errors.Join(run, series)
}

// write makes the file name of what fill writes. An existing one that is no checkpoint is [fs.ErrExist]; after an error there is
// no file name, or the one before, unless it was the directory's sync that failed.
func (d *Dir) write(name string, fill func(io.Writer) error) (err error) {
	final := filepath.Join(d.path, name)
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", final, err)
		}
	}()
	if _, err := os.Lstat(final); err == nil && !d.replaced[name] { // no race: the directory is this run's alone
		return fs.ErrExist
	}
	temporary := filepath.Join(d.path, "."+name+".tmp")
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(temporary, final)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return syncDir(d.path)
}

// syncDir makes the names in a directory last. Some file systems can't, and need not be told.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, dir.Close())
}
