package results

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxLog bounds a file that a share is looked for in.
const maxLog = 1 << 30

// AddPath takes in what is at path: a share's directory or its file [WholeFile], a log, or a directory that holds any of these, one
// level deep. A directory of a share that has no such file (it was killed) is noted by its checkpoint.
func (m *Merger) AddPath(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("read a share: %w", err)
	}
	if !info.IsDir() {
		return m.addFile(path)
	}
	if found, err := m.addDir(path); found || err != nil {
		return err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("read shares: %w", err)
	}
	for _, e := range entries {
		at := filepath.Join(path, e.Name())
		if e.IsDir() {
			_, err = m.addDir(at)
		} else if e.Type().IsRegular() {
			err = m.addFile(at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addDir takes in a share's own directory; false: it is none.
func (m *Merger) addDir(path string) (bool, error) {
	whole := filepath.Join(path, WholeFile)
	if _, err := os.Stat(whole); err == nil {
		return true, m.addFile(whole)
	}
	r, err := Read(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return false, err
	}
	if r.Shard == nil {
		return true, fmt.Errorf("%s is no share of a run: only runs with --shard can be merged", Printable(path))
	}
	m.Began(r.Shard)
	return true, nil
}

// addFile takes in a share's file, or a log that has shares in it.
func (m *Merger) addFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read a share: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	in := bufio.NewReader(f)
	if magic, err := in.Peek(len(zstdMagic)); err != nil || string(magic) != zstdMagic {
		return m.AddPrinted(path, io.LimitReader(in, maxLog))
	}
	data, err := io.ReadAll(io.LimitReader(in, maxWholeCompress+1))
	if err != nil {
		return fmt.Errorf("read %s: %w", Printable(path), err)
	}
	return m.Add(path, data)
}

// zstdMagic begins what Zstandard has made (RFC 8878, 3.1.1).
const zstdMagic = "\x28\xb5\x2f\xfd"
