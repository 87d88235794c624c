//go:build unix

package cli

import (
	"maps"
	"os"
	"syscall"
)

// What the daemon does when it is sent a signal. PIPE and XFSZ are taken so that neither a
// closed terminal nor a limit on file sizes can end the daemon; WINCH, which container managers send too, is of no meaning. Every
// other signal has the system's meaning, which for the first process of a container is none.
func signalMeanings() map[os.Signal]meaning {
	all := map[os.Signal]meaning{
		syscall.SIGTERM:  meansStop,
		syscall.SIGINT:   meansStop,
		syscall.SIGQUIT:  meansStop,
		syscall.SIGHUP:   meansReload,
		syscall.SIGUSR1:  meansReopen,
		syscall.SIGUSR2:  meansReopen,
		syscall.SIGPIPE:  meansNothing,
		syscall.SIGXFSZ:  meansNothing,
		syscall.SIGWINCH: meansNothing,
	}
	maps.Copy(all, powerSignals())
	return all
}
