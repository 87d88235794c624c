package logs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// childLinux are modes in which the child is itself a small daemon with logs,
// in a world of its own (a file size limit, a small file system).
func childLinux(args []string) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(9)
		}
	}
	path := args[1]
	var heal func()
	switch args[0] {
	case "unsynced":
		unsynced(path)
		return
	case "unremovable":
		unremovable(path)
		return
	case "limited": // limited PATH: files cannot grow beyond 100 kB
		signal.Ignore(unix.SIGXFSZ)
		var lim unix.Rlimit
		fail(unix.Getrlimit(unix.RLIMIT_FSIZE, &lim))
		max := lim.Max
		lim.Cur = 100_000
		fail(unix.Setrlimit(unix.RLIMIT_FSIZE, &lim))
		heal = func() {
			lim.Cur = max
			fail(unix.Setrlimit(unix.RLIMIT_FSIZE, &lim))
		}
	case "small": // small PATH: on a file system of 128 KiB
		runtime.LockOSThread()
		fail(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		fail(unix.Mount("tmpfs", filepath.Dir(path), "tmpfs", 0, "size=128k"))
		filler := filepath.Join(filepath.Dir(path), "filler")
		fail(os.WriteFile(filler, make([]byte, 60<<10), 0o600))
		heal = func() {
			fail(os.Remove(filler))
			fail(unix.Mount("tmpfs", filepath.Dir(path), "tmpfs", unix.MS_REMOUNT, "size=64m"))
		}
	default:
		os.Exit(8)
	}
	var notices []Notice
	set := New(Options{Notice: func(n Notice) { notices = append(notices, n) }})
	s, err := set.Open("a", "stdout", Settings{Files: []string{path}})
	fail(err)
	r, w, err := pipe()
	fail(err)
	p := s.Attach(r)
	line := func(i int) { fmt.Fprintf(w, "<%d %s>\n", i, strings.Repeat("f", 50)) }
	n := 0
	for ; n < 5000; n++ { // about 300 kB: more than there is room for
		line(n)
	}
	for s.Health().Degraded == "" {
		line(n)
		n++
	}
	heal()
	for s.Health().Degraded != "" {
		line(n)
		n++
		<-time.After(5 * time.Millisecond)
	}
	line(n)
	n++
	w.Close()
	<-p.Done()
	h := s.Health()
	fail(set.Close())
	fmt.Fprintf(os.Stdout, "produced %d lost %d notices %v\n", n, h.Lost, notices)
	f, err := os.Open(path)
	fail(err)
	_, err = io.Copy(os.Stdout, f)
	fail(err)
}

var gapRecord = regexp.MustCompile(`-- supervisord: lost (\d+) bytes in (\d+) writes \d\d:\d\d:\d\d–\d\d:\d\d:\d\d \((\w+)\) --\n`)

// gapsAddUp: lines in the file and bytes announced as lost are what was produced.
func gapsAddUp(t *testing.T, log string, produced, lost int, reason string) {
	t.Helper()
	announced := 0
	for _, m := range gapRecord.FindAllStringSubmatch(log, -1) {
		n, _ := strconv.Atoi(m[1])
		announced += n
		if m[3] != reason {
			t.Errorf("reason %s, want %s", m[3], reason)
		}
	}
	want := 0
	for i := range produced {
		want += len(fmt.Sprintf("<%d %s>\n", i, strings.Repeat("f", 50)))
	}
	kept := gapRecord.ReplaceAllString(log, "")
	// A record begins on a line of its own; the newline that takes is ours.
	extra := 0
	for _, at := range gapRecord.FindAllStringIndex(log, -1) {
		if at[0] >= 2 && log[at[0]-2] != '>' {
			extra++
		}
	}
	if announced == 0 || announced != lost {
		t.Errorf("announced %d, counted %d", announced, lost)
	}
	if len(kept)-extra+lost != want {
		t.Errorf("logged %d + lost %d = %d, produced %d", len(kept)-extra, lost, len(kept)-extra+lost, want)
	}
	if !strings.HasSuffix(log, fmt.Sprintf("<%d %s>\n", produced-1, strings.Repeat("f", 50))) {
		t.Errorf("the last line is missing: %.200q", log[max(0, len(log)-200):])
	}
}

