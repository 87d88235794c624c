//go:build unix

package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/qjpcpu/supervisord/core"
)

// TestWhatOthersPutThereIsNotBelieved: in a sticky directory somebody may leave a state file, or say where the daemon listens,
// before the daemon is there.
func TestWhatOthersPutThereIsNotBelieved(t *testing.T) {
	dir := t.TempDir()
	chmod(t, dir, 0o777|os.ModeSticky)
	added, info := filepath.Join(dir, "added.json"), filepath.Join(dir, "daemon.json")
	spec := core.Spec{Name: "evil", Origin: core.Added, Launch: core.Launch{Command: "/bin/sh", Dir: "/"}, Care: core.DefaultCare(), Output: defaultOutput()}
	place := func() {
		t.Helper()
		os.Remove(added)
		os.Remove(info)
		if err := SaveAdded(added, []core.Spec{spec}); err != nil {
			t.Fatal(err)
		}
		if err := WriteInfo(info, Info{Address: "unix:/x", PID: 1}); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(why string) {
		t.Helper()
		if specs, _, err := LoadAdded(added); err == nil || len(specs) > 0 || !strings.Contains(err.Error(), why) {
			t.Errorf("the state file: %v, %v; want %q", specs, err, why)
		}
		if _, err := ReadInfo(info); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("the info file: %v; want %q", err, why)
		}
	}
	place()
	if specs, _, err := LoadAdded(added); err != nil || len(specs) != 1 {
		t.Fatalf("our own: %v, %v", specs, err)
	}
	if _, err := ReadInfo(info); err != nil {
		t.Fatalf("our own: %v", err)
	}
	chmod(t, added, 0o666)
	chmod(t, info, 0o666)
	refused("can be written by everybody")
	place()
	for _, path := range []string{added, info} {
		if err := os.Rename(path, path+".real"); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path+".real", path); err != nil {
			t.Fatal(err)
		}
	}
	refused("is not a regular file")
	if os.Geteuid() != 0 {
		return
	}
	place()
	chown(t, added)
	chown(t, info)
	refused("belongs to user 12345")
	chmod(t, dir, 0o700)
	chown(t, dir)
	if _, err := ReadInfo(info); err != nil {
		t.Errorf("root does not find the daemon of another user: %v", err)
	}
}

// TestTheHolderIsSeenAndKeepsTheLock: who only looks takes nothing, and makes no lock where there is none.
func TestTheHolderIsSeenAndKeepsTheLock(t *testing.T) {
	place := Place{Lock: filepath.Join(t.TempDir(), "lock")}
	if pid := place.Holder(); pid != 0 {
		t.Errorf("no lock is held by %d", pid)
	}
	if _, err := os.Lstat(place.Lock); err == nil {
		t.Error("looking made a lock")
	}
	lock, err := place.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if pid := place.Holder(); pid != os.Getpid() {
			t.Errorf("got %d", pid)
		}
	}
	if _, err := place.Acquire(); err == nil {
		t.Error("looking gave the lock away")
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if pid := place.Holder(); pid != 0 {
		t.Errorf("a lock that was given up is held by %d", pid)
	}
}

// TestRootsOwnFilesStandWhereNobodyElsePutsAnything: the daemon's log is opened by its name again and again.
func TestRootsOwnFilesStandWhereNobodyElsePutsAnything(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give directories away")
	}
	for name, c := range map[string]struct {
		mode os.FileMode
		away bool
		want string
	}{
		"own":             {0o755, false, ""},
		"open to a group": {0o775, false, ""}, // as /var/log is on some systems; check warns
		"open to all":     {0o757, false, "DIR can be written by everybody (mode 0757)"},
		"sticky":          {0o777 | os.ModeSticky, false, "DIR can be written by everybody (mode 0777)"},
		"another's":       {0o755, true, "DIR belongs to user 12345"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "logs")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			chmod(t, dir, c.mode)
			if c.away {
				chown(t, dir)
			}
			for path, want := range map[string]string{
				filepath.Join(dir, "d.log"):                   c.want,
				filepath.Join(dir, "not", "made", "d.log"):    c.want,
				filepath.Join(filepath.Dir(dir), "other.log"): "",
			} {
				err := checkOwnFile(path, 0)
				if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(want, "DIR", dir))) {
					t.Errorf("%s: %v, want %q", path, err, want)
				}
				if err := checkOwnFile(path, 1000); err != nil {
					t.Errorf("a user's own %s: %v", path, err)
				}
			}
			// What was made below it is root's own, but in its place something else could be put, unless the sticky bit holds it.
			below := filepath.Join(dir, "below")
			if err := os.Mkdir(below, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := checkOwnFile(filepath.Join(below, "d.log"), 0); (err == nil) != (c.want == "" || name == "sticky") {
				t.Errorf("below: %v", err)
			}
		})
	}
}
