//go:build unix && !linux

package cli

import "os"

// powerSignals are what only some systems send.
func powerSignals() map[os.Signal]meaning { return nil }
