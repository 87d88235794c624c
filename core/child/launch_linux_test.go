package child

import (
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestLaunchErrorsSayWhatAndWhy(t *testing.T) {
	h := host(t)
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		path, dir, user, group string
		step, want             string
	}{
		{path: dir + "/missing", step: "exec", want: "no such file"},
		{path: "missing-program", step: "exec", want: "exec missing-program: not found in PATH (ENOENT)"},
		{path: write("plain", "#!/bin/sh\n", 0o644), step: "exec", want: "permission denied"},
		{path: write("junk", "\x00\x01junk", 0o755), step: "exec", want: "neither a program nor a script"},
		{path: write("empty", "", 0o755), step: "exec", want: "neither a program nor a script"},
		{path: write("strange", "#!"+dir+"/nobody-home\n", 0o755), step: "exec", want: "interpreter"},
		{path: loop, step: "exec", want: "too many levels of symbolic links"},
		{path: dir, step: "exec", want: "permission denied"},
		{path: "/bin/true", dir: dir + "/nowhere", step: "cwd", want: "no such file"},
		{path: "/bin/true", dir: write("file", "", 0o644), step: "cwd", want: "not a directory"},
		{path: "/bin/true", dir: closed, user: "nobody", step: "cwd", want: "permission denied"},
		{path: "/bin/true", user: "no-such-user", step: "user", want: "no such user"},
		{path: "/bin/true", group: "no-such-group", step: "group", want: "no such group"},
	} {
		if one.user == "nobody" && os.Getuid() != 0 {
			continue
		}
		c := Command{Name: "bad", Generation: rand.Uint64(), Path: one.path, Dir: one.dir, User: one.user, Group: one.group, Env: []string{"PATH=/bin"}}
		_, err := h.Start(c)
		var launch *LaunchError
		if !errors.As(err, &launch) {
			t.Errorf("%s: got %v, want a *LaunchError", one.path, err)
			continue
		}
		if launch.Step != one.step || !strings.Contains(err.Error(), one.want) || launch.Temporary {
			t.Errorf("%s: got %q (step %s, temporary %v), want step %s and %q", one.path, err, launch.Step, launch.Temporary, one.step, one.want)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.inFlight != 0 || len(h.kids) != 0 {
		t.Errorf("failed starts left %d forks in flight and %d kids", h.inFlight, len(h.kids))
	}
}

func TestProcessesStartClean(t *testing.T) {
	// Something to inherit: a descriptor without close-on-exec, as a login shell leaves them.
	fd, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	h := host(t)
	if err := unix.CloseRange(uint(fd), uint(fd), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := command("dump")
	c.Dir = dir
	k := start(t, h, c)
	d := read(t, k)
	if !slices.Equal(d.FDs, []string{"0", "1", "2"}) {
		t.Errorf("descriptors %v, want 0, 1, 2", d.FDs)
	}
	if d.SID != k.PID() || d.PGID != k.PID() {
		t.Errorf("session %d, group %d, want its own pid %d", d.SID, d.PGID, k.PID())
	}
	if d.Dir != dir {
		t.Errorf("cwd %s, want %s", d.Dir, dir)
	}
	if strings.Trim(d.Masked, "0") != "" {
		t.Errorf("blocked signals %s, want none", d.Masked)
	}
	// SIGPIPE and SIGURG of the Go runtime are handled, not ignored.
	if strings.Trim(d.Ignored, "0") != "" {
		t.Errorf("ignored signals %s, want none", d.Ignored)
	}
	if d.OutFlags&unix.O_NONBLOCK != 0 {
		t.Error("stdout is non-blocking")
	}
	if !slices.Contains(d.Env, UnitKey+"="+k.(*kid).unit) {
		t.Error("the marker is missing in the environment")
	}
}

func TestServiceUserGetsItsOwnGroupsAndHome(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	h := host(t)
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	c := command("dump")
	c.User, c.Env = "nobody", nil
	// nobody cannot read the test binary below a private folder, so it gets a copy.
	c.Path = copyOfSelf(t)
	d := read(t, start(t, h, c))
	if strconv.Itoa(d.UID) != nobody.Uid || strconv.Itoa(d.GID) != nobody.Gid {
		t.Errorf("uid %d gid %d, want %s %s", d.UID, d.GID, nobody.Uid, nobody.Gid)
	}
	want, err := nobody.GroupIds()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range d.Groups {
		got = append(got, strconv.Itoa(g))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("groups %v, want %v", got, want)
	}
	for _, kv := range []string{"HOME=" + nobody.HomeDir, "USER=nobody", "LOGNAME=nobody"} {
		if !slices.Contains(d.Env, kv) {
			t.Errorf("%s is missing in %v", kv, d.Env)
		}
	}
}

func TestHungExecBlocksNobodyElse(t *testing.T) {
	h := host(t)
	var added atomic.Int32
	kept := h.logf
	h.logf = func(string, ...any) { added.Add(1) }
	defer func() { h.logf = kept }()
	release := make(chan bool)
	var all sync.WaitGroup
	hung := make(chan bool)
	for range spawners {
		all.Go(func() { _ = h.onSpawner(func() { hung <- true; <-release }) })
	}
	for range spawners {
		await(t, "the hanging execs", hung)
	}
	// Many wait behind it: one more thread serves them all.
	for range 50 {
		all.Go(func() {
			c := command("exit 0")
			c.Stdout = Null
			k, err := h.Start(c)
			if err != nil {
				t.Error(err)
				return
			}
			await(t, "exit", k.Exited())
		})
	}
	eventually(t, "the others have been started", func() bool { return added.Load() > 0 && h.done.Load() > 50 })
	close(release)
	all.Wait()
	if n := added.Load(); n != 1 {
		t.Errorf("%d threads were added when all hung, want 1", n)
	}
}

// read gives what a child of mode dump printed.
func read(t *testing.T, k Child) dumped {
	t.Helper()
	if err := k.Stdout().SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(k.Stdout())
	if err != nil {
		t.Fatal(err)
	}
	var d dumped
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return d
}

func copyOfSelf(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "child")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "child")
	if err := os.WriteFile(path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
