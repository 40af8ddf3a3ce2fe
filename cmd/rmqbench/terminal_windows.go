package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// whenGone isn't told here: a write to a closed pipe fails.
func whenGone(*os.File, func()) {}

// drawable asks the console to understand escape sequences, and reports whether it does.
func drawable(f *os.File) bool {
	var mode uint32
	console := windows.Handle(f.Fd())
	return windows.GetConsoleMode(console, &mode) == nil &&
		windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}

// keys are not heard here.
type keys struct{}

func hearKeys(*os.File, func(byte)) *keys { return nil }
func (*keys) restore()                    {}
func (*keys) close()                      {}
