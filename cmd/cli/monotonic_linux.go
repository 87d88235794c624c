package cli

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonic is what the monotonic clock of the system shows, for those who compare it with their own look at it.
func monotonic() time.Duration {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // it never fails for this clock (man 2 clock_gettime)
	return time.Duration(now.Nano())
}
