package child

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A program with limits of its own cannot be forked by Go alone: there is no field for them, they cannot be set in this process
// for a moment, and afterwards would be too late. So this binary is forked, whichever one it is, takes on the limits and
// becomes the program by exec. It is known by its name, argv[0], long before main: every program that this package is linked
// into can do it, an embedder's and a test's too, without a word of theirs. What it is to do comes on a descriptor, as a
// command line can be read by everybody and an environment holds secrets.

// shimName is the argv[0] by which this binary knows that it is to become another program.
const shimName = "supervisord-exec"

// The descriptors that the shim gets beside 0, 1 and 2.
const (
	orderFD = 3 // its order, to read
	newsFD  = 4 // what went wrong, to write; that exec closes it is the good news
)

// order is what the shim does, in the order of its fields. Texts are bytes because they need not be UTF-8.
type order struct {
	Parent int
	Limits Limits
	Join   [][]byte // cgroup folders
	Set    bool     // become another user
	UID    int
	GID    int
	Groups []uint32
	Dir    []byte
	Path   []byte
	Argv   [][]byte
	Env    [][]byte
}

// news is what went wrong.
type news struct {
	Step, Path string
	Errno      int
}

func init() {
	if len(os.Args) == 1 && os.Args[0] == shimName {
		becomeProgram()
	}
}

// maxOrder bounds an order: more than the kernel takes as arguments and environment of a program.
const maxOrder = 16 << 20

// becomeProgram is the shim. It runs on the main thread, which exec keeps, so what the kernel keeps by thread (priority, ids,
// signal mask) needs to be set on that one only. It does not return.
func becomeProgram() {
	debug.SetGCPercent(-1) // no more threads: pids_max counts them
	tell := func(step, path string, errno syscall.Errno) {
		text, _ := json.Marshal(news{step, path, int(errno)})
		_, _ = unix.Write(newsFD, text)
		os.Exit(127)
	}
	if err := unix.CloseRange(orderFD, ^uint(0)>>1, unix.CLOSE_RANGE_CLOEXEC); err != nil { // before Linux 5.11
		unix.CloseOnExec(orderFD)
		unix.CloseOnExec(newsFD)
	}
	o, err := readOrder(os.NewFile(orderFD, "order"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: cannot read what to start: %v\n", shimName, err)
		os.Exit(127)
	}
	try := func(step, path string, err error) {
		if err != nil {
			errno, _ := err.(syscall.Errno)
			tell(step, path, errno)
		}
	}
	l := o.Limits
	// What needs rights comes before they are given up.
	if l.Nice.Given {
		try("nice", strconv.Itoa(l.Nice.Value), unix.Setpriority(unix.PRIO_PROCESS, 0, l.Nice.Value))
	}
	if l.OOMScoreAdj.Given {
		text := strconv.Itoa(l.OOMScoreAdj.Value)
		try("oom_score_adj", text, plain(write("/proc/self/oom_score_adj", text)))
	}
	if l.Umask.Given {
		unix.Umask(l.Umask.Value)
	}
	joins := make([]int, len(o.Join))
	for i, folder := range o.Join {
		fd, err := unix.Open(string(folder)+"/cgroup.procs", unix.O_WRONLY|unix.O_CLOEXEC, 0)
		try("cgroup", string(folder), err)
		joins[i] = fd
	}
	argv, env := texts(o.Argv), texts(o.Env)
	groups := o.Groups
	self := []byte("0")
	dir := append(slices.Clone(o.Dir), 0)
	// From here on nothing may need memory or a thread, as the limits may forbid both: raw calls, which the scheduler does not
	// see. What the runtime has started is all it needs, since the shim is given one processor.
	for _, limit := range l.Rlimits {
		try("rlimits", limit.Name, unix.Prlimit(0, resources[limit.Name], &unix.Rlimit{Cur: limit.Soft, Max: limit.Hard}, nil))
	}
	if o.Set {
		if errno := becomeUser(o, groups); errno != 0 {
			tell("user", "", errno)
		}
	}
	// The change of user has cleared it (man 2 PR_SET_PDEATHSIG), and a parent that ended before it was set would never be heard of.
	if _, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0); errno != 0 {
		tell("exec", string(o.Path), errno)
	}
	if os.Getppid() != o.Parent {
		os.Exit(127)
	}
	if len(o.Dir) > 0 {
		if _, _, errno := unix.RawSyscall(unix.SYS_CHDIR, uintptr(unsafe.Pointer(&dir[0])), 0, 0); errno != 0 {
			tell("cwd", string(o.Dir), errno)
		}
	}
	// Who opened the file counts, not who writes to it (man 7 cgroups, "Delegation containment").
	for i, fd := range joins {
		if _, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&self[0])), 1); errno != 0 {
			tell("cgroup", string(o.Join[i]), errno)
		}
	}
	try("exec", string(o.Path), syscall.Exec(string(o.Path), argv, env)) // gives back the soft limit of descriptors that Go has raised
}

