package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// maxSocketPath is the longest path of a unix socket, in bytes, without the closing zero.
const maxSocketPath = 107

// Place is where a daemon keeps what is its own: the answer of Load and LoadSettings to where the configuration stands, what it
// says, who asks, and a few variables of the environment. All paths are absolute.
type Place struct {
	Instance   string // a readable name and a hash of the configuration's path: one for each configuration
	RuntimeDir string // holds Socket and Info
	StateDir   string // holds the rest
	Socket     string // the unix socket to listen on; "" when only TCP is wanted
	Info       string // address and pid of the running daemon
	Lock       string
	Token      string
	Audit      string
	Log        string // the daemon's own log, unless the configuration names one
	Logs       string // folder of the processes' logs that have no other place
	Added      string // what add-proc added
	Lives      string // what runs, for the daemon after one that was killed

	uid int
}

// host is the little that locate and the checks of permissions know of the machine.
type host struct {
	os     string // as runtime.GOOS
	uid    int    // effective
	lookup func(string) (string, bool)
	getwd  func() (string, error)
	run    string // /run
	lib    string // /var/lib
	tmp    string // /tmp
	// noSockets: there are no unix sockets here, and TCP on loopback takes their place.
	noSockets bool
}

func realHost(lookup func(string) (string, bool)) host {
	return host{os: runtime.GOOS, uid: os.Geteuid(), lookup: lookup, getwd: os.Getwd, run: "/run", lib: "/var/lib", tmp: "/tmp", noSockets: !unixSockets()}
}

// locate says where the daemon of a configuration lives; with "" it is that of ./supervisord.conf here. It creates and looks
// at nothing (but whether $XDG_RUNTIME_DIR is the user's own). Root uses /run and /var/lib; others $XDG_RUNTIME_DIR (else the
// state directory) and $XDG_STATE_HOME (else ~/.local/state). On Windows it is %ProgramData% for an administrator and for services,
// %LocalAppData% for others. An absolute $SUPERVISORD_RUNTIME_DIR is the runtime directory, as it is, for everybody: for a /run
// that cannot be written. It fails when there is no home directory or no path short enough for a socket.
func locate(path string, s Settings, h host) (Place, error) {
	if path == "" {
		here, err := h.getwd()
		if err != nil {
			return Place{}, fmt.Errorf("cannot find the current directory: %w", err)
		}
		path = filepath.Join(here, fileName)
	}
	p := Place{Instance: instanceOf(path), uid: h.uid}
	if err := p.dirs(s, h); err != nil {
		return Place{}, err
	}
	p.Info = filepath.Join(p.RuntimeDir, p.Instance+".json")
	p.Lock = filepath.Join(p.StateDir, "lock")
	p.Token = filepath.Join(p.StateDir, "token")
	p.Audit = filepath.Join(p.StateDir, "audit.log")
	p.Log = filepath.Join(p.StateDir, "supervisord.log")
	p.Logs = filepath.Join(p.StateDir, "logs")
	p.Lives = filepath.Join(p.StateDir, "lives")
	p.Added = filepath.Join(p.StateDir, "added.json")
	switch {
	case s.AdminSock != "":
		p.Socket = s.AdminSock
	case s.AdminListen != 0, h.noSockets:
		return p, nil
	default:
		p.Socket = p.socket(h)
	}
	if len(p.Socket) > maxSocketPath {
		return Place{}, fmt.Errorf("cannot use the socket %s: its path has %d bytes, at most %d are possible (set admin_sock)", p.Socket, len(p.Socket), maxSocketPath)
	}
	return p, nil
}

// dirs finds the two directories. The lock, and so the answer to "is it running", stands in the state directory: unlike the
// runtime directory that does not depend on whether the caller has a login session.
func (p *Place) dirs(s Settings, h host) error {
	base, err := "", error(nil)
	if s.StateDir != "" {
		p.StateDir, base = s.StateDir, s.StateDir
	} else if base, err = h.stateBase(); err != nil {
		return err
	} else {
		p.StateDir = filepath.Join(base, p.Instance)
	}
	said, _ := h.lookup("SUPERVISORD_RUNTIME_DIR")
	if filepath.IsAbs(said) {
		p.RuntimeDir = filepath.Clean(said)
	} else if p.RuntimeDir = h.runtimeBase(); p.RuntimeDir == "" {
		p.RuntimeDir = base
	}
	return nil
}

// own is the folder of this program below those of the system and of users.
const own = "supervisord"

// socket is the default socket: by the instance's name, or by its hash, or in a folder of the user's own below /tmp, whichever
// is the first that is short enough.
func (p *Place) socket(h host) string {
	name := p.Instance + ".sock"
	first := filepath.Join(p.RuntimeDir, name)
	for _, path := range []string{
		first,
		filepath.Join(p.RuntimeDir, p.Instance[strings.LastIndexByte(p.Instance, '-')+1:]+".sock"),
		filepath.Join(h.tmp, fmt.Sprintf("supervisord-%d", h.uid), name),
	} {
		if len(path) <= maxSocketPath {
			return path
		}
	}
	return first
}

// instanceOf is a name for a configuration: what people call it (its folder, when the file has the usual name), and ten
// hexadecimal digits of its path's hash.
func instanceOf(path string) string {
	path = folded(path)
	sum := sha256.Sum256([]byte(path))
	said := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if filepath.Base(path) == fileName {
		said = filepath.Base(filepath.Dir(path))
		if said == "conf" {
			said = filepath.Base(filepath.Dir(filepath.Dir(path)))
		}
	}
	said = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		case r == '.' || r == ' ':
			return '-'
		}
		return -1
	}, said)
	if said = strings.Trim(said, "-"); said == "" {
		said = "root"
	}
	return said[:min(len(said), 24)] + "-" + hex.EncodeToString(sum[:5])
}

