package cli

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// unmapUnused lets go of this program's own pages: the code that read the configuration and started everything will hardly
// run again. They stay in the kernel's cache of the file and come back from there when they are touched (man 2 madvise,
// MADV_DONTNEED on a mapping of a file), but count no longer as this process's memory. Only what is the same in the file is let
// go: a mapping that cannot be written now and of which no page was ever changed, as a loader does with what it relocates and
// a debugger with its breakpoints.
func unmapUnused() {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, m := range unchanged(string(text), self) {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED)
	}
}

// threads counts those of this process; 0 where that cannot be seen.
func threads() int {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return 0
	}
	return len(tasks)
}

// mapping is a range of addresses.
type mapping struct{ from, to uintptr }

// unchanged finds the mappings of a file in which nothing differs from it (man 5 proc_pid_smaps):
//
//	00400000-00910000 r-xp 00000000 fe:00 10026481    /usr/bin/supervisord
//	Anonymous:             0 kB
func unchanged(smaps, file string) (all []mapping) {
	var m mapping
	for line := range strings.Lines(smaps) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if low, high, isRange := strings.Cut(fields[0], "-"); isRange {
			m = mapping{}
			if len(fields) < 6 || fields[1] != "r-xp" && fields[1] != "r--p" || strings.Join(fields[5:], " ") != file {
				continue
			}
			from, err := strconv.ParseUint(low, 16, 64)
			if err != nil {
				continue
			}
			if to, err := strconv.ParseUint(high, 16, 64); err == nil {
				m = mapping{uintptr(from), uintptr(to)}
			}
			continue
		}
		if fields[0] == "Anonymous:" && m != (mapping{}) && len(fields) == 3 && fields[1] == "0" {
			all = append(all, m)
		}
	}
	return all
}