// becomeUser changes the ids of this thread, which is all that exec will keep.
func becomeUser(o order, groups []uint32) syscall.Errno {
	var list unsafe.Pointer
	if len(groups) > 0 {
		list = unsafe.Pointer(&groups[0])
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(list), 0); errno != 0 {
		return errno
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, uintptr(o.GID), uintptr(o.GID), uintptr(o.GID)); errno != 0 {
		return errno
	}
	_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(o.UID), uintptr(o.UID), uintptr(o.UID))
	return errno
}

func texts(all [][]byte) []string {
	out := make([]string, len(all))
	for i, one := range all {
		out[i] = string(one)
	}
	return out
}

func bytesOf(all []string) [][]byte {
	out := make([][]byte, len(all))
	for i, one := range all {
		out[i] = []byte(one)
	}
	return out
}

// readOrder reads an order and its length before it: the end of the pipe may never come, as a program being started at the
// same time may hold the other end for as long as its exec takes.
func readOrder(from io.Reader) (o order, err error) {
	var size uint32
	if err := binary.Read(from, binary.LittleEndian, &size); err != nil {
		return order{}, err
	}
	if size > maxOrder {
		return order{}, fmt.Errorf("it has %d bytes", size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(from, text); err != nil {
		return order{}, err
	}
	err = json.Unmarshal(text, &o)
	return o, err
}

// forkShim forks the shim in the place of the program and gives it its order. What it has to say comes from the returned end
// of a pipe: nothing, once exec has succeeded. It runs on a spawner thread; the shim's steps, which may hang, do not.
func (h *Host) forkShim(k *kid, o order, attr *syscall.ProcAttr) (*os.File, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	if len(text) > maxOrder {
		return nil, unix.E2BIG
	}
	orders, orderEnd, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer orders.Close()
	defer orderEnd.Close()
	said, sayer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer sayer.Close()
	attr.Dir, attr.Sys.Credential, attr.Sys.UseCgroupFD = "", nil, false
	// The markers alone: the rest is the program's, and what it holds must not tune the shim.
	attr.Env = []string{UnitKey + "=" + k.unit, DaemonKey + "=" + h.mark, "GOMAXPROCS=1"}
	attr.Files = append(attr.Files, orders.Fd(), sayer.Fd())
	if err := h.fork(k, "/proc/self/exe", []string{shimName}, attr); err != nil {
		said.Close()
		return nil, err
	}
	// A shim that was killed reads nothing: its exit tells.
	_ = binary.Write(orderEnd, binary.LittleEndian, uint32(len(text)))
	_, _ = orderEnd.Write(text)
	return said, nil
}

// hearShim waits until the program has replaced the shim, for what kept it from it, or for the shim's end. No thread waits with it.
func (h *Host) hearShim(k *kid, c Command, id Identity, said *os.File) error {
	defer said.Close()
	heard := make(chan struct{})
	if c.GiveUp != nil {
		go func() {
			select {
			case <-c.GiveUp:
				k.giveUp(said, heard)
			case <-heard:
			}
		}()
	}
	text, err := io.ReadAll(said)
	close(heard)
	if err != nil || len(text) == 0 {
		return nil
	}
	<-k.exited
	<-k.gone
	for _, file := range []*os.File{k.stdout, k.stderr} {
		if file != nil {
			file.Close()
		}
	}
	var n news
	if err := json.Unmarshal(text, &n); err != nil {
		return failure("exec", c.Path, fmt.Errorf("the shim said %q", text))
	}
	errno := syscall.Errno(n.Errno)
	switch n.Step {
	case "user":
		return launchFailure(c, id, n.Path, unix.EPERM)
	case "exec":
		return launchFailure(c, id, n.Path, errno)
	}
	return failure(n.Step, n.Path, errno)
}

// giveUp ends a shim that does not become the program, perhaps because its new user has stopped it. Only the leader is meant: the
// shim has no children, and enters its cgroup late.
func (k *kid) giveUp(said *os.File, heard <-chan struct{}) {
	k.mu.Lock()
	k.kill = true
	k.mu.Unlock()
	_ = k.toLeader(unix.SIGKILL)
	select {
	case <-k.gone:
		// The end of what it had to say may never come, see readOrder.
		_ = said.SetReadDeadline(time.Unix(1, 0))
	case <-heard:
	}
}

// resources are the kernel's numbers of RlimitNames.
var resources = map[string]int{
	"as": unix.RLIMIT_AS, "core": unix.RLIMIT_CORE, "cpu": unix.RLIMIT_CPU, "data": unix.RLIMIT_DATA, "fsize": unix.RLIMIT_FSIZE,
	"locks": unix.RLIMIT_LOCKS, "memlock": unix.RLIMIT_MEMLOCK, "msgqueue": unix.RLIMIT_MSGQUEUE, "nice": unix.RLIMIT_NICE,
	"nofile": unix.RLIMIT_NOFILE, "nproc": unix.RLIMIT_NPROC, "rss": unix.RLIMIT_RSS, "rtprio": unix.RLIMIT_RTPRIO,
	"rttime": unix.RLIMIT_RTTIME, "sigpending": unix.RLIMIT_SIGPENDING, "stack": unix.RLIMIT_STACK,
}
