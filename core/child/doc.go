// Package child runs one operating system process, and is the only place that forks and waits.
//
// A Host starts programs, each leader of a session of its own, and is the one owner of every wait call of its process, so that
// no exit status is lost and no zombie stays. A Child is the leader and, by its Scope, what descends from it: Stop asks
// politely, Kill does not ask, Gone tells when nothing is left. Signals go to a number that a leader or its zombie still
// pins, or through a pidfd, never to a number that could have been given away.
//
// On Linux a tree is a cgroup where that can be made, entered at the fork; otherwise it is found by session, by a marker in the
// environment and by descent, which this process sees completely as it is the subreaper. A program that started with an
// empty environment, left its session and lost its parents escapes the second way, and only that one.
//
// Command and Exit are plain data and a Child hands back events, so that the forking side could live in another process.
//
// # Where to begin
//
// child.go has the types. On Linux host_linux.go is the owner, launch_linux.go and shim_linux.go start a program, reap_linux.go waits,
// tree_linux.go finds and ends what belongs to one; windows.go and launch_windows.go do so on Windows, generic.go on other systems.
//
// May import: core/descriptors, core/spelling.
package child
