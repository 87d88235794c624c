//go:build !unix

package main

import "time"

var started = time.Now()

// processorTime is the time on the wall, where there is no better clock.
func processorTime() time.Duration { return time.Since(started) }
