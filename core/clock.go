package core

import "time"

// clock measures durations since the supervisor was made, by the monotonic clock only: setting the system's time changes no
// delay, no grace and no window. Every decision is made on these.
type clock struct{ epoch time.Time }

func newClock() clock { return clock{time.Now()} }

func (c clock) now() time.Duration { return time.Since(c.epoch) }

// wallClock is for what people read. Nothing is decided by it. (The value carries a monotonic reading too, by which
// Status.Uptime is measured.)
func wallClock() time.Time { return time.Now() }
