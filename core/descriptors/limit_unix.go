//go:build unix

package descriptors

import (
	"math"

	"golang.org/x/sys/unix"
)

// limit is how many descriptors this process may have.
func limit() uint64 {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return math.MaxUint64
	}
	return uint64(r.Cur)
}
