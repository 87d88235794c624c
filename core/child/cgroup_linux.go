package child

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cgroups is the part of the cgroup v2 tree that this daemon made for itself (man 7 cgroups). Each life of a process gets a
// cgroup of its own, entered at its fork, so that no descendant can leave it and all can be killed at once.
type cgroups struct {
	root string

	removing sync.Mutex // held while folders are removed

	mu      sync.Mutex
	watcher *os.File                // inotify; nil until somebody waits
	watches map[int32]chan struct{} // by watch descriptor
	left    []string                // folders of lives that are over, to be removed
	removal *time.Timer             // removes them; nil when it is not set
}

// removeAfter is how long the folder of a life that is over stands. To remove one takes the kernel as long as some forks, and when
// many lives end at once, or one is to be followed by another, everything else comes first.
const removeAfter = 250 * time.Millisecond

// cgroup is the one of a single life. It is named by its path, which is nobody else's, and holds no descriptor: each open one
// is copied and closed again at every fork and exec of this process.
type cgroup struct{ path string }

// sweepPatience bounds how long a new daemon waits for what a killed one left.
const sweepPatience = 5 * time.Second

// findCgroups makes a cgroup below the one this process is in and returns nil where that is not possible: no cgroup v2, no
// rights, or a kernel without cgroup.kill (before Linux 5.14). What a daemon of this instance that was killed left in it is
// killed now.
func findCgroups(instance string) *cgroups {
	own, err := ownCgroup()
	if err != nil {
		return nil
	}
	c := &cgroups{root: filepath.Join(own, "supervisord-"+instance), watches: map[int32]chan struct{}{}}
	if err := os.Mkdir(c.root, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil
	}
	probe, err := c.enter("probe", 0)
	if err == nil {
		err = c.kill(probe)
		c.leave(probe)
	}
	if err != nil {
		_ = c.close()
		return nil
	}
	c.sweep()
	return c
}

// sweepCgroups ends and removes what a daemon of this instance that was killed has left, for one that makes no cgroups itself.
func sweepCgroups(instance string) {
	own, err := ownCgroup()
	if err != nil {
		return
	}
	c := &cgroups{root: filepath.Join(own, "supervisord-"+instance), watches: map[int32]chan struct{}{}}
	c.sweep()
	_ = c.close() // most often there is none
}

// ownCgroup is the folder of the cgroup v2 this process is in, wherever that tree is mounted.
func ownCgroup() (string, error) { return ownFolder("") }

// ownFolder is the folder of this process in the v1 hierarchy that has the controller, "" for cgroup v2, wherever it is
// mounted.
func ownFolder(controller string) (string, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	inside, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	path, found := "", false
	for line := range strings.Lines(string(inside)) {
		// 4:memory:/PATH, 0::/PATH for v2 (man 7 cgroups)
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) == 3 && slices.Contains(strings.Split(parts[1], ","), controller) && (controller != "" || parts[0] == "0") {
			path, found = parts[2], true
		}
	}
	missing := errors.New("no cgroup v2 is mounted")
	if controller != "" {
		missing = fmt.Errorf("no hierarchy of cgroup v1 has it")
	}
	if !found {
		return "", missing
	}
	for line := range strings.Lines(string(mounts)) {
		// 38 31 0:33 ROOT MOUNTPOINT OPTIONS... - TYPE SOURCE SUPEROPTIONS (man 5 proc_pid_mountinfo)
		before, after, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
		fields, of := strings.Fields(before), strings.Fields(after)
		if len(fields) < 5 || len(of) < 3 {
			continue
		}
		if controller == "" && of[0] != "cgroup2" ||
			controller != "" && (of[0] != "cgroup" || !slices.Contains(strings.Split(of[2], ","), controller)) {
			continue
		}
		below, err := filepath.Rel(fields[3], path)
		if err != nil || strings.HasPrefix(below, "..") {
			return "", fmt.Errorf("the cgroup %s is not below the mount of %s", path, fields[3])
		}
		return filepath.Join(fields[4], below), nil
	}
	return "", missing
}

// sweep kills and removes what is left of an earlier daemon.
func (c *cgroups) sweep() {
	folders, err := os.ReadDir(c.root)
	if err != nil {
		return
	}
	deadline := time.NewTimer(sweepPatience)
	defer deadline.Stop()
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		old := &cgroup{filepath.Join(c.root, folder.Name())}
		empty, cancel := c.whenEmpty(old)
		if err := c.kill(old); err == nil {
			for late := false; !late; {
				if populated, _ := old.populated(); !populated {
					break
				}
				select {
				case <-empty:
				case <-deadline.C:
					deadline.Reset(0)
					late = true
				}
			}
		}
		cancel()
		c.leave(old)
	}
	c.remove()
}

// enter makes the cgroup of one life.
func (c *cgroups) enter(name string, generation uint64) (*cgroup, error) {
	base := filepath.Join(c.root, name+"."+strconv.FormatUint(generation, 10))
	path := base
	// What was removed and added again begins to count again, and the old folder may still stand.
	for again := 2; ; again++ {
		if err := unix.Mkdir(path, 0o755); err == nil {
			return &cgroup{path}, nil
		} else if err != unix.EEXIST {
			return nil, err
		}
		path = base + "~" + strconv.Itoa(again)
	}
}

