//go:build !unix

package ab

import (
	"os/exec"
	"strings"
)

var shell = []string{"cmd", "/C"}

// confine leaves cmd as it is: the context's end kills it.
func confine(*exec.Cmd) (stopped func()) { return func() {} }

// shellQuote makes arg one word of the shell's.
func shellQuote(arg string) string { return `"` + strings.ReplaceAll(arg, `"`, `\"`) + `"` }
