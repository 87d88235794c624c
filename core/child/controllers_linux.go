package child

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// controllers limit what whole trees use. Each lives in the cgroup v2 tree or in a hierarchy of v1 of its own (a machine may
// have some here and some there: man 7 cgroups), and only in the part of it that this daemon made.
type controllers struct {
	instance string
	tree     *cgroups // nil without cgroup v2

	mu       sync.Mutex
	moved    bool     // this process went into a cgroup of its own to have its old one divided
	enabled  []string // controllers of v2 that were switched on in the cgroup this process came from
	made     []string // the daemon's own folders in v1
	stubborn []string // folders that could not be removed yet
}

// cpuPeriod is the time in which a quota of processors is handed out: the kernel's default, in microseconds.
const cpuPeriod = 100000

// treeLimit is one limit of a tree: the key in the configuration, its controller, and what to write where.
type treeLimit struct {
	key, controller string
	v1, v2          [][2]string // file and text, in order
}

func (l Limits) treeLimits() []treeLimit {
	var all []treeLimit
	if l.MemoryMax > 0 {
		bytes := strconv.FormatInt(l.MemoryMax, 10)
		all = append(all, treeLimit{"memory_max", "memory", [][2]string{{"memory.limit_in_bytes", bytes}}, [][2]string{{"memory.max", bytes}}})
	}
	if l.PIDsMax > 0 {
		count := [][2]string{{"pids.max", strconv.Itoa(l.PIDsMax)}}
		all = append(all, treeLimit{"pids_max", "pids", count, count})
	}
	if l.CPUMax > 0 {
		quota, period := strconv.Itoa(int(l.CPUMax*cpuPeriod)), strconv.Itoa(cpuPeriod)
		all = append(all, treeLimit{"cpu_max", "cpu", [][2]string{{"cpu.cfs_period_us", period}, {"cpu.cfs_quota_us", quota}},
			[][2]string{{"cpu.max", quota + " " + period}}})
	}
	return all
}

// LimitProblems names the limits that this system cannot keep: no such controller here, or not for this user. It looks and
// makes nothing; whether other processes stand in the way in a cgroup v2 only a start can find out.
func LimitProblems(l Limits, cgroupMode string) []LimitProblem {
	var all []LimitProblem
	for _, limit := range l.treeLimits() {
		var err error
		if cgroupMode == "off" {
			err = errors.New(`it needs cgroups, and cgroup is "off"`)
		} else {
			_, _, err = findController(limit.controller)
		}
		if err != nil {
			all = append(all, LimitProblem{limit.key, err})
		}
	}
	return all
}

// findController is the folder of this process in the hierarchy that has the controller.
func findController(name string) (own string, v2 bool, err error) {
	own, err = ownFolder(name)
	if err != nil {
		if own, err = ownCgroup(); err == nil && !lists(own+"/cgroup.controllers", name) {
			err = fmt.Errorf("the cgroup %s does not have it", own)
		}
		v2 = true
	}
	if err != nil {
		return "", false, fmt.Errorf("there is no %s controller here: %w", name, err)
	}
	if err := unix.Access(own, unix.W_OK); err != nil {
		return "", false, fmt.Errorf("the %s controller is not ours to use: %s: %w", name, own, err)
	}
	return own, v2, nil
}

// lists reports whether a file of words has the word.
func lists(path, word string) bool {
	text, err := os.ReadFile(path)
	return err == nil && slices.Contains(strings.Fields(string(text)), word)
}

// hold makes the cgroups that keep the limits of one life and returns their folders, to be entered before the program starts,
// and the file that counts the kills of the OOM killer in them, "" without one. tree is the life's own cgroup or nil.
func (ct *controllers) hold(name string, generation uint64, l Limits, tree *cgroup) (folders []string, kills string, err error) {
	ct.mu.Lock()
	defer ct.mu.Unlock()
	defer func() {
		if err != nil {
			for _, folder := range folders {
				_ = unix.Rmdir(folder)
			}
			folders = nil
		}
	}()
	life := name + "." + strconv.FormatUint(generation, 10)
	unified := ""
	for _, limit := range l.treeLimits() {
		own, v2, err := findController(limit.controller)
		if err != nil {
			return folders, "", err
		}
		folder, files := "", limit.v2
		switch {
		case !v2:
			files = limit.v1
			if folder, err = ct.makeV1(own, life); err == nil && !slices.Contains(folders, folder) {
				folders = append(folders, folder)
			}
		case ct.tree == nil:
			err = errors.New("the cgroup of this daemon cannot be divided")
		case tree != nil:
			folder, err = tree.path, ct.enable(limit.controller)
		default:
			if err = ct.enable(limit.controller); err == nil && unified == "" {
				var g *cgroup
				if g, err = ct.tree.enter(name, generation); err == nil {
					unified = g.path
					folders = append(folders, unified)
				}
			}
			folder = unified
		}
		if err != nil {
			return folders, "", fmt.Errorf("%s: %w", limit.key, err)
		}
		for _, file := range files {
			if err := write(folder+"/"+file[0], file[1]); err != nil {
				return folders, "", fmt.Errorf("%s: %w", limit.key, err)
			}
		}
		if limit.controller == "memory" {
			kills = folder + "/memory.events"
			if !v2 {
				kills = folder + "/memory.oom_control"
			}
		}
	}
	return folders, kills, nil
}

