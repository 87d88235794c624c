//go:build unix

package repl

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// maxSocketPath is what fits into a sockaddr_un beside its terminating zero.
const maxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// ListenUnix listens on a unix socket at path, which is 0600 from the moment it exists (0660 and the group's, once it
// was given to it). The folder is created with mode 0700 when missing; an existing one must belong to root or to this
// user and be writable by no other, sticky ones excepted. Something at path that is no socket is never removed; a
// socket only with o.Replace, and only one of this user's. Close removes the socket if it is still the one made here.
func ListenUnix(path string, o ListenOptions) (net.Listener, error) {
	ln, err := listenUnix(path, o)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", path, err)
	}
	return ln, nil
}

func listenUnix(path string, o ListenOptions) (*unixListener, error) {
	switch {
	case len(path) > maxSocketPath:
		return nil, fmt.Errorf("the path has %d bytes, a socket's has at most %d (set admin_sock to a shorter one)", len(path), maxSocketPath)
	case !filepath.IsAbs(path) || strings.ContainsRune(path, 0):
		return nil, errors.New("the path is not absolute")
	}
	if err := socketDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := clearSocket(path, o.Replace); err != nil {
		return nil, err
	}
	ln, err := bindUnix(path)
	if err != nil {
		return nil, err
	}
	u := &unixListener{UnixListener: ln.(*net.UnixListener), path: path}
	u.SetUnlinkOnClose(false)
	info, err := os.Lstat(path)
	if err == nil {
		u.inode = info
		err = u.share(o.GID)
	}
	if err != nil {
		return nil, errors.Join(err, u.Close())
	}
	return u, nil
}

// socketDir makes sure that nobody else can put a socket of their own in our place.
func socketDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot create its folder: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if uid := ownerOf(info); uid != 0 && uid != os.Geteuid() {
		return fmt.Errorf("its folder %s belongs to uid %d, want root or uid %d", dir, uid, os.Geteuid())
	}
	if mode := info.Mode(); mode.Perm()&0o022 != 0 && mode&fs.ModeSticky == 0 {
		return fmt.Errorf("its folder %s has mode %04o: others may write to it", dir, mode.Perm())
	}
	return nil
}

// clearSocket removes a stale socket from path.
func clearSocket(path string, replace bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("there is something else already, and it is no socket (%s)", info.Mode().Type())
	case !replace:
		return errors.New("there is a socket already")
	case ownerOf(info) != os.Geteuid():
		return fmt.Errorf("there is a socket already, and it belongs to uid %d", ownerOf(info))
	}
	return os.Remove(path)
}

func ownerOf(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }

// unixListener removes its own socket when closed, and no other that took its place.
type unixListener struct {
	*net.UnixListener
	path  string
	inode fs.FileInfo
}

func (u *unixListener) share(gid int) error {
	if gid <= 0 {
		return nil
	}
	if err := os.Lchown(u.path, -1, gid); err != nil {
		return fmt.Errorf("cannot give it to group %d: %w", gid, err)
	}
	return os.Chmod(u.path, 0o660)
}

func (u *unixListener) Close() error {
	err := u.UnixListener.Close()
	if now, failed := os.Lstat(u.path); failed == nil && u.inode != nil && os.SameFile(now, u.inode) && err == nil {
		err = os.Remove(u.path)
	}
	return err
}

// inGroup tells whether the user uid, whose primary group at the time of connecting was primary, belongs to group gid.
func inGroup(uid, primary, gid int) bool {
	if primary == gid {
		return true
	}
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return false
	}
	groups, err := u.GroupIds()
	return err == nil && slices.Contains(groups, strconv.Itoa(gid))
}

// ownUID is the user whom the daemon runs as.
func ownUID() int { return os.Geteuid() }

// openToken opens a token's file without following a link in its place.
func openToken(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}

// protect makes a file its owner's alone.
func protect(f *os.File) error { return f.Chmod(0o600) }

// checkPrivate tells why a file is not a secret of root's or this user's.
func checkPrivate(_ *os.File, info fs.FileInfo) error {
	if uid := ownerOf(info); uid != 0 && uid != os.Geteuid() {
		return fmt.Errorf("it belongs to uid %d", uid)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("its mode is %04o, want 0600", info.Mode().Perm())
	}
	return nil
}

// outOfFiles tells whether an accept failed for lack of descriptors.
func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
