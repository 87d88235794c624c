package cli

import (
	"context"
	"errors"
	"io"

	"github.com/qjpcpu/supervisord/builtins"
	"github.com/qjpcpu/supervisord/lisp"
	"github.com/qjpcpu/supervisord/repl"
)

// answer connects the socket with the engine: a request becomes a job, a result a reply.
func (d *daemon) answer(ctx context.Context, req repl.Request, out io.Writer) repl.Reply {
	result := d.engine.Eval(ctx, builtins.Job{
		Form: req.Form, Name: req.Name, Session: req.Session, Argv: req.Argv, Stdin: req.Stdin,
		Who: req.Peer.String(), Streamed: req.Streamed,
	}, out)
	reply := repl.Reply{Exit: result.Exit}
	if result.Err != nil {
		reply.Error = failureOf(result.Err)
		return reply
	}
	value, err := lisp.AppendJSON(nil, result.Value)
	if err != nil {
		reply.Error = failureOf(err)
		return reply
	}
	reply.Value, reply.Text = value, lisp.Print(result.Value)
	return reply
}

// failureOf is an error as the wire carries it.
func failureOf(err error) *repl.Failure {
	failure := &repl.Failure{Kind: builtins.KindOf(err), Message: err.Error()}
	var raised *lisp.Error
	if errors.As(err, &raised) {
		failure.Kind, failure.Message, failure.Trace = raised.Kind, raised.Msg, raised.Trace
		if raised.Pos.Line > 0 {
			failure.Where = raised.Pos.String()
		}
		if value, err := lisp.AppendJSON(nil, raised.Value); err == nil {
			failure.Value = value
		}
	}
	return failure
}