// open is the folder, to fork into.
func (g *cgroup) open() (fd int, err error) {
	return unix.Open(g.path, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

// leave has the cgroup of a life that is over removed, soon.
func (c *cgroups) leave(g *cgroup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = append(c.left, g.path)
	if c.removal == nil {
		c.removal = time.AfterFunc(removeAfter, c.remove)
	}
}

// remove removes what was left. A folder that the kernel is not done with yet (EBUSY) gets another chance the next time.
func (c *cgroups) remove() {
	c.removing.Lock()
	defer c.removing.Unlock()
	c.mu.Lock()
	all := c.left
	c.left = nil
	if c.removal != nil {
		c.removal.Stop()
		c.removal = nil
	}
	c.mu.Unlock()
	all = slices.DeleteFunc(all, func(path string) bool { return (&cgroup{path}).remove() != unix.EBUSY })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = append(c.left, all...)
}

// close removes the daemon's own cgroup.
func (c *cgroups) close() error {
	c.remove()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watcher != nil {
		c.watcher.Close()
	}
	if err := unix.Rmdir(c.root); err != nil {
		return &fs.PathError{Op: "rmdir", Path: c.root, Err: err}
	}
	return nil
}

// kill ends everything in it. The kernel does one at a time: who waits waits here, as a goroutine, and not there, as a thread.
func (c *cgroups) kill(g *cgroup) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	fd, err := unix.Open(g.path+"/cgroup.kill", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte("1"))
	return err
}

// populated reports whether any process but a zombie is in it. A cgroup that is gone has none; one that is unseen may have some.
func (g *cgroup) populated() (bool, error) {
	var text [256]byte
	n, err := g.read("cgroup.events", text[:])
	if unseen(err) {
		return true, err
	}
	return bytes.Contains(text[:n], []byte("populated 1")), nil
}

func (g *cgroup) read(name string, into []byte) (int, error) {
	fd, err := unix.Open(g.path+"/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, into)
	return max(n, 0), err
}

// parts are the cgroups that the life has made in its own; the error is one of those that leave them unseen.
func (g *cgroup) parts() ([]*cgroup, error) {
	entries, err := os.ReadDir(g.path)
	if err != nil && !unseen(err) {
		err = nil
	}
	var all []*cgroup
	for _, entry := range entries {
		if entry.IsDir() {
			all = append(all, &cgroup{filepath.Join(g.path, entry.Name())})
		}
	}
	return all, err
}

// remove removes the folder of a life that is over, with those that the life has made in it. EBUSY: something is in it still.
func (g *cgroup) remove() error {
	err := unix.Rmdir(g.path)
	if err != unix.EBUSY {
		return err
	}
	parts, _ := g.parts()
	for _, part := range parts {
		_ = part.remove()
	}
	return unix.Rmdir(g.path)
}

// members lists the processes in it and in its parts, the leader excepted; the error is one of those that leave some unseen.
func (g *cgroup) members(leader int) ([]proc, error) {
	all, err := g.own(leader)
	parts, unseenParts := g.parts()
	err = errors.Join(err, unseenParts)
	for _, part := range parts {
		more, e := part.members(leader)
		all, err = append(all, more...), errors.Join(err, e)
	}
	return all, err
}

// count is how many members there are, the leader excepted; 0 when some are unseen.
func (g *cgroup) count(leader int) int {
	all, err := g.members(leader)
	if err != nil {
		return 0
	}
	return len(all)
}

// own are the members that are in none of the parts.
func (g *cgroup) own(leader int) (all []proc, err error) {
	fd, err := unix.Open(g.path+"/cgroup.procs", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if unseen(err) {
		return nil, err
	} else if err != nil {
		return nil, nil
	}
	file := os.NewFile(uintptr(fd), "cgroup.procs")
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil || pid == leader {
			continue
		}
		p, err := readProc(pid)
		if unseen(err) {
			return all, err
		}
		if err == nil && !p.dead() {
			all = append(all, p)
		}
	}
	return all, nil
}

// whenEmpty pokes the channel when the kernel says that something about the cgroup's population changed; cancel ends that.
// Where the kernel has no watch left, the ends of orphans alone tell.
func (c *cgroups) whenEmpty(g *cgroup) (poke <-chan struct{}, cancel func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watcher == nil {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
		if err != nil {
			return nil, func() {}
		}
		c.watcher = os.NewFile(uintptr(fd), "inotify")
		go c.watch(c.watcher)
	}
	wd := -1
	raw, err := c.watcher.SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) {
			wd, err = unix.InotifyAddWatch(int(fd), filepath.Join(g.path, "cgroup.events"), unix.IN_MODIFY)
		})
	}
	if err != nil || wd < 0 {
		return nil, func() {}
	}
	changed := make(chan struct{}, 1)
	c.watches[int32(wd)] = changed
	return changed, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.watches, int32(wd))
		_ = raw.Control(func(fd uintptr) { _, _ = unix.InotifyRmWatch(int(fd), uint32(wd)) })
	}
}

// watch hands out the events of the watcher until that is closed.
func (c *cgroups) watch(watcher *os.File) {
	buffer := make([]byte, 4096)
	for {
		n, err := watcher.Read(buffer)
		if err != nil {
			return
		}
		c.mu.Lock()
		for at := 0; at+unix.SizeofInotifyEvent <= n; {
			event := (*unix.InotifyEvent)(unsafe.Pointer(&buffer[at]))
			if changed := c.watches[event.Wd]; changed != nil {
				select {
				case changed <- struct{}{}:
				default:
				}
			}
			at += unix.SizeofInotifyEvent + int(event.Len)
		}
		c.mu.Unlock()
	}
}
