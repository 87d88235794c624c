//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// limit is the bare program: it keeps so many children running by nothing but fork, exec and wait, until TERM comes; then it
// ends them all. With a folder it makes, besides, the system calls that our promises cost, and no more: a cgroup for each child
// (which nothing of it can leave), a line in a file for whoever comes after a kill, a line of log, and a look at each end before
// the number is free for others.
func limit(args []string) {
	count, err := strconv.Atoi(args[0])
	check(err)
	l := &bare{script: args[1], alive: make(map[int]string, count)}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	check(err)
	l.null = null.Fd()
	if len(args) > 2 {
		l.keep(args[2])
	}
	runtime.LockOSThread() // the children end with this thread
	for range count {
		l.start()
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		l.lock.Lock()
		defer l.lock.Unlock()
		l.stopping = true
		for pid := range l.alive {
			_ = syscall.Kill(pid, syscall.SIGTERM)
			if l.cgroups != "" {
				_ = syscall.Kill(pid, syscall.SIGCONT)
			}
			l.note("p: stopping\n")
		}
	}()
	for l.reap() {
	}
	if l.cgroups != "" {
		_ = os.Remove(l.cgroups)
	}
}

type bare struct {
	script  string
	null    uintptr
	cgroups string   // folder of the children's cgroups, "" without
	ledger  *os.File // nil without
	made    int

	lock     sync.Mutex
	stopping bool
	alive    map[int]string // by pid: the cgroup
}

// keep makes ready for the further system calls.
func (l *bare) keep(dir string) {
	own, err := cgroupOfSelf()
	check(err)
	l.cgroups = filepath.Join(own, "bench-"+strconv.Itoa(os.Getpid()))
	check(os.Mkdir(l.cgroups, 0o755))
	l.ledger, err = os.OpenFile(filepath.Join(dir, "ledger"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	check(err)
}

// note writes what the ledger or the log is told; nothing without.
func (l *bare) note(text string) {
	if l.ledger != nil {
		_, err := l.ledger.WriteString(text)
		check(err)
	}
}

func (l *bare) start() {
	sys := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	cgroup := ""
	if l.cgroups != "" {
		l.made++
		cgroup = l.cgroups + "/" + strconv.Itoa(l.made)
		check(unix.Mkdir(cgroup, 0o755))
		fd, err := unix.Open(cgroup, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
		check(err)
		defer unix.Close(fd)
		pidfd := -1
		sys.UseCgroupFD, sys.CgroupFD, sys.PidFD = true, fd, &pidfd
		defer func() { unix.Close(pidfd) }()
	}
	l.note("+ p#1\n")
	pid, err := syscall.ForkExec("/bin/sh", []string{"/bin/sh", "-c", l.script}, &syscall.ProcAttr{
		Env: []string{"PATH=/usr/bin:/bin"}, Files: []uintptr{l.null, l.null, l.null}, Sys: sys,
	})
	check(err)
	l.note("p: running\n")
	l.alive[pid] = cgroup
}

// reap waits for one child and starts another in its place; false when none is left.
func (l *bare) reap() bool {
	if l.cgroups != "" {
		if unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.ECHILD {
			return false
		}
	}
	pid, err := syscall.Wait4(-1, nil, 0, nil)
	if err != nil {
		return false
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	if cgroup := l.alive[pid]; cgroup != "" {
		fd, err := unix.Open(cgroup+"/cgroup.events", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		check(err)
		var text [256]byte
		_, _ = unix.Read(fd, text[:])
		unix.Close(fd)
		check(unix.Rmdir(cgroup))
	}
	l.note("- p#1\n")
	l.note("p: ended\n")
	delete(l.alive, pid)
	if !l.stopping {
		l.start()
	}
	return true
}

// cgroupOfSelf is the folder of this process in the cgroup v2 tree.
func cgroupOfSelf() (string, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	inside, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(mounts)) {
		before, after, _ := strings.Cut(line, " - ")
		if fields := strings.Fields(before); strings.HasPrefix(after, "cgroup2 ") && len(fields) > 4 {
			for line := range strings.Lines(string(inside)) {
				if path, found := strings.CutPrefix(strings.TrimSpace(line), "0::"); found {
					below, err := filepath.Rel(fields[3], path)
					return filepath.Join(fields[4], below), err
				}
			}
		}
	}
	return "", errors.New("no cgroup v2 is mounted")
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "limit:", err)
		os.Exit(1)
	}
}
