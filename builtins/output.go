package builtins

import (
	"bytes"
	"io"
	"strings"
	"sync"

	"github.com/qjpcpu/supervisord/lisp"
)

// The bounds of what a job prints.
const (
	bufferedOutput = 1 << 20 // bytes, of a reply that is not streamed
	loggedLine     = 2 << 10 // bytes of one line that reach the daemon's log
)

// output is where a job prints: to its caller, and line by line to the daemon's log. Coroutines of the job
// may print at the same time.
type output struct {
	mu      sync.Mutex
	to      io.Writer
	left    int64 // bytes that may still be written; < 0: any number
	log     func(format string, args ...any)
	name    string
	pending []byte // the beginning of a line
}

// newOutput makes the output of a job; streamed has no bound.
func newOutput(to io.Writer, streamed bool, name string, log func(string, ...any)) *output {
	if to == nil {
		to = io.Discard
	}
	o := &output{to: to, left: bufferedOutput, log: log, name: name}
	if streamed {
		o.left = -1
	}
	return o
}

// Write is what a program prints.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.write(p)
	for rest := p[:n]; len(rest) > 0; {
		line, after, complete := bytes.Cut(rest, []byte("\n"))
		if room := loggedLine - len(o.pending); room > 0 {
			o.pending = append(o.pending, line[:min(room, len(line))]...)
		}
		if !complete {
			break
		}
		o.tell()
		rest = after
	}
	return n, err
}

// flush brings the line so far to the log.
func (o *output) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tell()
}

func (o *output) tell() {
	if len(o.pending) > 0 {
		o.log("%s: %s", o.name, oneLine(strings.ToValidUTF8(string(o.pending), "?")))
	}
	o.pending = o.pending[:0]
}

// direct is the way to the caller alone, for what is on its way from a log anyway.
type direct struct{ *output }

func (d direct) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.write(p)
}

func (o *output) write(p []byte) (int, error) {
	if o.left < 0 {
		return o.to.Write(p)
	}
	part := p[:min(int64(len(p)), o.left)]
	n, err := o.to.Write(part)
	o.left -= int64(n)
	if err == nil && n < len(p) {
		err = lisp.Errorf(kindBudget, "budget exceeded: output of more than %d bytes in a reply that is not streamed", bufferedOutput)
	}
	return n, err
}
