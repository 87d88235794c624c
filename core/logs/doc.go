// Package logs carries what supervised programs write to where it belongs.
//
// A [Set] holds one writer per file for a whole daemon. A [Stream] is the
// output of one process (its stdout or its stderr); it lives as long as the
// process is configured, over all lives of its child. A [Pump] reads one pipe
// of one child into its stream and ends with it.
//
// # Promises
//
// Bytes are kept as they were written, in order, with nothing added, up to
// the last one the program wrote, also when a grandchild keeps the pipe open.
// Another [Format] than Raw puts something before each line, or each line into
// a JSON object; what the program wrote can be read back from it exactly.
// A rotation loses nothing, never replaces an older file and does not split a
// line that has its end within 64 KiB. Several writers of one file do not
// split each other's lines of up to 64 KiB.
//
// Output never harms the program: when a file cannot be written, the pipe is
// read on, the loss is counted in [Health], announced by a [Notice], and
// written into the file when it works again. A slow disk is honest back
// pressure: the pump waits, the pipe fills, the program waits.
//
// Nothing wakes up while nothing is written, and an idle stream owns no
// buffer and, on Linux, no goroutine.
//
// # Concurrency
//
// All exported methods may be called from any goroutine. Reading (Tail,
// Follow, Health, Files) never waits for a writer and never makes one wait.
//
// # Where to begin
//
// pump.go reads a pipe, stream.go is the output it belongs to, sink.go the file
// it is written to; rotate.go and tidy.go see to old files, tail.go and follow.go
// read them.
//
// May import: core/descriptors.
package logs
