package cli

import (
	"os"

	"golang.org/x/sys/unix"
)

// powerSignals are what only this system sends: PWR, by which it and some container managers ask the first process to end.
func powerSignals() map[os.Signal]meaning {
	return map[os.Signal]meaning{unix.SIGPWR: meansStop}
}
