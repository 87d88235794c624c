package child

import (
	"slices"

	"golang.org/x/sys/unix"
)

// signals has also the one that Linux sends when the power fails.
var signals = append(slices.Clip(unixSignals), namedSignal{"PWR", int(unix.SIGPWR)})
