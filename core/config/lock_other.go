//go:build !linux

package config

import "os"

// isLocked tells whether somebody has the lock of an open file. It takes the lock for a moment to find out.
func isLocked(f *os.File) bool {
	free, err := tryLock(f)
	return err == nil && !free
}
