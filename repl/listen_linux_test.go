package repl

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

const umaskEnv = "REPL_TEST_UMASK_SOCKETS"

// TestMain lets the test binary be run again, with a umask of its own.
func TestMain(m *testing.M) {
	if n := os.Getenv(umaskEnv); n != "" {
		if err := makeSockets(n); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if sock := os.Getenv(terminalEnv); sock != "" {
		os.Exit(runTerminal(sock))
	}
	os.Exit(m.Run())
}

// makeSockets listens again and again under umask 0, while another goroutine looks at the socket as often as it can.
func makeSockets(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	syscall.Umask(0)
	dir, err := os.MkdirTemp("", "repl")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, "s.sock")
	changes, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return err
	}
	defer syscall.Close(changes)
	if _, err := syscall.InotifyAddWatch(changes, dir, syscall.IN_CREATE|syscall.IN_ATTRIB); err != nil {
		return err
	}
	stop, widest := make(chan struct{}), make(chan [2]int, 1)
	var looked atomic.Bool
	go func() {
		seen, mode := 0, 0
		for {
			select {
			case <-stop:
				widest <- [2]int{seen, mode}
				return
			default:
			}
			if info, err := os.Lstat(path); err == nil {
				seen++
				looked.Store(true)
				mode |= int(info.Mode().Perm())
			}
		}
	}()
	// On a busy machine the other goroutine may not get its turn within n rounds; without a look nothing is shown.
	for i := 0; i < n || !looked.Load(); i++ {
		ln, err := ListenUnix(path, ListenOptions{})
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if info.Mode().Perm() != 0o600 {
			return fmt.Errorf("mode %o", info.Mode().Perm())
		}
		// The window may be too narrow for a look; the kernel tells of it all the same.
		if said, err := whatHappened(changes); err != nil || said != syscall.IN_CREATE {
			return fmt.Errorf("events %#x, %v; want the creation alone, and no change of the mode after it", said, err)
		}
		if err := ln.Close(); err != nil {
			return err
		}
	}
	close(stop)
	if got := <-widest; got[1]&^0o600 != 0 || got[0] == 0 {
		return fmt.Errorf("%d looks saw mode bits %04o", got[0], got[1])
	}
	return nil
}

// whatHappened are the kinds of all events since the last call.
func whatHappened(inotify int) (kinds uint32, err error) {
	buffer := make([]byte, 4096)
	n, err := syscall.Read(inotify, buffer)
	for at := 0; err == nil && at+syscall.SizeofInotifyEvent <= n; {
		event := (*syscall.InotifyEvent)(unsafe.Pointer(&buffer[at]))
		kinds |= event.Mask
		at += syscall.SizeofInotifyEvent + int(event.Len)
	}
	return kinds, err
}

func TestSocketIsNeverWiderThan0600(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", umaskEnv, full(1000)))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestFolderOfTheSocketIsMadePrivate(t *testing.T) {
	path := filepath.Join(filepath.Dir(socketPath(t)), "a", "b", "s.sock")
	ln, err := ListenUnix(path, ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, dir := range []string{filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v", dir, info.Mode(), err)
		}
	}
}

func TestFolderThatOthersWriteToIsRefused(t *testing.T) {
	path := socketPath(t)
	dir := filepath.Dir(path)
	for mode, ok := range map[fs.FileMode]bool{
		0o777: false, 0o770: false, 0o702: false, 0o755: true, 0o777 | fs.ModeSticky: true,
	} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		ln, err := ListenUnix(path, ListenOptions{})
		if (err == nil) != ok {
			t.Errorf("%v: %v", mode, err)
		}
		if err == nil {
			ln.Close()
		}
		if info, _ := os.Stat(dir); info.Mode()&(fs.ModePerm|fs.ModeSticky) != mode {
			t.Errorf("%v became %v", mode, info.Mode())
		}
	}
}

func TestPathsThatCannotBeSocketsAreRefused(t *testing.T) {
	dir := filepath.Dir(socketPath(t))
	for path, want := range map[string]string{
		dir + "/" + strings.Repeat("x", 108): "at most 107",
		"relative.sock":                      "not absolute",
		"@abstract":                          "not absolute",
		"":                                   "not absolute",
		dir + "/a\x00b":                      "not absolute",
		dir:                                  "no socket",
		"/proc/nothing/s.sock":               "cannot create its folder",
	} {
		ln, err := ListenUnix(path, ListenOptions{Replace: true})
		if err == nil {
			ln.Close()
			t.Errorf("%q was taken", path)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "cannot listen on "+path) {
			t.Errorf("%q: %v, want %q", path, err, want)
		}
	}
	longest := dir + "/" + strings.Repeat("x", maxSocketPath-len(dir)-1)
	ln, err := ListenUnix(longest, ListenOptions{})
	if err != nil {
		t.Fatalf("%d bytes: %v", len(longest), err)
	}
	ln.Close()
}

