package builtins

import "os"

// ownLoad is what this process itself takes; false when that cannot be seen.
func ownLoad() (load, bool) {
	p, alive := look(os.Getpid())
	if !alive {
		return load{}, false
	}
	l := load{memory: p.rss, cpu: p.cpu, processes: 1, threads: p.threads}
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		l.fds = len(fds) - 1 // one is that of the directory being read
	}
	return l, true
}
