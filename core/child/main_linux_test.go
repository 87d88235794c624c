package child

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// asChild as the first argument makes the test binary one of the programs below instead of a test run. It is an argument and
// not a variable, since a variable is inherited by what the programs start.
const asChild = "--as-child"

// init keeps the first goroutine on the first thread where that thread is to end.
func init() {
	if len(os.Args) > 2 && os.Args[1] == asChild && os.Args[2] == "headless" {
		runtime.LockOSThread()
	}
}

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == asChild {
		behave(os.Args[2:])
		os.Exit(0)
	}
	unix.Umask(0o022) // service users read what the tests make
	code := m.Run()
	if h, err := theHost(); err == nil {
		if err := h.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// behave is the child: one of the little programs that the tests supervise.
func behave(mode []string) {
	say := func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
	number := func(i int) int {
		n, err := strconv.Atoi(mode[i])
		if err != nil {
			panic(err)
		}
		return n
	}
	switch mode[0] {
	case "exit":
		os.Exit(number(1))
	case "signal":
		signal.Reset()
		_ = unix.Kill(os.Getpid(), unix.Signal(number(1)))
		select {}
	case "stay":
		say("ready")
		wait()
	case "ignore-term":
		signal.Ignore(unix.SIGTERM)
		say("ready")
		wait()
	case "polite": // says which signals came, and ends at TERM
		got := make(chan os.Signal, 8)
		signal.Notify(got, unix.SIGTERM, unix.SIGCONT, unix.SIGHUP)
		say("ready")
		for s := range got {
			say("got %v", s)
			if s == unix.SIGTERM {
				return
			}
		}
	case "stopped":
		say("ready")
		_ = unix.Kill(os.Getpid(), unix.SIGSTOP)
		wait()
	case "hardy": // outlives its parent, in a program that has no environment
		_ = unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0)
		panic(syscall.Exec("/bin/sleep", []string{"hardy-" + mode[1], "1000"}, nil))
	case "strays": // has what leaves no trace, and stays
		again([]string{"drops", mode[1]}, nil)
		var status unix.WaitStatus
		if _, err := unix.Wait4(-1, &status, 0, nil); err != nil {
			panic(err)
		}
		say("ready")
		wait()
	case "drops":
		again([]string{"hardy", mode[1]}, &syscall.SysProcAttr{Setsid: true})
	case "orphan": // leaves a child in a session of its own, which outlives it by a moment
		var ends [2]int
		if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
			panic(err)
		}
		again([]string{"outlive"}, &syscall.SysProcAttr{Setsid: true}, uintptr(ends[0]))
		os.Exit(7)
	case "outlive": // ends when its parent has: nobody else holds the other end of the pipe
		_, _ = unix.Read(3, make([]byte, 1))
	case "tree": // WIDTH children that each double fork into sessions of their own; then stays or exits
		for range number(1) {
			again([]string{"branch", mode[2]}, &syscall.SysProcAttr{Setsid: true})
		}
		say("ready")
		if mode[3] == "exit" {
			os.Exit(0)
		}
		wait()
	case "walk": // starts the next of so many, in a session of its own, and ends; the last one stays
		left := number(1)
		if left == 0 {
			wait()
		}
		again([]string{"walk", strconv.Itoa(left - 1)}, &syscall.SysProcAttr{Setsid: true})
	case "walks": // has a child that does that
		again([]string{"walk", mode[1]}, &syscall.SysProcAttr{Setsid: true})
		say("ready")
		wait()
	case "threads": // has a child whose first thread ends at once while another one goes on
		again([]string{"headless"}, &syscall.SysProcAttr{Setsid: true})
		wait()
	case "headless":
		go func() {
			for p, err := readProc(os.Getpid()); p.state != 'Z'; p, err = readProc(os.Getpid()) {
				if err != nil {
					panic(err)
				}
			}
			say("ready")
			wait()
		}()
		_, _, _ = syscall.Syscall(syscall.SYS_EXIT, 0, 0, 0)
	case "branch":
		if depth := number(1); depth > 1 {
			again([]string{"branch", strconv.Itoa(depth - 1)}, &syscall.SysProcAttr{Setsid: true})
		}
		wait()
	case "zombie": // has a child that has ended, and does not wait for it
		again([]string{"exit", "0"}, nil)
		say("ready")
		wait()
	case "leaves-a-zombie": // has a child that leaves a zombie in this group and its own in another
		again([]string{"parent-of-a-zombie"}, nil)
		wait()
	case "parent-of-a-zombie":
		again([]string{"exit", "0"}, nil)
		if _, err := unix.Setsid(); err != nil {
			panic(err)
		}
		say("ready")
		wait()
	case "leaves-a-stubborn-one": // has a child in a session of its own that ignores TERM and says when it is there
		again([]string{"ignore-term"}, &syscall.SysProcAttr{Setsid: true})
		wait()
	case "group": // has a child in its group and one in a session of its own
		again([]string{"branch", "1"}, nil)
		again([]string{"branch", "1"}, &syscall.SysProcAttr{Setsid: true})
		say("ready")
		wait()
	case "divides-its-cgroup": // has a child in a cgroup that it has made in its own
		own, err := ownCgroup()
		if err == nil {
			err = os.Mkdir(own+"/inner", 0o755)
		}
		if err == nil {
			err = os.Mkdir(own+"/inner/most", 0o755)
		}
		if err != nil {
			panic(err)
		}
		again([]string{"branch", "1"}, nil)
		for pid, p := range readProcs() {
			if p.parent == os.Getpid() {
				err = errors.Join(err, write(own+"/inner/most/cgroup.procs", strconv.Itoa(pid)))
			}
		}
		if err != nil {
			panic(err)
		}
		say("ready")
		wait()
	case "orphans": // leaves many children in sessions of their own and exits
		for range number(1) { // in a program that is quick to begin: there are thousands
			if _, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "0.1"}, &syscall.ProcAttr{Env: os.Environ(),
				Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true}}); err != nil {
				panic(err)
			}
		}
	case "inside":
		inside(mode[1], mode[2], mode[3:])
	case "dump":
		dump()
	case "alloc": // takes that many MiB of memory and keeps them
		block := make([]byte, number(1)<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		say("has them")
		wait()
	case "alloc-in-a-child": // has a child that does so, and ends with 3 when that has ended
		pid, err := syscall.ForkExec("/proc/self/exe", []string{"child", asChild, "alloc", mode[1]}, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 2, 2}})
		if err != nil {
			panic(err)
		}
		_, _ = syscall.Wait4(pid, nil, 0, nil)
		os.Exit(3)
	case "forks": // starts that many children, says how many it got, and stays
		got := 0
		for range number(1) {
			if _, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "1000"}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}}); err == nil {
				got++
			}
		}
		say("forked %d", got)
		wait()
	case "spin":
		//lint:ignore SA5002 it is there to take a processor
		for {
		}
	case "bare-loop":
		bareLoop(number(1))
	case "bare-start":
		bareStart(number(1))
	default:
		panic("unknown mode " + mode[0])
	}
}

