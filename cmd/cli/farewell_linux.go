package cli

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// farewell is a hold on a daemon's process, taken before it is asked to end. wait returns when the process has ended or
// ctx has; nothing is waited for when the process cannot be held (it is gone already, or runs elsewhere).
func farewell(pid int) (wait func(context.Context)) {
	none := func(context.Context) {}
	if pid <= 1 {
		return none
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return none
	}
	return func(ctx context.Context) {
		defer unix.Close(fd)
		for ctx.Err() == nil {
			limit := -1
			if deadline, ok := ctx.Deadline(); ok {
				limit = int(max(0, time.Until(deadline).Milliseconds())) + 1
			}
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, limit); !errors.Is(err, unix.EINTR) {
				return
			}
		}
	}
}
