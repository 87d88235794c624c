package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// machine is a host whose folders are the test's.
func machine(uid int, env ...string) host {
	lookup := lookupIn(env)
	return host{uid: uid, lookup: lookup, getwd: func() (string, error) { return at("/srv/here"), nil }, run: "/run", lib: "/var/lib", tmp: "/tmp"}
}

// lives is a configuration's path, what it says and the machine, and where its daemon then lives: HASH is what tells
// instances of one name apart. An empty info is not looked at.
type lives struct {
	name           string
	h              host
	path           string
	s              Settings
	socket, state  string
	info, instance string
}

func (l lives) test(t *testing.T) {
	p, err := locate(l.path, l.s, l.h)
	if err != nil {
		t.Fatal(err)
	}
	hash := p.Instance[strings.LastIndex(p.Instance, "-")+1:]
	fill := func(s string) string { return strings.ReplaceAll(s, "HASH", hash) }
	if p.Socket != fill(l.socket) || p.StateDir != fill(l.state) || !strings.HasPrefix(p.Instance, l.instance) || len(hash) != 10 {
		t.Errorf("got %+v", p)
	}
	if l.info != "" && p.Info != fill(l.info) {
		t.Errorf("got %s, want %s", p.Info, fill(l.info))
	}
}

// placeIn is a place whose directories are below dir.
func placeIn(t *testing.T, dir string) Place {
	t.Helper()
	p, err := locate(at("/a.conf"), Settings{StateDir: filepath.Join(dir, "state")}, machine(os.Geteuid(), "SUPERVISORD_RUNTIME_DIR="+filepath.Join(dir, "run")))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDirectoriesAreMadePrivate(t *testing.T) {
	dir := t.TempDir()
	p := placeIn(t, dir)
	for range 2 {
		if err := p.Prepare(); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{p.StateDir, p.RuntimeDir, p.Logs} {
		if info, err := os.Stat(d); err != nil || !info.IsDir() {
			t.Errorf("%s: %v", d, err)
		}
		private(t, d)
	}
}

func TestOneDaemonHoldsTheLock(t *testing.T) {
	p := placeIn(t, t.TempDir())
	if err := p.Prepare(); err != nil {
		t.Fatal(err)
	}
	lock, err := p.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	another := os.Getppid()
	_, err = p.Acquire()
	var held *HeldError
	if !errors.As(err, &held) || held.PID != os.Getpid() || held.Path != p.Lock {
		t.Errorf("got %v", err)
	}
	if err := lock.SetPID(another); err != nil {
		t.Fatal(err)
	}
	if _, err = p.Acquire(); !errors.As(err, &held) || held.PID != another {
		t.Errorf("got %v", err)
	}
	// A file that took the name over is another lock; the holder of the name is who counts.
	// Where a file that is open keeps its name, nobody can take it over.
	if err := os.Rename(p.Lock, p.Lock+".moved"); (err != nil) != openKeepsName {
		t.Fatal(err)
	}
	second, err := p.Acquire()
	if openKeepsName {
		if !errors.As(err, &held) || held.PID != another {
			t.Errorf("got %v", err)
		}
	} else if err != nil {
		t.Fatal(err)
	} else {
		second.Close()
	}
	lock.Close()
	third, err := p.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	third.Close()
	private(t, p.Lock)
}

func TestAKilledHolderLeavesNoLock(t *testing.T) {
	if dir := os.Getenv("CONFIG_TEST_HOLD"); dir != "" {
		lock, err := placeIn(t, dir).Acquire()
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close() // whose file would be closed with the garbage
		os.Stdout.WriteString("held\n")
		// Not select {}: the runtime ends a program of which nothing can go on.
		io.Copy(io.Discard, os.Stdin)
		return
	}
	dir := t.TempDir()
	p := placeIn(t, dir)
	if err := p.Prepare(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestAKilledHolderLeavesNoLock$")
	cmd.Env = append(os.Environ(), "CONFIG_TEST_HOLD="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil { // open as long as it is to hold the lock
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 5)
	if _, err := out.Read(buf); err != nil || string(buf) != "held\n" {
		t.Errorf("got %q %v", buf, err)
	}
	var held *HeldError
	if _, err := p.Acquire(); !errors.As(err, &held) || held.PID != cmd.Process.Pid {
		t.Errorf("got %v", err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	lock, err := p.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
}

func TestInfoIsFoundWithoutTheSession(t *testing.T) {
	dir := t.TempDir()
	p := placeIn(t, dir)
	if err := p.Prepare(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ReadInfo(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	want := Info{Address: "unix:/x", PID: 7, Version: "1"}
	if err := p.WriteInfo(want); err != nil {
		t.Fatal(err)
	}
	private(t, p.Info)
	elsewhere := p
	elsewhere.Info = filepath.Join(dir, "cron", "x.json")
	for _, place := range []Place{p, elsewhere} {
		if got, err := place.ReadInfo(); err != nil || got != want {
			t.Errorf("got %+v %v", got, err)
		}
	}
	if err := os.WriteFile(p.Info, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ReadInfo(); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("got %v", err)
	}
	if err := p.RemoveInfo(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ReadInfo(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestTheConfigurationIsFoundInOrder(t *testing.T) {
	dir := t.TempDir()
	var err error
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"here", "opt/bin", "opt/conf", "etc", "usr"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	file := func(path string) string {
		path = filepath.Join(dir, path)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	exe := file("opt/bin/supervisord")
	started := filepath.Join(dir, "usr", "supervisord")
	if err := os.Symlink(exe, started); runtime.GOOS == "windows" {
		if real, _ := filepath.EvalSymlinks(started); err != nil || real != exe {
			started = exe // links need a right there, and Wine's are none
		}
	} else if err != nil {
		t.Fatal(err)
	}
	named := ""
	f := finder{func(string) string { return named }, func() (string, error) { return filepath.Join(dir, "here"), nil },
		func() (string, error) { return started, nil }, filepath.Join(dir, "etc/supervisord.conf")}
	check := func(explicit, want string) {
		t.Helper()
		if got, err := f.find(explicit); err != nil || got != want {
			t.Errorf("got %q %v, want %q", got, err, want)
		}
	}
	check("", "")
	check("", file("etc/supervisord.conf"))
	check("", file("opt/bin/supervisord.conf"))
	check("", file("opt/conf/supervisord.conf"))
	check("", file("here/supervisord.conf"))
	named = "other.conf"
	check("", filepath.Join(dir, "here/other.conf"))
	check(at("/x/../y.conf"), at("/y.conf"))
	check("/x/../y.conf", filepath.VolumeName(dir)+filepath.FromSlash("/y.conf")) // of Windows: on this drive
}

// A file that was replaced between opening and locking is the lock of nobody who comes later.
func TestALockIsTheFileOfItsName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !current(f, path) {
		t.Error("the very file is not recognised")
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Skipf("an open file cannot be renamed here: %v", err)
	}
	if current(f, path) {
		t.Error("there is none of that name any more")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if current(f, path) {
		t.Error("another file has its name")
	}
}
