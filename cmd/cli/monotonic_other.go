//go:build !linux

package cli

import "time"

// monotonic is asked for by nobody here: there is no service manager that compares clocks.
func monotonic() time.Duration { return 0 }
