package cli

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// What the daemon needs of the limits that it inherits. Where they are too low the Go runtime ends the whole program when it cannot
// have a thread or memory, with a page of its own that says nothing to an operator. Far below these it does so before main.
const (
	fewestTasks   = 10      // threads: of the runtime, of the reaper, the spawner, and one for each of two processors
	leastSpace    = 2 << 30 // bytes of address space, most of which the runtime only reserves
	leastData     = 1 << 29 // bytes of data: what the daemon takes, and a program's budget of memory
	boundedTasks  = 4096    // a limit above it is not looked at closer
	mayAllTasks   = 1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_SYS_RESOURCE
	unlimitedHere = ^uint64(0)
)

// limitsOfOurs are the limits of this process that matter, and how much of them others take.
type limitsOfOurs struct {
	space, data, tasks uint64
	others             int // processes and threads of this user beside this process
}

// ownLimits reads them. What cannot be read bounds nothing.
func ownLimits() limitsOfOurs {
	soft := func(resource int) uint64 {
		var r unix.Rlimit
		if unix.Getrlimit(resource, &r) != nil {
			return unlimitedHere
		}
		return r.Cur
	}
	l := limitsOfOurs{space: soft(unix.RLIMIT_AS), data: soft(unix.RLIMIT_DATA), tasks: soft(unix.RLIMIT_NPROC)}
	if l.tasks > boundedTasks || os.Getuid() == 0 || exempt() {
		l.tasks = unlimitedHere
		return l
	}
	l.others = tasksOfOthers()
	return l
}

// exempt tells whether this process may have more tasks than its limit (man 2 setrlimit, RLIMIT_NPROC).
func exempt() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	return unix.Capget(&header, &sets[0]) == nil && sets[0].Effective&mayAllTasks != 0
}

// tasksOfOthers counts the processes and threads of this user that can be seen. There may be more, in other namespaces.
func tasksOfOthers() int {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	count := 0
	for _, one := range all {
		pid, err := strconv.Atoi(one.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		var stat unix.Stat_t
		if unix.Stat("/proc/"+one.Name(), &stat) != nil || int(stat.Uid) != os.Getuid() {
			continue
		}
		if tasks, err := os.ReadDir("/proc/" + one.Name() + "/task"); err == nil {
			count += len(tasks)
		}
	}
	return count
}

// judge says which limit a daemon cannot live with, and which may be its end later.
func (l limitsOfOurs) judge() (warnings []string, err error) {
	if l.tasks != unlimitedHere && l.tasks < uint64(l.others)+fewestTasks {
		return nil, fmt.Errorf("cannot start: this user may have %d processes and threads (ulimit -u) and has %d besides this one; "+
			"the daemon alone needs %d: raise the limit", l.tasks, l.others, fewestTasks)
	}
	few := func(what, by string, have, need uint64) {
		if have < need {
			warnings = append(warnings, fmt.Sprintf("%s is limited to %d MiB (%s), and what does not fit ends the daemon at once: give it %d MiB "+
				"or more; rlimits and memory_max bound what it starts", what, have>>20, by, need>>20))
		}
	}
	few("the daemon's address space", "ulimit -v", l.space, leastSpace)
	few("the daemon's data", "ulimit -d", l.data, leastData)
	return warnings, nil
}

// fitting tells what of the limits of this process is too low for a daemon.
func fitting() (warnings []string, err error) { return ownLimits().judge() }
