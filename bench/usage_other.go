//go:build !unix

package bench

import "time"

// systemUsage is not known here.
func systemUsage() (cpu time.Duration, maxRSS int64) { return 0, 0 }
