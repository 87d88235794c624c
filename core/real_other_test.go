//go:build !linux && !windows

package core

// exclusive is a program of a test for Linux.
func exclusive(string) {}
