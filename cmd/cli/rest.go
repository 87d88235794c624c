package cli

import (
	"runtime"
	"runtime/debug"
)

// giveBack returns to the system what a burst of work has left behind: a daemon may do nothing for weeks afterwards, and what it
// does not do then is collect its garbage. The first collection shrinks stacks, the second frees what they were.
func giveBack() {
	runtime.GC()
	debug.FreeOSMemory()
	unmapUnused()
}
