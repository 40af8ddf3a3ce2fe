//go:build e2e

package e2e

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// pipInto has pip work in a new folder of the cache, once on a machine, and returns the folder. Pip uses its own settings; nothing
// here names a registry.
func pipInto(name string, args ...string) (dir string, err error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	root := filepath.Join(cache, "python")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", fmt.Errorf("python cache: %w", err)
	}
	unlock, err := lockFile(filepath.Join(root, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	dir = filepath.Join(root, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	part, err := os.MkdirTemp(root, name+".part-")
	if err != nil {
		return "", fmt.Errorf("python cache: %w", err)
	}
	defer func() { _ = os.RemoveAll(part) }() // it has its own name by then, or is of no use
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "python3", append([]string{"-m", "pip", "-q", "--disable-pip-version-check"}, args...)...)
	cmd.Dir = part
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("pip %s: %w (python3 with pip on PATH? its registry reachable?)\n%s", strings.Join(args, " "), err, tail(out, 4<<10))
	}
	return dir, os.Rename(part, dir)
}

// prometheusClient is the folder with Python's prometheus_client, whose parser of OpenMetrics is the strict one of its authors.
func prometheusClient() (string, error) {
	return pipInto("prometheus-client-0.26.0", "install", "--no-deps", "--target", ".", "prometheus-client==0.26.0")
}

// junitSchema is the file of the schema by which Jenkins takes JUnit's XML (its xunit plugin's junit-10.xsd), which pytest's source
// package has to test its own reports.
func junitSchema() (string, error) {
	dir, err := pipInto("pytest-8.4.2", "download", "--no-deps", "--no-binary", ":all:", "pytest==8.4.2")
	if err != nil {
		return "", err
	}
	const name = "junit-10.xsd"
	schema := filepath.Join(dir, name)
	if _, err := os.Stat(schema); err == nil {
		return schema, nil
	}
	text, err := fromArchive(filepath.Join(dir, "pytest-8.4.2.tar.gz"), "/"+name)
	if err != nil {
		return "", err
	}
	return schema, os.WriteFile(schema, text, 0o644)
}

// fromArchive is the file of a compressed tar whose name ends so.
func fromArchive(path, suffix string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s has no %s", path, suffix)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if strings.HasSuffix(h.Name, suffix) {
			return io.ReadAll(io.LimitReader(in, 1<<20))
		}
	}
}
