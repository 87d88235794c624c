package config

import (
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
)

// weaknesses collects warnings about what works and lets more people do more than need be: whatever the program must not
// accept is a problem, and stands elsewhere.
type weaknesses struct {
	loader *loader
	uid    int // of the daemon
	found  []Problem
	files  map[way]string                // what was found out about paths, with their names
	ways   map[way]string                // ... and about directories and all above
	people map[[2]string]*child.Identity // who users are; nil when there is none
}

// way is the question who else than a user could change what is at a path.
type way struct {
	path string
	uid  int
}

// weakened are the warnings of a configuration whose processes were built of the sources, one of each.
func (l *loader) weakened(sources []source, specs []core.Spec) []Problem {
	w := &weaknesses{loader: l, uid: l.host.uid, files: map[way]string{}, ways: map[way]string{}, people: map[[2]string]*child.Identity{}}
	w.file(sources)
	w.settings()
	for i, src := range sources {
		w.process(src, specs[i])
	}
	return w.found
}

func (w *weaknesses) setting(key, format string, args ...any) {
	w.found = append(w.found, w.loader.daemonPlace(key, key+": "+format, args...))
}

func (w *weaknesses) key(src source, key, sub, format string, args ...any) {
	p := src.where(key, sub)
	p.Msg = src.label(key) + ": " + fmt.Sprintf(format, args...)
	w.found = append(w.found, p)
}

// settings are the daemon's keys.
func (w *weaknesses) settings() {
	s := w.loader.settings
	may := "run any command as the daemon's user"
	if w.uid == 0 {
		may = "run any command as root"
	}
	if s.DisableRCE {
		may = "stop, restart and signal every process"
	}
	wide := false
	if ip, err := netip.ParseAddr(s.AdminBindIP); err == nil {
		wide = !ip.Unmap().IsLoopback()
	}
	tls := s.AdminTLSCert != "" && s.AdminTLSKey != ""
	switch {
	case wide && s.AdminListen != 0 && !tls && s.AdminInsecure:
		w.setting("admin_insecure", "the port is open to other machines, and forms, replies and the token cross the network in the clear; who reads the token may %s", may)
	case wide && s.AdminListen != 0 && tls:
		w.setting("admin_bind_ip", "the port is open to other machines: who has the token may %s from there", may)
	}
	if s.AdminInsecure && !(wide && !tls) {
		w.setting("admin_insecure", "nothing needs it here, and it would let the port be opened to other machines without TLS: remove it")
	}
	if s.AdminGroup != "" {
		w.setting("admin_group", "every member of %s may %s", clip(s.AdminGroup), may)
	}
	if s.AdminTLSKey != "" {
		if info, err := os.Stat(s.AdminTLSKey); err == nil && w.knowsOwner(info) && info.Mode().Perm()&0o004 != 0 {
			w.setting("admin_tls_key", "everybody can read %s (mode %04o; chmod 600 it)", s.AdminTLSKey, info.Mode().Perm())
		}
	}
	for _, at := range []struct{ key, dir string }{{"admin_sock", parent(s.AdminSock)}, {"state_dir", s.StateDir}} {
		if info, err := os.Stat(at.dir); at.dir != "" && err == nil && w.knowsOwner(info) && info.IsDir() && info.Mode()&fs.ModeSticky != 0 && info.Mode().Perm()&0o022 != 0 {
			w.setting(at.key, "%s is open to others (mode %04o): somebody may take its names first and so keep the daemon from starting; use a directory of its own",
				at.dir, info.Mode().Perm())
		}
	}
	if s.InitScript != "" {
		if why := w.open(s.InitScript, w.uid); why != "" {
			w.setting("init_script", "%s, and so somebody else can change what runs here with all that the daemon may do", why)
		}
	}
	if s.Log != "" && !stream(s.Log) {
		if why := w.open(existing(parent(s.Log)), w.uid); why != "" {
			refused := ""
			if checkOwnFile(s.Log, w.uid) != nil {
				refused = " (as root, start refuses it)"
			}
			w.setting("log", "%s: who can write there can put something else in the place of the daemon's log%s", why, refused)
		}
	}
}

