package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"github.com/qjpcpu/supervisord/builtins"
	"github.com/qjpcpu/supervisord/lisp"
	"github.com/qjpcpu/supervisord/repl"
)

// answer connects the socket with the engine: a request becomes a job, a result a reply. The reply is made while the
// result's value belongs to nobody else.
func (d *daemon) answer(ctx context.Context, req repl.Request, out io.Writer) (reply repl.Reply) {
	d.engine.Eval(ctx, builtins.Job{
		Form: req.Form, Name: req.Name, Session: req.Session, Argv: req.Argv, Stdin: req.Stdin,
		Who: req.Peer.String(), Streamed: req.Streamed,
		Deliver: func(result builtins.Result) { reply = replyOf(result) },
	}, out)
	reply.Trouble = d.trouble()
	return reply
}

// replyOf is a result as the wire carries it.
func replyOf(result builtins.Result) repl.Reply {
	if result.Err != nil {
		return repl.Reply{Exit: result.Exit, Error: failureOf(result.Err)}
	}
	shown := result.Value
	if shown.Kind() == lisp.KindStream {
		shown = lisp.String(lisp.Print(shown)) // as a function: what it would give is not known before it is taken
	}
	room := rooms.Get().(*[]byte)
	defer rooms.Put(room)
	value, err := lisp.AppendJSON((*room)[:0], shown)
	if err != nil {
		return repl.Reply{Exit: result.Exit, Error: failureOf(err)}
	}
	both := lisp.AppendPrint(value, result.Value)
	if cap(both) <= mostRoom {
		*room = both
	}
	return repl.Reply{Exit: result.Exit, Value: bytes.Clone(value), Text: string(both[len(value):])}
}

// rooms are where values are written before their length is known. Growing a slice again for each leaves much garbage, and most
// of what an answer cost was to collect it.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

// mostRoom bounds what is kept for the next value, in bytes.
const mostRoom = 64 << 10

// failureOf is an error as the wire carries it.
func failureOf(err error) *repl.Failure {
	failure := &repl.Failure{Kind: builtins.KindOf(err), Message: err.Error()}
	var raised *lisp.Error
	if errors.As(err, &raised) {
		failure.Kind, failure.Message, failure.Trace = raised.Kind, raised.Msg, raised.Trace
		if raised.Pos.Line > 0 {
			failure.Where, failure.Line = raised.Pos.String(), raised.Line
		}
		if value, err := lisp.AppendJSON(nil, raised.Value); err == nil {
			failure.Value = value
		}
	}
	return failure
}
