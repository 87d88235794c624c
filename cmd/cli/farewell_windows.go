package cli

import (
	"context"
	"time"

	"golang.org/x/sys/windows"
)

// farewell is a hold on a daemon's process, taken before it is asked to end. wait returns when the process has ended or
// ctx has; nothing is waited for when the process cannot be held (it is gone already, or runs elsewhere).
func farewell(pid int) func(context.Context) {
	if pid <= 1 {
		return func(context.Context) {}
	}
	process, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return func(context.Context) {}
	}
	return func(ctx context.Context) {
		defer windows.CloseHandle(process)
		limit := uint32(windows.INFINITE)
		if deadline, ok := ctx.Deadline(); ok {
			limit = uint32(min(max(0, time.Until(deadline).Milliseconds()), windows.INFINITE-1))
		}
		_, _ = windows.WaitForSingleObject(process, limit) // an error is the end of the waiting too
	}
}