func TestAFullDiskDoesNotHurtAndIsAnnounced(t *testing.T) {
	for mode, reason := range map[string]string{"limited": "EFBIG", "small": "ENOSPC"} {
		t.Run(reason, func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.Command(os.Args[0])
			cmd.Args = append(cmd.Args, childWord, mode, filepath.Join(dir, "a.log"))
			cmd.Stderr = os.Stderr
			if mode == "small" {
				if os.Geteuid() != 0 {
					t.Skip("needs root to mount a small file system")
				}
				cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
			}
			out, err := cmd.Output()
			if err != nil {
				if cmd.ProcessState == nil {
					t.Skipf("no private mounts here: %v", err)
				}
				t.Fatal(err)
			}
			head, log, _ := strings.Cut(string(out), "\n")
			var produced, lost int
			if _, err := fmt.Sscanf(head, "produced %d lost %d", &produced, &lost); err != nil {
				t.Fatalf("%q: %v", head, err)
			}
			gapsAddUp(t, log, produced, lost, reason)
			if !strings.Contains(head, "cannot write log") || !strings.Contains(head, "works again") {
				t.Errorf("notices: %s", head)
			}
		})
	}
}

func TestFIFODirectoryDeviceAndSymlinkAreRefused(t *testing.T) {
	dir := t.TempDir()
	fifo, null, link, socket := filepath.Join(dir, "fifo"), filepath.Join(dir, "null"), filepath.Join(dir, "link"), filepath.Join(dir, "file", "x")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, "file"), nil, 0o600)
	os.WriteFile(filepath.Join(dir, "target"), []byte("t"), 0o600)
	os.Symlink(filepath.Join(dir, "target"), link)
	bad := []string{dir, fifo, link, socket, "", dir + "/", filepath.Join(dir, strings.Repeat("n", 300))}
	if err := unix.Mknod(null, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))); err == nil {
		bad = append(bad, null)
	}
	set := newSet(t, Options{})
	for _, path := range bad {
		begin := time.Now()
		if err := Check([]string{path}); err == nil || !strings.Contains(err.Error(), strconv.Quote(path)) {
			t.Errorf("Check(%q) = %v", path, err)
		}
		if path != "" {
			if s, err := set.Open("bad", "stdout", Settings{Files: []string{path}}); err == nil {
				t.Errorf("%q was opened", path)
				s.Close()
			} else if !strings.Contains(err.Error(), filepath.Clean(path)) {
				t.Errorf("%v does not name %q", err, path)
			}
		}
		if time.Since(begin) > time.Second {
			t.Errorf("%q took %v", path, time.Since(begin))
		}
	}
	if content(t, filepath.Join(dir, "target")) != "t" {
		t.Error("the target of the symlink was written")
	}
	good := []string{"/dev/stdout", "/dev/stderr", "/dev/null", filepath.Join(dir, "new", "deep", "a.log"), filepath.Join(dir, "file")}
	if err := Check(good); err != nil {
		t.Error(err)
	}
	if err := Check([]string{"/dev/zero", "/dev/full", dir}); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want one line for each problem: %v", err)
	}
}

func TestDirectoriesAndFilesAreNotForEveryone(t *testing.T) {
	old := unix.Umask(0)
	defer unix.Umask(old)
	dir := t.TempDir()
	path := filepath.Join(dir, "x", "y", "a.log")
	open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}})
	for path, want := range map[string]os.FileMode{filepath.Join(dir, "x"): 0o750, filepath.Join(dir, "x", "y"): 0o750, path: 0o640} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
}

func TestASymlinkPutThereDuringRotationsIsNotFollowed(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	path, target := filepath.Join(dir, "a.log"), filepath.Join(elsewhere, "target")
	os.WriteFile(target, []byte("precious"), 0o600)
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}, Size: 2000, Count: 3})
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			os.Remove(path)
			os.Symlink(target, path)
		}
	}()
	run(t, s, "text 1000000 5")
	close(stop)
	<-stopped
	if got := content(t, target); got != "precious" {
		t.Errorf("the target was written: %d bytes", len(got))
	}
}

func TestHardLinksInAForeignDirectoryAreRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: only a privileged daemon can be misled")
	}
	dir := t.TempDir()
	victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "theirs", "a.log")
	os.WriteFile(victim, []byte("v"), 0o600)
	os.Mkdir(filepath.Dir(path), 0o755)
	os.Link(victim, path)
	set := newSet(t, Options{})
	if s, err := set.Open("mine", "stdout", Settings{Files: []string{path}}); err != nil {
		t.Errorf("a hard link in our own directory: %v", err)
	} else {
		s.Close()
	}
	sticky := filepath.Join(dir, "sticky", "a.log")
	os.Mkdir(filepath.Dir(sticky), 0o700)
	os.Chmod(filepath.Dir(sticky), 0o777|os.ModeSticky)
	os.Link(victim, sticky)
	if _, err := set.Open("sticky", "stdout", Settings{Files: []string{sticky}}); err == nil || !strings.Contains(err.Error(), "hard link") {
		t.Errorf("got %v where everybody may be first", err)
	}
	os.Chown(filepath.Dir(path), 65534, 65534)
	if _, err := set.Open("theirs", "stdout", Settings{Files: []string{path}}); err == nil || !strings.Contains(err.Error(), "hard link") {
		t.Errorf("got %v", err)
	}
}

