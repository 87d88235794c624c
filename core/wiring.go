package core

import (
	"slices"

	"github.com/qjpcpu/supervisord/core/child"
)

// pipes says what a child's stdout and stderr are connected to.
type pipes struct{ stdout, stderr child.Stream }

// wiring gives a stream that nobody keeps /dev/null itself, so that nothing has to read it; and one pipe to both streams when
// they have the same files, because then the kernel keeps their order.
func wiring(o Output) pipes {
	w := pipes{child.Null, child.Null}
	if kept(o.Stdout) {
		w.stdout = child.Pipe
	}
	switch {
	case !kept(o.Stderr):
	case w.stdout == child.Pipe && slices.Equal(o.Stdout, o.Stderr):
		w.stderr = child.Same
	default:
		w.stderr = child.Pipe
	}
	return w
}

// kept reports whether any of the files keeps what is written to it.
func kept(files []string) bool {
	return slices.ContainsFunc(files, func(f string) bool { return f != "/dev/null" })
}
