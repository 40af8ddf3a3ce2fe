//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

func TestMain(m *testing.M) {
	os.Exit(Main(m,
		func() error { return fetchModules("..", "./cmd/rmqbench") },
		func() error { return fetchModules("..", benchstat) },
		func() error { return fetchModules("../peers", "./...") },
		fetchJudges))
}

// fetchModules has go fetch what the tests will build, while there still is a network.
func fetchModules(dir, pkg string) error {
	cmd := exec.Command("go", "list", "-e", "-deps", pkg) // -e: what does not build is for the test that builds it to say
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%v in %s: %w\n%s", cmd, dir, err, &stderr)
	}
	return nil
}

// fetchJudges fetches what reads our files in Python, while there still is a network. What can't be had is for the test that wants it
// to say.
func fetchJudges() error {
	_, _ = prometheusClient()
	_, _ = junitSchema()
	return nil
}

// latest is the newest version to test, for tests that need but one.
func latest() string {
	versions := Versions()
	return versions[len(versions)-1]
}