// What somebody else put into another's directory under the name of a log, a privileged daemon does not write to: it could be read there,
// or be changed afterwards.
func TestAFileOfAThirdInAForeignDirectoryIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: only a privileged daemon can be misled")
	}
	const owner, third = 65534, 65533
	for _, one := range []struct {
		mode    os.FileMode
		dir     int
		file    int
		refused bool
	}{
		{0o755, owner, owner, false},
		{0o755, owner, 0, false},
		{0o755, owner, third, true},
		{0o777, 0, third, true},
		{0o777, 0, 0, false},
		{0o755, 0, third, false},                // root put it there itself
		{0o777 | os.ModeSticky, 0, third, true}, // where everybody may be first
		{0o777 | os.ModeSticky, 0, 0, false},
	} {
		dir := filepath.Join(t.TempDir(), "dir")
		path := filepath.Join(dir, "a.log")
		for _, err := range []error{
			os.Mkdir(dir, 0o700), os.WriteFile(path, []byte("theirs\n"), 0o600),
			os.Chown(path, one.file, one.file), os.Chown(dir, one.dir, one.dir), os.Chmod(dir, one.mode),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := Check([]string{path}); errors.Is(err, ErrOthers) != one.refused || (err != nil) != one.refused {
			t.Errorf("%+v: Check: %v", one, err)
		}
		set := newSet(t, Options{})
		s, err := set.Open("a", "stdout", Settings{Files: []string{path}})
		if refused := err != nil; refused != one.refused {
			t.Errorf("%+v: %v", one, err)
		}
		if want := fmt.Sprintf("belongs to uid %d in a directory that others may write to", one.file); err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if err == nil {
			say(t, s, "ours\n")
		}
		if wrote := content(t, path) != "theirs\n"; wrote == one.refused {
			t.Errorf("%+v: written: %t", one, wrote)
		}
	}
}

// The last descriptors are for commands: a log is not opened with one of them, and holds none afterwards.
func TestALogDoesNotTakeTheLastDescriptors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	set := newSet(t, Options{})
	restore := fewDescriptors(t, 8)
	_, err := set.Open("a", "stdout", Settings{Files: []string{path}})
	restore()
	if !errors.Is(err, syscall.EMFILE) {
		t.Errorf("with a few descriptors left: %v, want EMFILE", err)
	}
	s, err := set.Open("a", "stdout", Settings{Files: []string{path}})
	if err != nil {
		t.Fatalf("with many left: %v", err)
	}
	say(t, s, "line\n")
	if got := content(t, path); got != "line\n" {
		t.Errorf("got %q", got)
	}
}

// fewDescriptors lets this process open about n more descriptors, of a limit that keeps 16 for commands, until restore is called.
func fewDescriptors(t *testing.T, n uint64) (restore func()) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	var files []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		if fd := uint64(f.Fd()); fd >= 64 { // a quarter of less is not 16
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: fd + 1 + n, Max: before.Max}); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	return sync.OnceFunc(func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
			t.Error(err)
		}
		for _, f := range files {
			f.Close()
		}
	})
}

// Who owns a directory on the way to a log cannot lead a privileged daemon elsewhere: not when it starts, not while it writes, not
// by what it reads.
func TestASymlinkOnTheWayToALogIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: only a privileged daemon can be misled")
	}
	dir, target := t.TempDir(), t.TempDir()
	os.Chmod(target, 0o755)
	theirs := filepath.Join(dir, "theirs")
	os.Mkdir(theirs, 0o755)
	os.Symlink(target, filepath.Join(theirs, "link"))
	os.Symlink(theirs, filepath.Join(dir, "ours")) // a link of root's own
	if err := os.Chown(theirs, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	set := newSet(t, Options{})
	for _, path := range []string{"link/a.log", "link/new/a.log"} {
		_, err := set.Open("a", "stdout", Settings{Files: []string{filepath.Join(theirs, path)}})
		if err == nil || !strings.Contains(err.Error(), "is a symbolic link in a directory that others may write to") {
			t.Errorf("%s: %v", path, err)
		}
	}
	path := filepath.Join(dir, "ours", "sub", "b.log")
	s := open(t, set, "b", Settings{Files: []string{path}})
	say(t, s, "one\n")
	os.Rename(filepath.Join(theirs, "sub"), filepath.Join(theirs, "away"))
	os.Symlink(target, filepath.Join(theirs, "sub"))
	<-time.After(retryEvery)
	say(t, s, "two\n")
	if got := content(t, filepath.Join(theirs, "away", "b.log")); got != "one\ntwo\n" {
		t.Errorf("the moved file holds %q", got)
	}
	if found, _ := os.ReadDir(target); len(found) != 0 {
		t.Errorf("the target holds %v", found)
	}
	// A second name of somebody's file is not shown as an old file.
	secret := filepath.Join(dir, "secret")
	os.WriteFile(secret, []byte("secret\n"), 0o600)
	os.WriteFile(filepath.Join(theirs, "c.log"), []byte("line\n"), 0o600)
	os.Link(secret, filepath.Join(theirs, oldName("c.log", time.Now(), 1)))
	c := open(t, set, "c", Settings{Files: []string{filepath.Join(theirs, "c.log")}, Count: 5, Compress: true})
	tidied(set)
	if got, err := texts(c.Tail(10, time.Time{}, nil)); err != nil || fmt.Sprint(got) != "[line]" {
		t.Errorf("%q, %v", got, err)
	}
	if packed := glob(t, filepath.Join(theirs, "*.gz")); len(packed) != 0 {
		t.Errorf("packed: %v", packed)
	}
}

