package child

// breakSignal is what CTRL_BREAK is called here, and its number in the C library.
const (
	breakSignal = 21
	killSignal  = 9
)

// signals: BREAK is CTRL_BREAK to the process's group and KILL ends it; TERM and INT stand for BREAK, so that one configuration
// does for both systems.
var signals = []namedSignal{{"BREAK", breakSignal}, {"KILL", killSignal}, {"TERM", 15}, {"INT", 2}}

// signalWords are what an error recommends.
const signalWords = "BREAK, KILL, TERM or INT (there are no others on Windows; TERM and INT send BREAK)"
