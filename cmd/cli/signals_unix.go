//go:build unix

package cli

import (
	"os"
	"syscall"
)

// What the daemon does when it is sent a signal. PIPE and XFSZ are taken so that neither a
// closed terminal nor a limit on file sizes can end the daemon; every other signal has the system's meaning.
func signalMeanings() map[os.Signal]meaning {
	return map[os.Signal]meaning{
		syscall.SIGTERM: meansStop,
		syscall.SIGINT:  meansStop,
		syscall.SIGQUIT: meansStop,
		syscall.SIGHUP:  meansReload,
		syscall.SIGUSR1: meansReopen,
		syscall.SIGUSR2: meansReopen,
		syscall.SIGPIPE: meansNothing,
		syscall.SIGXFSZ: meansNothing,
	}
}