// Prepare makes the directories that are missing, 0700, and refuses existing ones that somebody else could tamper with: they
// must belong to root or to the daemon's user and be writable by no other (sticky directories excepted), and so must what
// stands above them as far as others could replace them. Existing ones are never changed. Only the daemon calls it, before it
// takes the lock.
func (p Place) Prepare() error {
	dirs := []string{p.StateDir, p.Logs, p.RuntimeDir}
	if p.Socket != "" {
		dirs = append(dirs, filepath.Dir(p.Socket))
	}
	for _, dir := range dirs {
		err := SafeDir(dir, p.uid)
		if dir == p.StateDir && (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)) {
			return fmt.Errorf("%w (state_dir can name another place)", err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// SafeDir makes a directory (0700, with its missing parents) or checks an existing one by the rule of Prepare. uid is the
// user that it is for; errors name the directory that is at fault and what to do.
func SafeDir(dir string, uid int) error {
	err := makeDir(dir)
	if err != nil {
		var pe *fs.PathError
		switch {
		case errors.As(err, &pe) && pe.Path == dir:
			return fmt.Errorf("cannot create the directory %s: %w", dir, pe.Err)
		case pe != nil:
			return fmt.Errorf("cannot create the directory %s: %s: %w", dir, pe.Path, pe.Err)
		}
		return fmt.Errorf("cannot create the directory %s: %w", dir, err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("cannot use the directory %s: %w", dir, err)
	}
	info, err := os.Lstat(real)
	if err != nil {
		return fmt.Errorf("cannot use the directory %s: %w", dir, err)
	}
	if why := exposed(info, uid, true); why != "" {
		return fmt.Errorf("cannot use the directory %s: it %s", real, why)
	}
	if why := foreign(real); why != "" {
		return fmt.Errorf("cannot use the directory %s: it %s", real, why)
	}
	if at, why := exposedParent(real, uid); why != "" {
		return fmt.Errorf("cannot use the directory %s: %s, above it, %s", real, at, why)
	}
	return nil
}

// CheckOwnFile refuses a file of the daemon's own, as root, where everybody or another user could put something else in its place: it
// is written, renamed and opened again by its name, and a link there would have root write, or empty, what it leads to. In a
// sticky directory new names are free for all; it is refused, but may stand above. A group that may write is only warned of (see
// weaknesses): /var/log is the group's of the system's logger on some systems. For others than root every file is right: what
// they could be made to write is theirs.
func CheckOwnFile(path string) error { return checkOwnFile(path, os.Geteuid()) }

func checkOwnFile(path string, uid int) error {
	if uid != 0 {
		return nil
	}
	dir, err := filepath.EvalSymlinks(existing(filepath.Dir(path)))
	if err != nil {
		return fmt.Errorf("cannot use %s: %w", path, reason(err))
	}
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Lstat(at)
		if err != nil {
			return fmt.Errorf("cannot use %s: %w", path, err)
		}
		owner, _, known := ownerOf(info)
		sticky := info.Mode()&fs.ModeSticky != 0 && at != dir
		why := ""
		switch {
		case known && owner != 0:
			why = fmt.Sprintf("belongs to user %d", owner)
		case known && info.Mode().Perm()&0o002 != 0 && !sticky:
			why = fmt.Sprintf("can be written by everybody (mode %04o)", info.Mode().Perm())
		}
		if why != "" {
			return fmt.Errorf("cannot use %s as root: the directory %s %s, and a link put there would have root write elsewhere; use a directory of root's own", path, at, why)
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// exposedParent is the first directory above path that others could put something else into.
func exposedParent(path string, uid int) (dir, why string) {
	for dir = filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Lstat(dir)
		if err != nil {
			return dir, "cannot be looked at: " + reason(err).Error()
		}
		if why := exposed(info, uid, false); why != "" {
			return dir, why
		}
		if dir == filepath.Dir(dir) {
			return dir, ""
		}
	}
}

// overflowUID is the owner that files of unmapped users seem to have inside a user namespace.
const overflowUID = 65534

// exposed says why others could change what stands in a directory, or change a file: its owner is somebody else, or others may
// write and the sticky bit does not hold them. The rule is strict for what is our own, root's whole path and files; for what
// stands above a user's directory a group may write, since home directories are often like that.
func exposed(info fs.FileInfo, uid int, own bool) string {
	owner, _, known := ownerOf(info)
	if !known {
		return ""
	}
	unmapped := owner == overflowUID && uid != 0 && !own
	if owner != 0 && owner != uid && !unmapped {
		return fmt.Sprintf("belongs to user %d, neither to root nor to user %d", owner, uid)
	}
	return writable(info, own || uid == 0)
}

// writable says who besides the owner may write; a sticky directory lets nobody replace what is not his own.
func writable(info fs.FileInfo, group bool) string {
	mode := info.Mode()
	switch {
	case mode.IsDir() && mode&fs.ModeSticky != 0:
		return ""
	case mode.Perm()&0o002 != 0:
		return fmt.Sprintf("can be written by everybody (mode %04o; chmod go-w it)", mode.Perm())
	case group && mode.Perm()&0o020 != 0:
		return fmt.Sprintf("can be written by its group (mode %04o; chmod g-w it)", mode.Perm())
	}
	return ""
}