// wait blocks for ever in a way that the runtime does not take for a deadlock.
func wait() {
	for {
		_ = unix.Pause()
	}
}

// again starts this binary in another mode, with more descriptors after the first three, and does not wait for it.
func again(mode []string, attr *syscall.SysProcAttr, more ...uintptr) {
	argv := append([]string{"child", asChild}, mode...)
	files := append([]uintptr{0, 1, 2}, more...)
	if _, err := syscall.ForkExec("/proc/self/exe", argv, &syscall.ProcAttr{Env: os.Environ(), Files: files, Sys: attr}); err != nil {
		panic(err)
	}
}

// dumped is what a child sees of itself.
type dumped struct {
	FDs             []string
	Env             []string
	UID, GID        int
	Groups          []int
	SID, PGID, PID  int
	Dir             string
	Ignored, Masked string
	OutFlags        int
	TTY             string
	Umask, Nice     int
	OOMScoreAdj     string
	Rlimits         map[string]unix.Rlimit
	Args            []string
	Comm            string
}

func dump() {
	d := dumped{Env: os.Environ(), UID: os.Getuid(), GID: os.Getgid(), PID: os.Getpid(), PGID: unix.Getpgrp()}
	// Only descriptors that this program did not open itself: epoll, eventfd, the cgroup limits and the folder being read are the runtime's.
	folder, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range folder {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err == nil && !strings.HasPrefix(target, "anon_inode:") && !strings.HasPrefix(target, "/proc/") && !strings.HasPrefix(target, "/sys/") {
			d.FDs = append(d.FDs, entry.Name())
		}
	}
	d.Groups, _ = os.Getgroups()
	d.SID, _ = unix.Getsid(0)
	d.Dir, _ = os.Getwd()
	flags, _ := unix.FcntlInt(1, unix.F_GETFL, 0)
	d.OutFlags = flags
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, "SigIgn:"); found {
			d.Ignored = strings.TrimSpace(rest)
		}
		if rest, found := strings.CutPrefix(line, "SigBlk:"); found {
			d.Masked = strings.TrimSpace(rest)
		}
	}
	d.Umask = unix.Umask(0)
	prio, _ := unix.Getpriority(unix.PRIO_PROCESS, 0)
	d.Nice = 20 - prio // what the system call returns (man 2 getpriority)
	adj, _ := os.ReadFile("/proc/self/oom_score_adj")
	d.OOMScoreAdj = strings.TrimSpace(string(adj))
	d.Rlimits = map[string]unix.Rlimit{}
	text, _ := os.ReadFile("/proc/self/limits")
	for name, title := range map[string]string{"core": "Max core file size", "stack": "Max stack size", "nofile": "Max open files"} {
		for line := range strings.Lines(string(text)) {
			if rest, found := strings.CutPrefix(line, title); found {
				var soft, hard string
				_, _ = fmt.Sscan(rest, &soft, &hard)
				d.Rlimits[name] = unix.Rlimit{Cur: limitOf(soft), Max: limitOf(hard)}
			}
		}
	}
	d.Args = os.Args
	comm, _ := os.ReadFile("/proc/self/comm")
	d.Comm = strings.TrimSpace(string(comm))
	_ = json.NewEncoder(os.Stdout).Encode(d)
}

func limitOf(text string) uint64 {
	if text == "unlimited" {
		return NoLimit
	}
	n, _ := strconv.ParseUint(text, 10, 64)
	return n
}
