//go:build e2e

package e2e

import (
	"os"
	"strings"
)

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
