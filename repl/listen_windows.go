package repl

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// ListenUnix listens on a unix socket at path, where Windows has them. Nobody can ask such a socket who connects; who may is
// decided by its folder, which must let in nobody but this user, administrators and the system. Something at path that is no
// socket is never removed; a socket only with o.Replace.
func ListenUnix(path string, o ListenOptions) (net.Listener, error) {
	ln, err := listenUnix(path, o)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", path, err)
	}
	return ln, nil
}

func listenUnix(path string, o ListenOptions) (net.Listener, error) {
	if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
		return nil, errors.New("the path is not absolute")
	}
	if o.GID > 0 {
		return nil, errors.New("a socket cannot be given to a group on Windows")
	}
	folder := filepath.Dir(path)
	sd, err := windows.GetNamedSecurityInfo(folder, windows.SE_FILE_OBJECT, ownerAndAccess)
	if err != nil {
		return nil, fmt.Errorf("cannot tell who may enter its folder %s: %w", folder, err)
	}
	if err := private(sd); err != nil {
		return nil, fmt.Errorf("its folder %s is not private: %w", folder, err)
	}
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("there is something else already, and it is no socket (%s)", info.Mode().Type())
	case !o.Replace:
		return nil, errors.New("there is a socket already")
	default:
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	ln, err := net.Listen("unix", path)
	if errors.Is(err, windows.WSAEAFNOSUPPORT) || errors.Is(err, windows.WSAEPROTONOSUPPORT) {
		return nil, errors.New("this Windows has no unix sockets (set admin_listen to a port)")
	}
	return ln, err
}

// unixPeer: the folder let in nobody but this user.
func unixPeer(*net.UnixConn) (Peer, error) {
	return Peer{Transport: transportUnix, UID: ownUID(), GID: -1}, nil
}

func inGroup(_, _, _ int) bool { return false }

// ownUID: users have no numbers here.
func ownUID() int { return -1 }

// openToken opens a token's file itself, and not what a link in its place points to.
func openToken(path string) (*os.File, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(name, windows.GENERIC_READ, share, nil, windows.OPEN_EXISTING,
		windows.FILE_FLAG_OPEN_REPARSE_POINT|windows.FILE_FLAG_BACKUP_SEMANTICS, 0) // a folder too, which is refused by its kind
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

const ownerAndAccess = windows.OWNER_SECURITY_INFORMATION | windows.DACL_SECURITY_INFORMATION

// protect gives a file an access list of its own: this user, administrators and the system, and nothing of what the folder
// passes on.
func protect(f *os.File) error {
	self, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return err
	}
	return restrict(f.Name(), "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;"+self.User.Sid.String()+")")
}

// restrict sets the access list of a file, in the language of security descriptors (MSDN, Security Descriptor Definition
// Language). It is set on the handle as it is: SetNamedSecurityInfo would put in what the folder passes on, in Wine whatever it is told.
func restrict(path, list string) error {
	sd, err := windows.SecurityDescriptorFromString(list)
	if err != nil {
		return err
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(name, windows.WRITE_DAC, share, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(h)
	return windows.SetKernelObjectSecurity(h, windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, sd)
}

// checkPrivate tells why a file is not a secret of this user's, of administrators' or of the system's.
func checkPrivate(f *os.File, _ fs.FileInfo) error {
	sd, err := windows.GetSecurityInfo(windows.Handle(f.Fd()), windows.SE_FILE_OBJECT, ownerAndAccess)
	if err != nil {
		return fmt.Errorf("cannot tell who may read it: %w", err)
	}
	return private(sd)
}

// private is nil when the owner and everybody on the access list is this user, an administrator or the system.
func private(sd *windows.SECURITY_DESCRIPTOR) error {
	self, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return err
	}
	trusted := func(sid *windows.SID) bool {
		return sid.Equals(self.User.Sid) || sid.IsWellKnown(windows.WinLocalSystemSid) || sid.IsWellKnown(windows.WinBuiltinAdministratorsSid) ||
			sid.IsWellKnown(windows.WinCreatorOwnerSid) || sid.IsWellKnown(windows.WinCreatorOwnerRightsSid)
	}
	owner, _, err := sd.Owner()
	if err != nil {
		return err
	}
	if owner == nil || !trusted(owner) {
		return fmt.Errorf("it belongs to %s", named(owner))
	}
	list, _, err := sd.DACL()
	if err != nil || list == nil {
		return errors.New("everybody may do anything with it (icacls shows it)")
	}
	for i := range uint32(list.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &ace); err != nil {
			return err
		}
		if ace.Header.AceType == windows.ACCESS_DENIED_ACE_TYPE || ace.Mask == 0 {
			continue
		}
		sid := (*windows.SID)(unsafe.Pointer(&ace.SidStart))
		if ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || !trusted(sid) {
			return fmt.Errorf("its access list lets in %s (icacls shows it)", named(sid))
		}
	}
	return nil
}

// named is what people call an account.
func named(sid *windows.SID) string {
	if sid == nil {
		return "nobody"
	}
	if account, domain, _, err := sid.LookupAccount(""); err == nil {
		return strings.TrimPrefix(domain+`\`+account, `\`)
	}
	return sid.String()
}

// outOfFiles tells whether an accept failed for lack of sockets.
func outOfFiles(err error) bool {
	return errors.Is(err, windows.WSAEMFILE) || errors.Is(err, syscall.EMFILE)
}
