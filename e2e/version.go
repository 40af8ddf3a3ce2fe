//go:build e2e

package e2e

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// since skips a test of what came with a later version of RocketMQ than the one that runs.
func (c *Cluster) since(t *testing.T, version, what string) {
	t.Helper()
	if slices.Compare(numbers(c.Version()), numbers(version)) < 0 {
		t.Skipf("RocketMQ %s has no %s, which came with %s", c.Version(), what, version)
	}
}

// numbers are those of a version; a piece that is none counts as 0.
func numbers(version string) []int {
	var all []int
	for piece := range strings.SplitSeq(version, ".") {
		n, _ := strconv.Atoi(piece)
		all = append(all, n)
	}
	return all
}

// Versions lists the RocketMQ versions to test, oldest first: those of RMQBENCH_E2E_VERSIONS (by comma), or all that
// the suite is written for. A version the suite was not written for may be named; it runs or fails on its own merits.
func Versions() []string {
	var versions []string
	for v := range strings.SplitSeq(os.Getenv("RMQBENCH_E2E_VERSIONS"), ",") {
		if v = strings.TrimSpace(v); v != "" {
			versions = append(versions, v)
		}
	}
	if versions == nil {
		return []string{"4.5.1", "4.9.7", "5.4.0"}
	}
	return versions
}