func TestWhatIsNoSocketIsNeverRemoved(t *testing.T) {
	path := socketPath(t)
	victim := path + ".victim"
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, place := range map[string]func() error{
		"file":             func() error { return os.WriteFile(path, []byte("precious"), 0o600) },
		"link to a file":   func() error { return os.Symlink(victim, path) },
		"dangling link":    func() error { return os.Symlink(path+".none", path) },
		"folder":           func() error { return os.Mkdir(path, 0o700) },
		"fifo":             func() error { return syscall.Mkfifo(path, 0o600) },
		"link to a socket": func() error { return os.Symlink(path+".sock", path) },
	} {
		if err := place(); err != nil {
			t.Fatal(err)
		}
		before, _ := os.Lstat(path)
		ln, err := ListenUnix(path, ListenOptions{Replace: true})
		if err == nil {
			ln.Close()
			t.Errorf("%s: replaced", name)
		}
		after, err := os.Lstat(path)
		if err != nil || !os.SameFile(before, after) {
			t.Errorf("%s: gone (%v)", name, err)
		}
		os.Remove(path)
	}
	if text, _ := os.ReadFile(victim); string(text) != "precious" {
		t.Errorf("the victim holds %q", text)
	}
}

// staleSocket leaves a socket behind, as a killed daemon does.
func staleSocket(t *testing.T, path string) {
	t.Helper()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	ln.Close()
}

func TestOnlyTheLocksHolderReplacesASocket(t *testing.T) {
	path := socketPath(t)
	staleSocket(t, path)
	if _, err := ListenUnix(path, ListenOptions{}); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("without the lock: %v", err)
	}
	ln, err := ListenUnix(path, ListenOptions{Replace: true})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	// Another user's is not ours to replace, be it stale.
	if os.Getuid() == 0 {
		foreign := filepath.Join(filepath.Dir(path), "foreign.sock")
		staleSocket(t, foreign)
		if err := os.Lchown(foreign, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if _, err := ListenUnix(foreign, ListenOptions{Replace: true}); err == nil || !strings.Contains(err.Error(), "belongs to uid 65534") {
			t.Errorf("another user's socket: %v", err)
		}
		if _, err := os.Lstat(foreign); err != nil {
			t.Errorf("another user's socket: %v", err)
		}
	}
	// Another takes its place: it is not ours to remove.
	os.Remove(path)
	staleSocket(t, path)
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the other's socket: %v", err)
	}
}

func TestSocketOfAGroupIs0660(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("giving a socket away needs root")
	}
	path := socketPath(t)
	ln, err := ListenUnix(path, ListenOptions{GID: 12345})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Perm() != 0o660 || info.Sys().(*syscall.Stat_t).Gid != 12345 {
		t.Errorf("%v %+v %v", info.Mode(), info.Sys(), err)
	}
}

// TestStrangersAreRefusedInSpiteOfTheMode connects as another user to a socket that was opened to all.
func TestStrangersAreRefusedInSpiteOfTheMode(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	h := serve(t, ServerOptions{GID: 12345, Managed: func(uid int) bool { return uid == 4242 }})
	for _, path := range []string{h.sock, filepath.Dir(h.sock)} {
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ uid, gid, status int }{
		{0, 0, 200},
		{65534, 65534, 403},
		{65534, 0, 403},
		{65534, 12345, 200},
		{4242, 12345, 403},
	} {
		if got := askAs(t, h, tc.uid, tc.gid); got != tc.status {
			t.Errorf("uid %d gid %d: got %d, want %d", tc.uid, tc.gid, got, tc.status)
		}
	}
	if n := len(h.seen()); n != 2 {
		t.Errorf("%d reached the evaluator", n)
	}
}

// askAs connects with the credentials of another user: those of a thread, which the kernel writes down at connect.
func askAs(t *testing.T, h *host, uid, gid int) int {
	t.Helper()
	status := make(chan int, 1)
	go func() {
		// The thread is not given back, and ends with the goroutine.
		runtime.LockOSThread()
		setThread := func(call, id int) {
			if _, _, e := syscall.RawSyscall(uintptr(call), uintptr(id), uintptr(id), ^uintptr(0)); e != 0 {
				t.Error(e)
			}
		}
		setThread(syscall.SYS_SETRESGID, gid)
		setThread(syscall.SYS_SETRESUID, uid)
		c, err := net.Dial("unix", h.sock)
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		fmt.Fprint(c, post("x", form))
		var n int
		fmt.Fscanf(c, "HTTP/1.1 %d", &n)
		status <- n
	}()
	return await(t, "the answer", status)
}

func TestServingOutOfDescriptorsClosesIdleConnections(t *testing.T) {
	p := newPool(10, time.Second, 1, 1, nil)
	a, b := net.Pipe()
	defer b.Close()
	inner := &exhausted{fail: 1}
	fresh := p.add(a)
	if _, err := (&listener{inner, p}).Accept(); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("a connection that has just come in was closed: %v", err)
	}
	fresh.since = time.Now().Add(-young)
	inner.fail = 1
	ln := &listener{inner, p}
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if _, err := b.Read(make([]byte, 1)); err == nil {
		t.Error("the idle connection is still open")
	}
	inner.fail = 1
	if _, err := ln.Accept(); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("with nothing to close: %v", err)
	}
}

// exhausted is a listener without descriptors for a while.
type exhausted struct{ fail int }

func (e *exhausted) Accept() (net.Conn, error) {
	if e.fail > 0 {
		e.fail--
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	a, _ := net.Pipe()
	return a, nil
}
func (*exhausted) Close() error   { return nil }
func (*exhausted) Addr() net.Addr { return &net.UnixAddr{} }

func TestOwnGroupsAreFound(t *testing.T) {
	if !inGroup(0, 5, 5) {
		t.Error("the primary group does not count")
	}
	if inGroup(1<<30, 5, 6) {
		t.Error("an unknown user is a member")
	}
	if !inGroup(0, 5, 0) {
		t.Skip("the system does not know root's group")
	}
}
