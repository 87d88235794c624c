//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const patience = 60 * time.Second

// figures are what is measured of one contestant.
type figures struct {
	start, stop      time.Duration // of all children
	replaced, late   time.Duration // a killed child's replacement runs: median and 99th of a hundred
	together         time.Duration // many killed at once: the last replacement runs
	busy, busyEnd    time.Duration // processor time of its own for the starts, and for the stops
	memory           int64         // PSS of all its processes but the children
	threads, wakeups int           // of all its processes; wake-ups in the time at rest
	status           time.Duration // of all children over the socket; of ours alone
}

// settle is how long a contestant is left alone after a burst before it counts as being at rest. No event tells that a program does
// nothing: this time, and the time at rest, are slept, as it is they that are measured.
const settle = 5 * time.Second

// measureAll measures a contestant in a folder of its own.
func measureAll(c contestant, dir string, count, rounds int, rest time.Duration) (f figures, err error) {
	if err := f.measureMany(c, filepath.Join(dir, c.name+"-many"), count, rest); err != nil {
		return f, fmt.Errorf("%s with %d: %w", c.name, count, err)
	}
	if err := f.measureReplacement(c, filepath.Join(dir, c.name+"-one"), rounds); err != nil {
		return f, fmt.Errorf("%s, replacement: %w", c.name, err)
	}
	return f, nil
}

// measureMany takes the time until all run, counts at rest, kills some at once, and takes the time until none is left.
func (f *figures) measureMany(c contestant, dir string, count int, rest time.Duration) error {
	h, p, err := begin(c, dir, count)
	if err != nil {
		return err
	}
	defer h.close()
	defer p.wait()
	children := make(map[int]bool, count)
	for range count {
		pid, err := h.next(patience)
		if err != nil {
			_ = p.halt()
			return err
		}
		children[pid] = true
	}
	f.start = time.Since(p.began)
	f.busy = ranFor(p.pid)
	if err := f.measureRest(c, p, children, rest, dir); err != nil {
		_ = p.halt()
		return err
	}
	killed := min(200, count)
	began := time.Now()
	for pid := range children {
		if killed == 0 {
			break
		}
		killed--
		delete(children, pid)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return err
		}
	}
	for len(children) < count {
		pid, err := h.next(patience)
		if err != nil {
			_ = p.halt()
			return err
		}
		children[pid] = true
	}
	f.together = time.Since(began)
	var ends []unix.PollFd
	for pid := range children {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			_ = p.halt()
			return err
		}
		defer unix.Close(fd)
		ends = append(ends, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	before := ranFor(p.pid)
	began = time.Now()
	if err := p.halt(); err != nil {
		return err
	}
	for _, end := range ends {
		n, err := unix.Poll([]unix.PollFd{end}, int(patience.Milliseconds()))
		for err == unix.EINTR {
			n, err = unix.Poll([]unix.PollFd{end}, int(patience.Milliseconds()))
		}
		if n != 1 {
			return fmt.Errorf("a child does not end: %v", err)
		}
	}
	f.stop = time.Since(began)
	f.busyEnd = ranFor(p.pid) - before
	return nil
}

// measureRest looks at all processes of the contestant but its children.
func (f *figures) measureRest(c contestant, p *program, children map[int]bool, rest time.Duration, dir string) (err error) {
	if rest == 0 {
		return nil
	}
	time.Sleep(settle)
	own := family(p.pid, children)
	total := func() (woken, threads int) {
		for _, pid := range own {
			if w, n, err := switches(pid); err == nil {
				woken, threads = woken+w, threads+n
			}
		}
		return woken, threads
	}
	before, _ := total()
	time.Sleep(rest)
	after, threads := total()
	f.wakeups, f.threads = after-before, threads
	for _, pid := range own {
		if n, err := proportionalSetSize(pid); err == nil {
			f.memory += n
		}
	}
	if c.ours {
		f.status, err = measureStatus(socketIn(dir), 50)
	}
	return err
}

// family is a process and its descendants without the children that it supervises.
func family(root int, children map[int]bool) []int {
	parents := map[int]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parents[pid], _ = strconv.Atoi(fields[1])
	}
	var own []int
	for pid := range parents {
		for at := pid; at > 1; at = parents[at] {
			if children[at] {
				break
			}
			if at == root {
				own = append(own, pid)
				break
			}
		}
	}
	return own
}

// begin starts a contestant in a folder of its own.
func begin(c contestant, dir string, count int) (*herd, *program, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, nil, err
	}
	h, err := newHerd(dir, "herd")
	if err != nil {
		return nil, nil, err
	}
	p, err := c.begin(dir, h, count)
	if err != nil {
		h.close()
		return nil, nil, err
	}
	return h, p, nil
}

// slowest is how long the kills of one contestant may take together: some peers pause a second before each replacement.
const slowest = 15 * time.Second

// measureReplacement kills the one child again and again and takes the time until the next one announces itself.
func (f *figures) measureReplacement(c contestant, dir string, rounds int) error {
	h, p, err := begin(c, dir, 1)
	if err != nil {
		return err
	}
	defer h.close()
	defer p.wait()
	defer p.halt()
	pid, err := h.next(patience)
	if err != nil {
		return err
	}
	var all []time.Duration
	for begun := time.Now(); len(all) < rounds && time.Since(begun) < slowest; {
		began := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return err
		}
		if pid, err = h.next(patience); err != nil {
			return err
		}
		all = append(all, time.Since(began))
	}
	f.replaced = median(all) // which sorts them
	f.late = all[len(all)*99/100]
	return nil
}

// measureStatus asks for (status) over one connection.
func measureStatus(socket string, rounds int) (time.Duration, error) {
	c := client(socket)
	defer c.CloseIdleConnections()
	var all []time.Duration
	for range rounds {
		began := time.Now()
		if _, err := ask(c); err != nil {
			return 0, err
		}
		all = append(all, time.Since(began))
	}
	return median(all), nil
}

// switches adds up the voluntary context switches of all threads: each is one wake-up that ended in sleep again.
func switches(pid int) (total, threads int, err error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			return 0, 0, err
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
				n, err := strconv.Atoi(strings.TrimSpace(rest))
				if err != nil {
					return 0, 0, err
				}
				total += n
			}
		}
	}
	return total, len(tasks), nil
}

// ranFor is the processor time of all threads of a process.
func ranFor(pid int) (total time.Duration) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, task := range tasks {
		var ns int64
		if text, err := os.ReadFile(task); err == nil {
			fmt.Sscan(string(text), &ns)
		}
		total += time.Duration(ns)
	}
	return total
}

func proportionalSetSize(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib * 1024, err
		}
	}
	return 0, fmt.Errorf("no Pss line for pid %d", pid)
}
