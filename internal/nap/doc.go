// Package nap sleeps in the kernel. A timer of Go's below a millisecond is up to one late where nothing else runs, for its poller
// counts in milliseconds; the kernel's own sleep is not. Where the kernel isn't Linux it is a timer all the same.
package nap
