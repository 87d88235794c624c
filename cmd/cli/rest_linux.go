package cli

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// unmapUnused lets go of this program's own pages: the code that read the configuration and started everything will hardly
// run again. They stay in the kernel's cache of the file and come back from there when they are touched (man 2 madvise,
// MADV_DONTNEED on a mapping of a file), but count no longer as this process's memory. Only what cannot have been written to
// is let go, since that alone is the same in the file.
func unmapUnused() {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		// 00400000-00910000 r-xp 00000000 fe:00 10026481    /usr/bin/supervisord (man 5 proc_pid_maps)
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[1] != "r-xp" && fields[1] != "r--p" || strings.Join(fields[5:], " ") != self {
			continue
		}
		low, high, _ := strings.Cut(fields[0], "-")
		from, err := strconv.ParseUint(low, 16, 64)
		if err != nil {
			continue
		}
		to, err := strconv.ParseUint(high, 16, 64)
		if err != nil {
			continue
		}
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, uintptr(from), uintptr(to-from), unix.MADV_DONTNEED); errno != 0 {
			return
		}
	}
}
