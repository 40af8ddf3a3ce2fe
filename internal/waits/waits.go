// Package waits has tests that wait in real time do so beside one another. Only for tests.
package waits

import (
	"flag"
	"strconv"
)

// AtOnce has n tests that called t.Parallel run at once, where go test's own rule is one a CPU: they wait more than they compute.
// A -parallel that is given stands. For a TestMain, before it runs the tests.
func AtOnce(n int) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", strconv.Itoa(n)) // it is a number
	}
}
