package cli

import (
	"os"
	"syscall"
)

// What the daemon does when it is sent a signal: Ctrl-C, Ctrl-Break and the end of the session stop it in order.
func signalMeanings() map[os.Signal]meaning {
	return map[os.Signal]meaning{
		os.Interrupt:    meansStop,
		syscall.SIGTERM: meansStop,
	}
}
