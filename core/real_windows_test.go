package core

import "os"

// endsHere are the ends that there are here beside those everywhere: an exit code has 32 bits.
var endsHere = []string{"exit 256", "exit 3221225477"}

func endBySignal(int) { os.Exit(99) }

// endedByStop: by BREAK, or by KILL where Wine refuses that.
func endedByStop(signal int) bool { return signal == 21 || signal == 9 }

// exclusive is a program of a test for Linux.
func exclusive(string) {}
