package results

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// The names of a result directory's files.
const (
	RunFile    = "run.json"
	LogFile    = "latency.hlog"
	SeriesFile = "series.jsonl"
)

// maxRunBytes bounds what Read takes into memory.
const maxRunBytes = 64 << 20

// Encode writes r as indented JSON, with Schema and in UTC. An unjudged run is an error, before anything is written.
func Encode(w io.Writer, r *Run) error {
	if err := r.check(); err != nil {
		return err
	}
	record := *r
	record.Schema = Schema
	record.StartedAt, record.EndedAt = r.StartedAt.UTC(), r.EndedAt.UTC()
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(&record)
}

// Read returns the run in the file path, or in path's run.json if it is a directory. Another schema than [Schema], more
// than 64 MiB and anything but one JSON object are errors; fields it doesn't know are not.
func Read(path string) (*Run, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, RunFile)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	r, err := decode(f, maxRunBytes)
	if err != nil {
		return nil, fmt.Errorf("read result %s: %w", path, err)
	}
	return r, nil
}

// decode reads a run of at most limit bytes.
func decode(from io.Reader, limit int64) (*Run, error) {
	data, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("larger than %s", FormatBytes(limit))
	}
	if _, err := bounded(data, 0); err != nil {
		return nil, fmt.Errorf("not a run's record: %w", err)
	}
	var version struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("not a run's record: %w", err)
	}
	if version.Schema == "" {
		return nil, fmt.Errorf("not a run's record: no schema (this rmqbench reads %s)", Schema)
	}
	if version.Schema != Schema {
		return nil, fmt.Errorf("schema %s: this rmqbench reads %s only", Printable(version.Schema), Schema)
	}
	r := &Run{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, err
	}
	return r, r.check()
}

// check refuses a run without a verdict that is one of ours.
func (r *Run) check() error {
	if !slices.Contains(fromBest, r.Verdict) {
		return fmt.Errorf("run %s has no verdict", Printable(r.Name))
	}
	for i := range r.Cases {
		if c := &r.Cases[i]; !slices.Contains(fromBest, c.Verdict) {
			return fmt.Errorf("case %s has no verdict", Printable(c.Name))
		}
	}
	for i := range r.Pooled {
		if c := &r.Pooled[i]; !slices.Contains(fromBest, c.Verdict) {
			return fmt.Errorf("case %s has no verdict", Printable(c.Name))
		}
	}
	return nil
}