// makeV1 makes the folder of a life below the daemon's own in a hierarchy of v1.
func (ct *controllers) makeV1(own, life string) (string, error) {
	root := filepath.Join(own, "supervisord-"+ct.instance)
	if !slices.Contains(ct.made, root) {
		if err := os.Mkdir(root, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		ct.made = append(ct.made, root)
	}
	folder := filepath.Join(root, life)
	if err := os.Mkdir(folder, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return folder, nil
}

// enable has a controller of cgroup v2 divided among the lives. A cgroup that is divided may hold no process itself (man 7
// cgroups, "no internal processes"), so this one moves into a cgroup of its own beside them; others are not moved.
func (ct *controllers) enable(name string) error {
	own := filepath.Dir(ct.tree.root)
	if lists(ct.tree.root+"/cgroup.subtree_control", name) {
		return nil
	}
	if !lists(own+"/cgroup.subtree_control", name) {
		err := write(own+"/cgroup.subtree_control", "+"+name)
		if errors.Is(err, unix.EBUSY) && !ct.moved {
			if err = ct.move(own); err == nil {
				err = write(own+"/cgroup.subtree_control", "+"+name)
			}
		}
		if errors.Is(err, unix.EBUSY) {
			ct.moveBack(own)
			return fmt.Errorf("other processes live in the cgroup %s too, so it cannot be divided (run the daemon in a cgroup of its own, as systemd does with Delegate=yes)", own)
		}
		if err != nil {
			return err
		}
		ct.enabled = append(ct.enabled, name)
	}
	return write(ct.tree.root+"/cgroup.subtree_control", "+"+name)
}

func (ct *controllers) aside(own string) string {
	return filepath.Join(own, "supervisord-"+ct.instance+"-daemon")
}

func (ct *controllers) move(own string) error {
	if err := os.Mkdir(ct.aside(own), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	ct.moved = true
	return write(ct.aside(own)+"/cgroup.procs", strconv.Itoa(os.Getpid()))
}

func (ct *controllers) moveBack(own string) {
	if !ct.moved || len(ct.enabled) > 0 {
		return
	}
	_ = write(own+"/cgroup.procs", strconv.Itoa(os.Getpid()))
	_ = unix.Rmdir(ct.aside(own))
	ct.moved = false
}

// leave removes the folders of a life that is over; those that the kernel is not done with, or that what a life may leave
// behind still uses, get another chance at the next one.
func (ct *controllers) leave(folders []string) {
	ct.mu.Lock()
	defer ct.mu.Unlock()
	ct.remove(folders)
}

func (ct *controllers) remove(folders []string) {
	rest := ct.stubborn[:0]
	for _, folder := range append(slices.Clone(ct.stubborn), folders...) {
		if err := (&cgroup{folder}).remove(); err == unix.EBUSY {
			rest = append(rest, folder)
		}
	}
	ct.stubborn = rest
}

// sweep removes the folders that a killed daemon of this instance left in the hierarchies of v1.
func (ct *controllers) sweep() {
	ct.mu.Lock()
	defer ct.mu.Unlock()
	for _, name := range []string{"memory", "pids", "cpu"} {
		own, err := ownFolder(name)
		if err != nil {
			continue
		}
		root := filepath.Join(own, "supervisord-"+ct.instance)
		old, err := os.ReadDir(root)
		if err != nil {
			continue
		}
		ct.made = append(ct.made, root)
		for _, folder := range old {
			if folder.IsDir() {
				ct.remove([]string{filepath.Join(root, folder.Name())})
			}
		}
	}
}

// close gives everything back.
func (ct *controllers) close() (err error) {
	ct.mu.Lock()
	defer ct.mu.Unlock()
	ct.remove(nil)
	for _, root := range ct.made {
		if e := unix.Rmdir(root); e != nil && e != unix.ENOENT {
			err = errors.Join(err, &fs.PathError{Op: "rmdir", Path: root, Err: e})
		}
	}
	if ct.tree != nil && (ct.moved || len(ct.enabled) > 0) {
		own := filepath.Dir(ct.tree.root)
		for _, name := range slices.Backward(ct.enabled) {
			_ = write(ct.tree.root+"/cgroup.subtree_control", "-"+name)
			_ = write(own+"/cgroup.subtree_control", "-"+name)
		}
		ct.enabled = nil
		ct.moveBack(own)
	}
	return err
}

func write(path, text string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}

// oomKills reads how many processes the kernel's OOM killer ended in a cgroup (v2 memory.events, v1 memory.oom_control: both
// have a line "oom_kill N").
func oomKills(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "oom_kill "); found {
			n, _ := strconv.Atoi(strings.TrimSpace(rest))
			return n
		}
	}
	return 0
}
