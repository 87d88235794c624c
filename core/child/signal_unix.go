//go:build unix

package child

import "golang.org/x/sys/unix"

// unixSignals are those that every Unix has and that make sense to send or to die of (man 7 signal); a name of two numbers (IOT, POLL)
// stands once.
var unixSignals = []namedSignal{
	{"TERM", int(unix.SIGTERM)}, {"HUP", int(unix.SIGHUP)}, {"INT", int(unix.SIGINT)}, {"QUIT", int(unix.SIGQUIT)},
	{"KILL", int(unix.SIGKILL)}, {"USR1", int(unix.SIGUSR1)}, {"USR2", int(unix.SIGUSR2)}, {"STOP", int(unix.SIGSTOP)},
	{"CONT", int(unix.SIGCONT)}, {"TSTP", int(unix.SIGTSTP)}, {"WINCH", int(unix.SIGWINCH)}, {"ALRM", int(unix.SIGALRM)},
	{"ABRT", int(unix.SIGABRT)}, {"BUS", int(unix.SIGBUS)}, {"CHLD", int(unix.SIGCHLD)}, {"FPE", int(unix.SIGFPE)},
	{"ILL", int(unix.SIGILL)}, {"IO", int(unix.SIGIO)}, {"PIPE", int(unix.SIGPIPE)}, {"PROF", int(unix.SIGPROF)},
	{"SEGV", int(unix.SIGSEGV)}, {"SYS", int(unix.SIGSYS)}, {"TRAP", int(unix.SIGTRAP)}, {"TTIN", int(unix.SIGTTIN)},
	{"TTOU", int(unix.SIGTTOU)}, {"URG", int(unix.SIGURG)}, {"VTALRM", int(unix.SIGVTALRM)}, {"XCPU", int(unix.SIGXCPU)},
	{"XFSZ", int(unix.SIGXFSZ)},
}

// signalWords are what an error recommends.
const signalWords = "a name like TERM, HUP or INT"
