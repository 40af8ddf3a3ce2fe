//go:build e2e

package e2e

import (
	"os/exec"
	"testing"
)

// Two builds of the last commit, in two directories, one from an empty cache, are one file; what is in it is listed.
func TestR56_ReproducibleBuild(t *testing.T) {
	if out, err := exec.Command("../.ci/reproducible").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	} else {
		t.Logf("%s", out)
	}
}
