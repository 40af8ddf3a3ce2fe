//go:build !linux

package broker

import "time"

// shortSleep waits about d.
func shortSleep(d time.Duration) { time.Sleep(d) }
