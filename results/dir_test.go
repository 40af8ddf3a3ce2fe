package results

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 13, 0, 5, 0, time.FixedZone("CET", 3600))

func TestCreateNames(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "not", "there", "yet")
	for name, want := range map[string]string{
		"quick":                  "quick",
		"sync 4 KiB/../../etc":   "sync-4-KiB-..-..-etc",
		"../..":                  "run",
		"":                       "run",
		"\x1b[31mé":              "31m",
		strings.Repeat("x", 500): strings.Repeat("x", maxNameBytes),
	} {
		dir, err := Create(parent, name, noon)
		if err != nil {
			t.Fatal(err)
		}
		base := filepath.Base(dir.Path())
		if !regexp.MustCompile(`^20260301T120005Z-` + regexp.QuoteMeta(want) + `-[0-9a-f]{8}$`).MatchString(base) {
			t.Errorf("%q: %s", name, base)
		}
		if filepath.Dir(dir.Path()) != parent {
			t.Errorf("%q: %s is not in %s", name, dir.Path(), parent)
		}
	}
}

// Runs that begin in the same second under one name get a directory each.
func TestR32_CreateIsExclusive(t *testing.T) {
	parent := t.TempDir()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			dir, err := Create(parent, "same", noon)
			if err != nil {
				t.Error(err)
				return
			}
			if err := dir.WriteLog(nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if entries, _ := os.ReadDir(parent); len(entries) != 50 {
		t.Errorf("%d directories for 50 runs", len(entries))
	}
}

func TestR32_CreateErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(file, "x", noon); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file as parent: %v", err)
	}
}

// files are the names in d.
func files(t *testing.T, d *Dir) string {
	t.Helper()
	entries, err := os.ReadDir(d.Path())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestR32_WriteNeverOverwrites(t *testing.T) {
	dir, err := Create(t.TempDir(), "x", noon)
	if err != nil {
		t.Fatal(err)
	}
	r := quickRun()
	Judge(r)
	if err := dir.WriteRun(r); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(filepath.Join(dir.Path(), RunFile))
	r.Name = "another"
	if err := dir.WriteRun(r); !errors.Is(err, fs.ErrExist) {
		t.Errorf("written twice: %v", err)
	}
	if after, _ := os.ReadFile(filepath.Join(dir.Path(), RunFile)); string(after) != string(before) {
		t.Error("the file changed")
	}
	if got := files(t, dir); got != RunFile {
		t.Errorf("left behind: %s", got)
	}
}

// A disk that fills up half-way loses the file and leaves nothing that looks like one.
func TestR28_WriteFails(t *testing.T) {
	full := errors.New("no space left")
	dir, err := Create(t.TempDir(), "x", noon)
	if err != nil {
		t.Fatal(err)
	}
	err = dir.write(RunFile, func(w io.Writer) error {
		io.WriteString(w, `{"schema":`)
		return full
	})
	if !errors.Is(err, full) || !strings.Contains(err.Error(), filepath.Join(dir.Path(), RunFile)) {
		t.Errorf("%v, want the cause and the path", err)
	}
	if got := files(t, dir); got != "" {
		t.Errorf("left behind: %s", got)
	}
	if err := dir.WriteRun(&Run{Name: "unjudged"}); err == nil || files(t, dir) != "" {
		t.Errorf("an unjudged run: %v, files %q", err, files(t, dir))
	}
	if err := os.Remove(dir.Path()); err != nil {
		t.Fatal(err)
	}
	if err := dir.WriteLog(nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is gone: %v", err)
	}
}

// TestR29_CheckpointIsReplaced: by the next one and by the end, whole each time, and by nobody else.
func TestR29_CheckpointIsReplaced(t *testing.T) {
	d, err := Create(t.TempDir(), "run", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	runs := []*Run{{Name: "first", CutShort: Unfinished}, {Name: "second", CutShort: Unfinished}, {Name: "end", CutShort: Interrupted}}
	for i, r := range runs {
		Judge(r)
		points := make([]Point, i+1)
		if r.CutShort == Unfinished {
			err = d.Checkpoint(r, points)
		} else {
			err = errors.Join(d.WriteRun(r), d.WriteSeries(points))
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(d.Path())
		if err != nil || got.Name != r.Name || got.Verdict != Partial {
			t.Fatalf("%v: %+v", err, got)
		}
		series, err := os.ReadFile(filepath.Join(d.Path(), SeriesFile))
		if err != nil || bytes.Count(series, []byte("\n")) != i+1 {
			t.Errorf("%v: %s", err, series)
		}
	}
	other := &Dir{path: d.Path()}
	if err := other.Checkpoint(runs[0], nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("another's record: %v", err)
	}
}

// Creatable says what Create would, and leaves nothing behind.
func TestCreatable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for parent, ok := range map[string]bool{dir: true, filepath.Join(dir, "a", "b"): true, file: false, filepath.Join(file, "a"): false} {
		if err := Creatable(parent); (err == nil) != ok {
			t.Errorf("%s: %v", parent, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("%s left %v, %v", parent, entries, err)
		}
		if d, err := Create(parent, "x", time.Now()); (err == nil) != ok {
			t.Errorf("Create in %s: %v", parent, err)
		} else if ok {
			if err := os.RemoveAll(d.Path()); err != nil {
				t.Fatal(err)
			}
			_ = os.RemoveAll(filepath.Join(dir, "a"))
		}
	}
}
