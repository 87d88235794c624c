package child

import "math"

// Limits are what a program may take and how the kernel ranks it. What the zero Limits leave unsaid is the daemon's own. They
// are plain data; LimitProblems tells beforehand which of them this system cannot keep.
type Limits struct {
	Umask       Setting  // permission bits that new files do not get, 0 to 0777
	Nice        Setting  // scheduling priority, -20 (first) to 19 (last)
	OOMScoreAdj Setting  // -1000 (never) to 1000 (first) to be killed when memory is short
	Rlimits     []Rlimit // sorted by name, a name once
	MemoryMax   int64    // bytes that its whole tree may use, 0 = no limit
	PIDsMax     int      // tasks (processes and threads) that its whole tree may have, 0 = no limit
	CPUMax      float64  // processors that its whole tree may keep busy, 0 = no limit
}

// Setting is a number that may be left unsaid.
type Setting struct {
	Given bool
	Value int
}

// Rlimit bounds one resource of one process (man 2 getrlimit). NoLimit stands for "unlimited".
type Rlimit struct {
	Name       string // one of RlimitNames
	Soft, Hard uint64
}

// NoLimit is the value of an Rlimit that bounds nothing.
const NoLimit = math.MaxUint64

// RlimitNames are the resources, as prlimit(1) calls them, and whether they count bytes.
func RlimitNames() map[string]bool {
	return map[string]bool{
		"as": true, "core": true, "cpu": false, "data": true, "fsize": true, "locks": false, "memlock": true, "msgqueue": true,
		"nice": false, "nofile": false, "nproc": false, "rss": true, "rtprio": false, "rttime": false, "sigpending": false, "stack": true,
	}
}

// LimitProblem says which limit cannot be kept, by its key in the configuration, and why.
type LimitProblem struct {
	Key string
	Err error
}
