package repl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// bindUnix listens on a socket that is 0600 from the moment it exists.
func bindUnix(path string) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		// On Linux the socket file takes the mode of the descriptor, so it is never wider than this, whatever the umask.
		if failed := c.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), 0o600) }); failed != nil {
			return failed
		}
		return err
	}}
	return config.Listen(context.Background(), "unix", path)
}

// unixPeer asks the kernel who connected.
func unixPeer(c *net.UnixConn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var cred *syscall.Ucred
	failed := raw.Control(func(fd uintptr) {
		cred, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err = errors.Join(failed, err); err != nil {
		return Peer{}, fmt.Errorf("cannot tell who connected: %w", err)
	}
	return Peer{Transport: transportUnix, UID: int(cred.Uid), GID: int(cred.Gid), PID: int(cred.Pid)}, nil
}
