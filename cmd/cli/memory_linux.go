package cli

import "golang.org/x/sys/unix"

// closeMemory keeps the daemon's memory and environment, which hold secrets, to itself: it leaves no core dump, and nobody but root
// reads its /proc files or traces it, not even a service that runs as the same user (man 2 PR_SET_DUMPABLE). Programs that it
// starts are not concerned.
func closeMemory() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