// interpreters run the program in their first argument that is no option.
var interpreters = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(ba|da|z|k|a)?sh$|^(python|perl|ruby|node|nodejs|php|lua|tclsh|Rscript|guile|deno|bun)[0-9.]*$`)
})

// process are the keys of one.
func (w *weaknesses) process(src source, spec core.Spec) {
	l := spec.Launch
	who, known := w.identity(l.User, l.Group)
	if !known {
		return
	}
	as := fmt.Sprintf("as user %d", who.UID)
	if who.UID == 0 {
		as = "as root"
	}
	if path := w.program(l); path != "" {
		if why := w.open(path, int(who.UID)); why != "" {
			w.key(src, "command", "", "%s, and so somebody else can change what %s runs %s", why, clip(spec.Name), as)
		} else if script := w.script(path, l); script != "" {
			if why := w.open(script, int(who.UID)); why != "" {
				w.key(src, "args", "", "%s, and so somebody else can change what %s runs %s", why, clip(spec.Name), as)
			}
		}
	}
	w.secrets(src, spec)
	if w.uid != 0 || who.UID == 0 {
		return
	}
	for _, out := range []struct {
		key   string
		files []string
	}{{"stdout", spec.Output.Stdout}, {"stderr", spec.Output.Stderr}, {"pid_file", []string{l.PIDFile}}} {
		for _, file := range out.files {
			if file == "" || stream(file) || src.raw[out.key] == nil {
				continue
			}
			if dir := existing(parent(file)); who.mayWrite(dir) {
				w.key(src, out.key, "", "%s can be written by user %d, as which %s runs, who can put something else in the place of this file of root's (chown root it)", dir, who.UID, clip(spec.Name))
				break
			}
		}
	}
}

// owner is an identity that a path may belong to.
type owner struct{ child.Identity }

func (w *weaknesses) identity(user, group string) (owner, bool) {
	key := [2]string{user, group}
	if who, seen := w.people[key]; seen {
		if who == nil {
			return owner{}, false
		}
		return owner{*who}, true
	}
	id, err := child.LookupUser(user, group)
	if err != nil {
		w.people[key] = nil
		return owner{}, false
	}
	if !id.Set {
		id.UID = uint32(max(w.uid, 0))
	}
	w.people[key] = &id
	return owner{id}, true
}

// mayWrite tells whether a directory's mode lets the user make and replace names in it.
func (who owner) mayWrite(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return false
	}
	uid, gid, known := ownerOf(info)
	mode := info.Mode().Perm()
	switch {
	case !known:
		return false
	case uid == int(who.UID):
		return mode&0o200 != 0
	}
	for _, g := range who.Groups {
		if int(g) == gid {
			return mode&0o020 != 0
		}
	}
	return mode&0o002 != 0
}

// program is the file that a process executes, "" when there is none now.
func (w *weaknesses) program(l core.Launch) string {
	if isPath(l.Command) {
		if w.loader.programs.executable(l.Command) == nil {
			return l.Command
		}
		return ""
	}
	path, ok := l.Env["PATH"]
	if !ok {
		path, _ = w.loader.lookup("PATH")
	}
	for _, dir := range filepath.SplitList(path) {
		if file := filepath.Join(dir, l.Command); filepath.IsAbs(dir) && w.loader.programs.executable(file) == nil {
			return file
		}
	}
	return ""
}

// script is the program that an interpreter is given, "" when it is none or not there now.
func (w *weaknesses) script(path string, l core.Launch) string {
	if !interpreters().MatchString(filepath.Base(path)) {
		return ""
	}
	for _, arg := range l.Args {
		if strings.HasPrefix(arg, "-") {
			if arg == "-c" || arg == "-e" {
				return "" // the program is the next argument itself
			}
			continue
		}
		if !filepath.IsAbs(arg) {
			arg = filepath.Join(l.Dir, arg)
		}
		if info, err := os.Stat(arg); err == nil && info.Mode().IsRegular() {
			return arg
		}
		return ""
	}
	return ""
}

// open says who besides root and the user could change what is at a path: the file itself or, by replacing it, what stands
// above; "" for nobody.
func (w *weaknesses) open(path string, uid int) string {
	key := way{path, uid}
	why, seen := w.files[key]
	if !seen && path != "" {
		why = w.look(path, uid)
		w.files[key] = why
	}
	return why
}

func (w *weaknesses) look(path string, uid int) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	info, err := os.Lstat(path)
	if err != nil {
		return ""
	}
	if why := exposed(info, uid, false); why != "" {
		return path + " " + why
	}
	if info.IsDir() && info.Mode()&fs.ModeSticky != 0 && info.Mode().Perm()&0o002 != 0 {
		return fmt.Sprintf("%s is open to everybody (mode %04o)", path, info.Mode().Perm())
	}
	return w.above(filepath.Dir(path), uid)
}

// above is open for a directory and all that stand above it; each is looked at once.
func (w *weaknesses) above(dir string, uid int) string {
	key := way{dir, uid}
	if why, seen := w.ways[key]; seen {
		return why
	}
	why := ""
	if info, err := os.Lstat(dir); err == nil {
		why = exposed(info, uid, false)
	}
	switch {
	case why != "":
		why = "the directory " + dir + " " + why
	case dir != filepath.Dir(dir):
		why = w.above(filepath.Dir(dir), uid)
	}
	w.ways[key] = why
	return why
}

func (w *weaknesses) knowsOwner(info fs.FileInfo) bool {
	_, _, known := ownerOf(info)
	return known
}

func parent(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Dir(path)
}

// existing is the directory itself, or the nearest above it that there is.
func existing(dir string) string {
	for ; dir != ""; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
	}
	return ""
}
