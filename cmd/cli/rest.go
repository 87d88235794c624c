package cli

import (
	"runtime"
	"runtime/debug"
	"sync"
)

// giveBack returns to the system what a burst of work has left behind: a daemon may do nothing for weeks afterwards, and what it
// does not do then is collect its garbage. The first collection shrinks stacks, the second frees what they were.
func giveBack() {
	retireThreads(threads() - threadsAtRest)
	runtime.GC()
	debug.FreeOSMemory()
	unmapUnused()
}

// threadsAtRest is how many threads a resting daemon keeps: the runtime's own, the one that waits for children, those that fork,
// and a few to answer with.
const threadsAtRest = 10

// retireThreads ends so many threads that have nothing to do: Go keeps all it ever had, and a burst of work may have needed
// many. A goroutine that ends bound to its thread takes it along. Each waits for the others, so that each has one of its own.
// None of them has children, whom its end would kill: only the threads of package child that never end fork.
func retireThreads(n int) {
	if n <= 0 {
		return
	}
	var together, ended sync.WaitGroup
	together.Add(n)
	for range n {
		ended.Go(func() {
			runtime.LockOSThread()
			together.Done()
			together.Wait()
		})
	}
	ended.Wait()
}
