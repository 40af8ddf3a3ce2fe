//go:build !linux

package bench

import "time"

func sharpenSleep() {}

func sleepThread(d time.Duration, _ bool) { time.Sleep(d) }
