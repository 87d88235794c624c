//go:build !linux

package cli

// unmapUnused does nothing elsewhere: Windows trims the working set of a process that rests by itself.
func unmapUnused() {}

// threads is 0: nobody counts them.
func threads() int { return 0 }
