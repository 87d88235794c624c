// Package descriptors keeps some file descriptors of the process free, so that a daemon that has run out of them can still be
// asked what is wrong and be told to stop something.
//
// Nothing is held for that: the system always gives the lowest free number, so the number of a descriptor just opened tells
// how many are in use at least. Whoever opens one for long looks at its number and gives it back when it is [Low].
//
// May import: no other room.
package descriptors

// reserve is how many descriptors are kept for commands, of a limit that allows for it.
const reserve = 16

// Low reports whether a descriptor just opened is one of the last: of the 16, or the quarter of a small limit, that only
// short work may take.
func Low(fd uintptr) bool { return left(fd) < kept(limit()) }

// VeryLow reports whether half of those are taken too.
func VeryLow(fd uintptr) bool { return left(fd) < kept(limit())/2 }

// left is how many more could be opened if fd was the lowest free number.
func left(fd uintptr) uint64 {
	if most := limit(); uint64(fd)+1 < most {
		return most - uint64(fd) - 1
	}
	return 0
}

func kept(limit uint64) uint64 { return min(reserve, limit/4) }