// Somebody copies the file and empties it, over and over, while a program writes: no hole, and the file goes on.
func TestCopyTruncateInALoopLeavesNoHole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}, Size: 1 << 30, Count: 3})
	r, w, err := pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := s.Attach(r)
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		defer w.Close()
		block := []byte(strings.Repeat("a line of the log\n", 500))
		for range big(20_000) {
			w.Write(block)
		}
	}()
	for cut := 0; ; cut++ {
		select {
		case <-wrote:
			<-p.Done()
			var st unix.Stat_t
			if err := unix.Stat(path, &st); err != nil {
				t.Fatal(err)
			}
			text := content(t, path)
			if strings.ContainsRune(text, 0) || !strings.HasSuffix(text, "a line of the log\n") && text != "" {
				t.Errorf("a hole in %d bytes after %d cuts", len(text), cut)
			}
			if cut == 0 {
				t.Error("it was never cut")
			}
			if h := s.Health(); h.Lost != 0 || h.Written != int64(9000*big(20_000)) {
				t.Errorf("%+v", h)
			}
			return
		default:
		}
		content(t, path)
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// Wide pipes are few: the kernel makes every further pipe of a user tiny once they hold pipe-user-pages-soft.
func TestWidePipesLeaveRoomForTheOthers(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/fs/pipe-user-pages-soft")
	if err != nil {
		t.Skip(err)
	}
	soft, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if got := pipeAllowance(1 << 40); soft > 0 && got > int64(soft*os.Getpagesize()/2) {
		t.Errorf("%d bytes are allowed, half of what a user may have is %d", got, soft*os.Getpagesize()/2)
	}
	set := newSet(t, Options{})
	granted := 0
	for range 40 {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		if taken := set.widen(r.Fd()); taken > 0 {
			granted += taken
			defer set.narrow(taken)
		}
		if size, err := unix.FcntlInt(r.Fd(), unix.F_GETPIPE_SZ, 0); err != nil || size < 64<<10 && os.Getuid() == 0 {
			t.Errorf("a pipe of %d bytes, %v", size, err)
		}
	}
	if most := pipeAllowance(wideLimit); int64(granted) > most {
		t.Errorf("%d bytes were granted of %d", granted, most)
	}
}

// What has an old file's name and is none stays, when there are too many, too old or too large ones, and when all are removed.
func TestWhatIsNoFileIsNotRemovedAsAnOldOne(t *testing.T) {
	for what, to := range map[string]Settings{
		"number": {Size: 1000, Count: 2},
		"total":  {Size: 1000, Count: 1000, Total: 3000},
		"age":    {Size: 1000, Count: 1000, Age: time.Nanosecond},
		"packed": {Size: 1000, Count: 2, Compress: true},
	} {
		dir := t.TempDir()
		path, victim := filepath.Join(dir, "a.log"), filepath.Join(t.TempDir(), "victim")
		os.WriteFile(victim, make([]byte, 5000), 0o600)
		link, fifo, half := path+".20250101T000000Z-000001", path+".20250101T000000Z-000002", path+".20250101T000000Z-000003"+packingEnd
		packed := path + ".20250101T000000Z-000004" + packedEnd
		if err := errors.Join(os.Symlink(victim, link), unix.Mkfifo(fifo, 0o600), os.Symlink(victim, half), os.Symlink(victim, packed)); err != nil {
			t.Fatal(err)
		}
		set := newSet(t, Options{})
		to.Files = []string{path}
		s := open(t, set, "a", to)
		run(t, s, "text 20000 1")
		tidied(set)
		if _, err := set.Clear(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		for _, name := range []string{link, fifo, half, packed} {
			if _, err := os.Lstat(name); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		if left := glob(t, path+"*"); len(left) != 4 {
			t.Errorf("%s: left: %v", what, left)
		}
		if info, err := os.Stat(victim); err != nil || info.Size() != 5000 {
			t.Errorf("%s: the victim: %v, %v", what, info, err)
		}
	}
}
