//go:build unix

package core

import (
	"os"
	"syscall"
)

// endsHere are the ends that there are here beside those everywhere.
var endsHere = []string{"signal 1", "signal 9", "signal 15"}

func endBySignal(number int) {
	self, _ := os.FindProcess(os.Getpid())
	_ = self.Signal(syscall.Signal(number))
	block()
}

// endedByStop: by TERM.
func endedByStop(signal int) bool { return signal == 15 }
