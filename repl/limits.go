package repl

import (
	"cmp"
	"time"
)

// Limits bound what any client can cost. A zero field is that of [DefaultLimits].
type Limits struct {
	Header int // bytes of a request's header
	Body   int // bytes of a request's body
	Form   int // bytes of the form in it
	Output int // bytes of buffered output; streamed output has no limit, its writer waits for the reader

	ReadHeader time.Duration // to receive a header
	Read       time.Duration // to receive header and body
	Idle       time.Duration // between two requests of a connection
	Chunk      time.Duration // for a client to take a piece of streamed output before it counts as gone
	Reply      time.Duration // for a client to take a reply
	Drain      time.Duration // that evaluations are left alone at shutdown before they are cancelled

	Chance time.Duration // that a connection is idle before it is closed for others; 512 more than Conns are held until then

	UnixConns, TCPConns     int // connections; over it the one idle for longest is closed. Streams do not count.
	UnixEvals, TCPEvals     int // buffered evaluations at a time
	UnixStreams, TCPStreams int // streamed evaluations at a time

	Failures int // refused requests a peer may make in a second before it hears 429 only; negative: no limit
}

// DefaultLimits suit a daemon on a small machine. A stream's reader has a minute, so that a follower piped into a pager
// outlives a look at the screen.
func DefaultLimits() Limits {
	return Limits{
		Header: 16 << 10, Body: 8 << 20, Form: 256 << 10, Output: 1 << 20,
		ReadHeader: 5 * time.Second, Read: 15 * time.Second, Idle: 60 * time.Second,
		Chunk: 60 * time.Second, Reply: 30 * time.Second, Drain: 200 * time.Millisecond,
		Chance:    time.Second,
		UnixConns: 256, TCPConns: 64,
		UnixEvals: 128, TCPEvals: 32,
		UnixStreams: 128, TCPStreams: 32,
		Failures: 10,
	}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	return Limits{
		Header: cmp.Or(l.Header, d.Header), Body: cmp.Or(l.Body, d.Body), Form: cmp.Or(l.Form, d.Form), Output: cmp.Or(l.Output, d.Output),
		ReadHeader: cmp.Or(l.ReadHeader, d.ReadHeader), Read: cmp.Or(l.Read, d.Read), Idle: cmp.Or(l.Idle, d.Idle),
		Chunk: cmp.Or(l.Chunk, d.Chunk), Reply: cmp.Or(l.Reply, d.Reply), Drain: cmp.Or(l.Drain, d.Drain),
		Chance:    cmp.Or(l.Chance, d.Chance),
		UnixConns: cmp.Or(l.UnixConns, d.UnixConns), TCPConns: cmp.Or(l.TCPConns, d.TCPConns),
		UnixEvals: cmp.Or(l.UnixEvals, d.UnixEvals), TCPEvals: cmp.Or(l.TCPEvals, d.TCPEvals),
		UnixStreams: cmp.Or(l.UnixStreams, d.UnixStreams), TCPStreams: cmp.Or(l.TCPStreams, d.TCPStreams),
		Failures: cmp.Or(l.Failures, d.Failures),
	}
}
