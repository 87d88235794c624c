//go:build unix

package cli

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// daemonUmask is the umask of a daemon in the background.
const daemonUmask = 0o027

// descriptor names a file for the program that has it as its n-th.
func descriptor(_ *os.File, n int) string { return strconv.Itoa(n) }

func closeOnExec(file *os.File) { unix.CloseOnExec(int(file.Fd())) }

// settle leaves the caller's folder and umask.
func settle() error {
	unix.Umask(daemonUmask)
	return os.Chdir("/")
}
