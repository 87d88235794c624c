package repl

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// What crosses the socket: a Request goes to the daemon and a Reply comes back, both of them JSON over HTTP (PROTOCOL.md has them
// with curl). server.go lets a request in by the rule of admit.go, reads it (decode.go) and hands it to an Eval (eval.go,
// stream.go); client.go is the other end, and terminal.go the person there.

// Request is one form (or program) to evaluate. On the wire it is a JSON object with the keys of the tags; Timeout is
// text as time.ParseDuration reads it ("30s").
type Request struct {
	Form    string        // the program's text, at most Limits.Form bytes
	Name    string        // what errors call the text: a file's name
	Session string        // definitions live in the session of this name; "" is a scope of its own
	Argv    []string      // ARGV of the program
	Stdin   string        // what read-line reads
	Timeout time.Duration // the evaluation's ctx ends after it; 0 is no limit

	Peer     Peer // who asks, filled in by the server; never read from the wire
	Streamed bool // the reply's output is sent as it happens; filled in by the server
}

// requestJSON is a Request as it is sent.
type requestJSON struct {
	Form    string   `json:"form"`
	Name    string   `json:"name,omitempty"`
	Session string   `json:"session,omitempty"`
	Argv    []string `json:"argv,omitempty"`
	Stdin   string   `json:"stdin,omitempty"`
	Timeout string   `json:"timeout,omitempty"`
}

// MarshalJSON writes the request as [DecodeRequest] reads it.
func (r Request) MarshalJSON() ([]byte, error) {
	w := requestJSON{Form: r.Form, Name: r.Name, Session: r.Session, Argv: r.Argv, Stdin: r.Stdin}
	if r.Timeout > 0 {
		w.Timeout = r.Timeout.String()
	}
	return json.Marshal(w)
}

// Reply is the outcome of a Request.
type Reply struct {
	Value  json.RawMessage // the value as JSON, which must be valid; nil is null
	Text   string          // the value as the language prints it
	Output string          // what the program printed; "" when it was streamed
	Exit   int             // the code of (exit N)
	Error  *Failure        // why there is no value; its own Value may still carry a report

	Trouble *Trouble // what is wrong with the daemon itself; nil when nothing is
}

// Trouble is what is wrong with a daemon that answers.
type Trouble struct {
	LogLinesLost int `json:"log_lines_lost,omitempty"` // of its own log
	HooksFailing int `json:"hooks_failing,omitempty"`  // a broken init script counts as one
}

// MarshalJSON writes the reply as PROTOCOL.md shows it: value, text and output of a success, error (and what
// there is of the others) of a failure. A failure's value stands beside the error, where a value always stands. A trouble comes last.
func (r Reply) MarshalJSON() ([]byte, error) { return appendReply(nil, r), nil }

// replyJSON is a Reply as it is received.
type replyJSON struct {
	Value  json.RawMessage `json:"value"`
	Text   string          `json:"text"`
	Output string          `json:"output"`
	Exit   int             `json:"exit"`
	Error  *Failure        `json:"error"`

	Trouble *Trouble `json:"trouble"`
}

// UnmarshalJSON reads a reply. The value of a failed one is found in both Value and Error.Value.
func (r *Reply) UnmarshalJSON(data []byte) (err error) {
	*r, err = decodeReply(data)
	return err
}

// decodeReply is json.Unmarshal of a Reply, but reads the text half as often.
func decodeReply(data []byte) (Reply, error) {
	var w replyJSON
	if err := json.Unmarshal(data, &w); err != nil {
		return Reply{}, err
	}
	if w.Error != nil {
		w.Error.Value = w.Value
	}
	return Reply(w), nil
}

// Failure is an error on its way to a client. Kind is one of [Kinds], or a word of a script's own.
type Failure struct {
	Kind    string   `json:"kind"`
	Message string   `json:"message"`         // one line, lower case: what could not be done to what, and why
	Where   string   `json:"where,omitempty"` // "file:line:column" or "line:column"
	Line    string   `json:"line,omitempty"`  // the text of the line at Where, which may be of an earlier input
	Trace   []string `json:"trace,omitempty"` // callers, innermost first

	// Value is what there is in spite of the failure: the report of an operation that failed for some processes.
	Value json.RawMessage `json:"-"`
}

// Error is the message, with the place before it where there is one.
func (f *Failure) Error() string {
	if f.Where != "" {
		return f.Where + ": " + f.Message
	}
	return f.Message
}

// failf makes a failure of a kind.
func failf(kind, format string, args ...any) *Failure {
	return &Failure{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Eval evaluates one request; out takes what the program prints. It is called concurrently, once per request. ctx ends
// when the client goes away, the request's Timeout passes (context.DeadlineExceeded) or the server shuts down
// ([ErrShutdown] is then its cause). A write to out fails with a *[Failure] when the buffered output is full or the
// client has gone. Eval must return soon after ctx ends; it may leave work under way.
type Eval func(ctx context.Context, req Request, out io.Writer) Reply

// Peer is who sent a request, as the system (unix socket) or the connection (TCP) tells.
type Peer struct {
	Transport     string // "unix" or "tcp"
	UID, GID, PID int    // of the connecting process; of meaning for "unix" only
	Addr          string // remote address of a TCP connection
}

// String is "uid 1000 pid 77" or "tcp 127.0.0.1:5555", for causes and the audit log; "unix socket" where a socket cannot be asked
// who connects, as on Windows.
func (p Peer) String() string {
	switch p.Transport {
	case transportUnix:
		if p.UID < 0 {
			return "unix socket"
		}
		return fmt.Sprintf("uid %d pid %d", p.UID, p.PID)
	case transportTCP:
		return "tcp " + p.Addr
	}
	return "unknown peer"
}

// key is the same for all connections of one peer: its user, or the address of its machine.
func (p Peer) key() string {
	if p.Transport != transportTCP {
		return "uid " + strconv.Itoa(p.UID)
	}
	host, _, err := net.SplitHostPort(p.Addr)
	if err != nil {
		return p.Addr
	}
	return host
}

const (
	transportUnix = "unix"
	transportTCP  = "tcp"
)
