package lisp

import (
	"syscall"
	"time"
)

// threadTime is the processor time that this thread has used: what it computes, however busy the machine is.
func threadTime() time.Duration {
	var u syscall.Rusage
	const thread = 1 // RUSAGE_THREAD
	if err := syscall.Getrusage(thread, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
