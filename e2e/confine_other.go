//go:build e2e && !linux

package e2e

import (
	"errors"
	"os/exec"
)

// newNetwork refuses: only Linux has network namespaces.
func newNetwork(*exec.Cmd) error { return errors.New("this is not Linux") }

func raiseLoopback() error { return nil }
