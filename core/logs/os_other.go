//go:build unix && !linux

package logs

import "time"

// rename gives old its new name; a file that already has that name is
// fs.ErrExist and stays.
func (d *directory) rename(old, name string) error { return d.relink(old, name) }

// pendingBytes is not known here: a drain reads until nothing is there.
func pendingBytes(uintptr) int { return 0 }

// Pipes have the width that they have here.
func widenPipe(uintptr, int) int      { return 0 }
func pipeAllowance(limit int64) int64 { return 0 }

// nap is for wide pipes.
func nap(time.Duration) {}

// lowPriority: a goroutine has the priority of its process here.
func lowPriority() {}
