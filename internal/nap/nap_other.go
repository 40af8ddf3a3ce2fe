//go:build !linux

package nap

import "time"

// Sharpen has nothing to sharpen here.
func Sharpen() {}

// Keep is a timer here.
func Keep(d time.Duration) { time.Sleep(d) }

// Apart is a timer here.
func Apart(d time.Duration) { time.Sleep(d) }
