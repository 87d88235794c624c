package builtins

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
)

// tick is the unit of times in /proc/PID/stat: the kernel shows hundredths of a second everywhere (man 5 proc_pid_stat).
const tick = time.Second / 100

// seen is one process as /proc shows it.
type seen struct {
	parent  int
	session int
	cpu     time.Duration
	threads int
	rss     int64
}

// measure sums up the processes of each tree: what descends from its leader, and what has lost its parent, came to this
// process and bears the mark of the tree in its environment, or is in the leader's session or cgroup. What ends meanwhile is
// left out.
func measure(_ child.Starter, leaders map[int]string, units map[string]string) (map[string]load, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	all := make(map[int]seen, len(entries))
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			if p, alive := look(pid); alive {
				all[pid] = p
			}
		}
	}
	self := os.Getpid()
	var groups map[string]string
	orphanOf := func(pid int, p seen) string {
		if name := cmp.Or(units[unitOf(pid)], leaders[p.session]); name != "" {
			return name
		}
		if groups == nil {
			groups = cgroupsOf(leaders)
		}
		return groups[cgroupOf(pid)]
	}
	owners := map[int]string{} // found so far; "" for nobody's
	var owner func(pid, depth int) string
	owner = func(pid, depth int) string {
		if name, known := leaders[pid]; known {
			return name
		}
		if name, known := owners[pid]; known || depth > len(all) {
			return name
		}
		name := ""
		if p, there := all[pid]; there && pid != self {
			if name = owner(p.parent, depth+1); name == "" && p.parent == self {
				name = orphanOf(pid, p)
			}
		}
		owners[pid] = name
		return name
	}
	loads := map[string]load{}
	for pid, p := range all {
		name := owner(pid, 0)
		if name == "" {
			continue
		}
		l := loads[name]
		l.processes++
		l.threads += p.threads
		l.cpu += p.cpu
		l.memory += memory(pid, p.rss)
		if fds, err := os.ReadDir(proc(pid, "fd")); err == nil {
			l.fds += len(fds)
		}
		loads[name] = l
	}
	return loads, nil
}

func proc(pid int, file string) string { return filepath.Join("/proc", strconv.Itoa(pid), file) }

// look reads /proc/PID/stat; false for what is dead. The name in parentheses may hold anything, so what counts begins
// after the last one.
func look(pid int) (p seen, alive bool) {
	text, err := os.ReadFile(proc(pid, "stat"))
	if err != nil {
		return p, false
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 22 || fields[0] == "Z" || fields[0] == "X" {
		return p, false
	}
	number := func(i int) int64 { n, _ := strconv.ParseInt(fields[i], 10, 64); return n }
	p.parent, p.session = int(number(1)), int(number(3))
	p.cpu = time.Duration(number(11)+number(12)+number(13)+number(14)) * tick
	p.threads = int(number(17))
	p.rss = number(21) * int64(os.Getpagesize())
	return p, true
}

// unitOf is the mark of the tree that a process belongs to.
func unitOf(pid int) string {
	text, err := os.ReadFile(proc(pid, "environ"))
	if err != nil {
		return ""
	}
	for pair := range strings.SplitSeq(string(text), "\x00") {
		if unit, found := strings.CutPrefix(pair, child.UnitKey+"="); found {
			return unit
		}
	}
	return ""
}

// cgroupsOf tells the trees by the cgroups that are theirs alone: what threw away its environment and left its session and its
// parents did not leave that.
func cgroupsOf(leaders map[int]string) map[string]string {
	groups := map[string]string{}
	for pid, name := range leaders {
		groups[cgroupOf(pid)] = name
	}
	delete(groups, cgroupOf(os.Getpid())) // nobody was given one of its own
	delete(groups, "")
	return groups
}

// cgroupOf is the cgroup v2 that a process is in, "" where that cannot be told (man 7 cgroups: 0::PATH).
func cgroupOf(pid int) string {
	text, err := os.ReadFile(proc(pid, "cgroup"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if path, found := strings.CutPrefix(line, "0::"); found {
			return strings.TrimSuffix(path, "\n")
		}
	}
	return ""
}

// memory is the share of a process in the memory it uses, or all of that where the share is not shown.
func memory(pid int, rss int64) int64 {
	text, err := os.ReadFile(proc(pid, "smaps_rollup"))
	if err != nil {
		return rss
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "Pss:"); found {
			if words := strings.Fields(rest); len(words) == 2 {
				if kib, err := strconv.ParseInt(words[0], 10, 64); err == nil {
					return kib << 10
				}
			}
		}
	}
	return rss
}
