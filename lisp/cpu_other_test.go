//go:build !linux

package lisp

import "time"

var processBegan = time.Now()

// threadTime is the time, where that of a thread is not known.
func threadTime() time.Duration { return time.Since(processBegan) }
