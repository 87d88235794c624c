package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// maxExitCode is the largest exit code there is: 32 bits.
const maxExitCode = 1<<32 - 1

// noFollow: a link in a private directory is its owner's own.
const noFollow = 0

func ownerOf(fs.FileInfo) (uid, gid int, known bool) { return 0, 0, false }

// programFile is the file that a program's path means: without an extension, that with the first of PATHEXT that exists.
func programFile(path string) string {
	extensions := filepath.SplitList(os.Getenv("PATHEXT"))
	if len(extensions) == 0 {
		extensions = []string{".com", ".exe", ".bat", ".cmd"}
	}
	for _, extension := range extensions {
		if _, err := os.Stat(path + extension); extension != "" && err == nil && !strings.EqualFold(filepath.Ext(path), extension) {
			return path + extension
		}
	}
	return path
}

func mayExecute(fs.FileInfo) bool { return true }

// checkFile refuses a configuration that somebody else owns, when its commands would run as an administrator.
func (h host) checkFile(path, what string) error {
	if !elevated() {
		return nil
	}
	if why := foreign(path); why != "" {
		return fmt.Errorf("cannot trust %s: it %s; what it says would run as an administrator", what, why)
	}
	return nil
}

// lockedByte is the place of the lock, far behind what is written: a lock keeps others from reading what it covers.
const lockedByte = 1 << 30

// tryLock takes the lock of an open file without waiting; false means that somebody else has it.
func tryLock(f *os.File) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0,
		&windows.Overlapped{Offset: lockedByte})
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return false, nil
	}
	return false, err
}

// takeLock waits for the lock of an open file.
func takeLock(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, &windows.Overlapped{Offset: lockedByte})
}

// hasEnded reports whether there is no process of this number any more.
func hasEnded(pid int) bool {
	process, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return errors.Is(err, windows.ERROR_INVALID_PARAMETER)
	}
	defer windows.CloseHandle(process)
	state, err := windows.WaitForSingleObject(process, 0)
	return err == nil && state == windows.WAIT_OBJECT_0
}

// syncDir: a rename is in the journal of the file system.
func syncDir(string) error { return nil }

// elevated tells an administrator who acts as one, and services, from others.
func elevated() bool { return windows.GetCurrentProcessToken().IsElevated() }

// stateBase is the folder of the state directories of all instances, as Windows knows it: a service may have another
// environment than the administrator who asks for it.
func (h host) stateBase() (string, error) {
	name, folder := "LocalAppData", windows.FOLDERID_LocalAppData
	if elevated() {
		name, folder = "ProgramData", windows.FOLDERID_ProgramData
	}
	base, err := windows.KnownFolderPath(folder, 0)
	if err != nil {
		return "", fmt.Errorf("cannot find the state directory: where %%%s%% is cannot be told (set state_dir): %w", name, err)
	}
	return filepath.Join(base, own), nil
}

// runtimeBase: nothing is emptied at boot here.
func (h host) runtimeBase() string { return "" }

// unixSockets tells whether this Windows has them; those before 2018 and Wine do not.
func unixSockets() bool {
	s, err := windows.Socket(windows.AF_UNIX, windows.SOCK_STREAM, 0)
	if err != nil {
		return false
	}
	windows.Closesocket(s)
	return true
}

// variable is how a variable of the environment is looked up: whatever its case.
func variable(name string) string { return strings.ToUpper(name) }

// folded is the spelling that all names of one file share. The path is clean, so its slashes are backslashes.
func folded(path string) string { return strings.ToLower(path) }

// null reports whether a path is the system's own name for nothing; /dev/null is known everywhere.
func null(path string) bool {
	return strings.EqualFold(path, "NUL") || strings.EqualFold(path, `\\.\NUL`)
}

// reserved is the last name of a path if it is none of a file: CON, COM1 and the like mean a device in whatever folder, with an
// extension too, and a colon begins another stream of the file (MSDN, Naming Files, Paths, and Namespaces).
func reserved(path string) string {
	if base := filepath.Base(path); base != `\` && !filepath.IsLocal(base) {
		return base
	}
	return ""
}

// unavailable says why a key cannot be used on this system, "" if it can.
func unavailable(key string) string {
	switch key {
	case "user", "group":
		return "is not possible on Windows: a process runs under the account of the daemon"
	case "admin_group":
		return "is not possible on Windows: the folder of the socket says who may use it"
	case "hide_args":
		return "is not possible on Windows"
	}
	return ""
}

// makeDir makes a directory, and those above it that are missing, for this user, administrators and the system alone,
// whatever the folder above would pass on.
func makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: windows.ERROR_DIRECTORY}
		}
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	self, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: err}
	}
	private, err := windows.SecurityDescriptorFromString("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;" + self.User.Sid.String() + ")")
	if err != nil {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: err}
	}
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: err}
	}
	sa := &windows.SecurityAttributes{SecurityDescriptor: private}
	sa.Length = uint32(unsafe.Sizeof(*sa))
	if err := windows.CreateDirectory(name, sa); err != nil && !errors.Is(err, windows.ERROR_ALREADY_EXISTS) {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: err}
	}
	return nil
}

// foreign says that a file or folder belongs to somebody who could change it although he is neither this user nor an
// administrator nor the system; "" if it does not, or if that cannot be told.
func foreign(path string) string {
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return ""
	}
	owner, _, err := sd.Owner()
	if err != nil || owner == nil || owner.IsWellKnown(windows.WinLocalSystemSid) || owner.IsWellKnown(windows.WinBuiltinAdministratorsSid) ||
		strings.HasPrefix(owner.String(), trustedInstaller) {
		return ""
	}
	self, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil || owner.Equals(self.User.Sid) {
		return ""
	}
	who := owner.String()
	if account, domain, _, err := owner.LookupAccount(""); err == nil {
		who = domain + `\` + account
	}
	return fmt.Sprintf("belongs to %s, who is neither this user nor an administrator", who)
}

// trustedInstaller is the service that owns what Windows brought.
const trustedInstaller = "S-1-5-80-956008885-"
