package child

// signals: BREAK and KILL are real here; TERM and INT stand for BREAK.
var signals = []namedSignal{{"TERM", 15}, {"INT", 2}, {"BREAK", 21}, {"KILL", 9}}
