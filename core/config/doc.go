// Package config turns what the operator wrote into what the supervisor wants: supervisord.conf (TOML), -supvr.* flags and the
// hashes of add-proc become Settings of the daemon and []core.Spec.
//
// There is one table of keys (table.go). The strict check of the file, the flags, the hashes, the suggestions for misspelt
// names, the README's table (Markdown) and the starter file (Starter) are all made from it, so they cannot disagree.
//
// # Loading
//
// Load decodes the TOML to a map, takes the position of every key from a scanner of its own (the library gives positions only
// for some errors), checks the map against the table and reports every problem at once as Problems, each as
// "file:line:column: message". It touches nothing: what it returns is a value. A Problem refuses the configuration; a warning
// (Config.Warnings) does not, because what it speaks of may be right by the time a process is started (a program that is not
// installed yet).
//
// # Values
//
// In the file, ${VAR} and ${VAR:-default} in any string stand for the daemon's environment, $${ for a literal ${; flags and
// hashes are literal, since the shell and the Lisp have expansions of their own, and so are env_file and the command line
// after NAME. Relative paths mean the folder of the configuration file; those of flags and of a command line the caller's
// current directory. No text of an error holds the value of an environment variable, of env, env_file or args.
//
// # Places
//
// A Place names every file a daemon keeps outside its configuration (socket, lock, token, logs, what add-proc added);
// Place.Prepare makes the folders and refuses those that others could tamper with; Place.Acquire takes the lock.
//
// Everything here is safe for concurrent use: there is no state, only functions of their arguments, the environment and the
// file system.
//
// # Where to begin
//
// table.go is the table; load.go reads a file by it, build.go makes Settings and Specs of it, place.go says where the daemon lives.
//
// May import: core, core/child, core/logs, core/spelling.
package config
