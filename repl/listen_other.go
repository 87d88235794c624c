//go:build unix && !linux

package repl

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// bindUnix listens on a socket that becomes 0600; until then its folder, where nobody else may write, is what keeps others off.
func bindUnix(path string) (net.Listener, error) {
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

// unixPeer asks the kernel who connected; it does not tell the pid.
func unixPeer(c *net.UnixConn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var cred *unix.Xucred
	failed := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED) })
	if err = errors.Join(failed, err); err != nil {
		return Peer{}, fmt.Errorf("cannot tell who connected: %w", err)
	}
	gid := -1
	if cred.Ngroups > 0 {
		gid = int(cred.Groups[0])
	}
	return Peer{Transport: transportUnix, UID: int(cred.Uid), GID: gid}, nil
}
