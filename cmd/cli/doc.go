// Package cli is the command line of supervisord, its library entry and the composition root of its daemon.
//
// A command is a function from words to a form, and a renderer from the reply's value to text; commands.go is the one
// table of them. The daemon is put together in daemon.go from the rooms below: core supervises, builtins holds the
// verbs, repl listens.
//
// An embedder calls [Run] (which ends the program) or [Main] (which returns an exit code and can be given verbs of the
// embedder's own). A daemon that goes into the background starts the running program again with the arguments of this
// one, so an embedding main must reach Run or Main with the words of the command line unchanged.
//
// # Where to begin
//
// commands.go for what can be typed, send.go for a form's way to the daemon and back; daemon.go and compose.go for the daemon.
//
// May import: every room.
package cli
