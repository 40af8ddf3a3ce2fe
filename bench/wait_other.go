//go:build !linux

package bench

import "time"

func sharpenSleep() {}

func sleepThread(d time.Duration) { time.Sleep(d) }
