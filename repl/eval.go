package repl

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"weak"
)

const ndjson = "application/x-ndjson"

// serveEval is POST /v1/eval: read, evaluate, answer.
func (s *Server) serveEval(w http.ResponseWriter, r *http.Request, c *conn, peer Peer) {
	req, refused := s.readRequest(w, r)
	if refused != nil {
		reject(w, r, refused)
		return
	}
	req.Peer, req.Streamed = peer, wantsStream(r)
	u := useEval
	if req.Streamed {
		u = useStream
	}
	switch c.begin(u) {
	case gone:
		panic(http.ErrAbortHandler)
	case busy:
		reject(w, r, refuse(http.StatusTooManyRequests, kindOverloaded, "overloaded: too many evaluations at a time, try again"))
		return
	}
	defer c.done()
	// From here on the connection is read only to notice that the client leaves; that may take as long as it likes.
	if err := http.NewResponseController(w).SetReadDeadline(time.Time{}); err != nil {
		panic(http.ErrAbortHandler)
	}
	ctx, end := s.evalContext(r.Context(), req.Timeout)
	defer end(nil)
	if req.Streamed {
		s.stream(ctx, end, w, req)
		return
	}
	out := &capped{max: s.limits.Output}
	reply := s.evaluate(ctx, req, out)
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // nobody is there to read it
	}
	if reply.Output == "" {
		reply.Output = out.String()
	}
	s.deadline(w, s.limits.Reply)
	status := http.StatusOK
	if reply.Error != nil {
		status = StatusOf(reply.Error.Kind)
	}
	send(w, status, reply)
}

// send writes a reply that is not streamed. Its length is said first: the other end makes room for it once.
func send(w http.ResponseWriter, status int, reply Reply) {
	room := rooms.Get().(*[]byte)
	defer rooms.Put(room)
	text := appendReply((*room)[:0], reply)
	if cap(text) <= mostRoom {
		*room = text
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	w.Write(text)
}

// rooms are where replies are put together. One made anew for each would be most of the garbage that a request leaves.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

// mostRoom bounds what is kept for the next reply, in bytes.
const mostRoom = 64 << 10

// A body is long when much was piped to the caller, for a byte of which JSON may need six. One such body is in memory at a time, and
// the others wait for their turn: whoever may ask could otherwise fill it.
const (
	smallBody   = 64 << 10
	largeBodies = 1
)

// readRequest reads the body and decodes it.
func (s *Server) readRequest(w http.ResponseWriter, r *http.Request) (Request, *refusal) {
	tooLarge := refuse(http.StatusRequestEntityTooLarge, kindTooLarge, "cannot read the request: it is longer than %d bytes", s.limits.Body)
	if r.ContentLength > int64(s.limits.Body) {
		return Request{}, tooLarge
	}
	all := http.MaxBytesReader(w, r.Body, int64(s.limits.Body))
	body := new(bytes.Buffer)
	_, err := body.ReadFrom(io.LimitReader(all, smallBody))
	if err == nil && body.Len() == smallBody {
		wait := time.NewTimer(s.limits.Read)
		defer wait.Stop()
		select {
		case s.large <- struct{}{}:
			defer func() { <-s.large }()
		case <-wait.C:
			return Request{}, refuse(http.StatusTooManyRequests, kindOverloaded, "overloaded: too many long requests at a time, try again")
		}
		room := s.room.Value()
		if room == nil {
			room = new(bytes.Buffer)
			s.room = weak.Make(room)
		}
		room.Reset()
		room.Grow(s.limits.Body + bytes.MinRead) // at once: growing by and by would leave as much garbage thrice
		room.Write(body.Bytes())
		_, err = room.ReadFrom(all)
		body = room
	}
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return Request{}, tooLarge
		}
		return Request{}, refuse(http.StatusBadRequest, kindInvalid, "cannot read the request: its body did not arrive")
	}
	req, failure := DecodeRequest(body.Bytes(), s.limits.Form)
	if failure != nil {
		return Request{}, &refusal{StatusOf(failure.Kind), failure}
	}
	return req, nil
}

// wantsStream tells whether the client asked for the output as it happens.
func wantsStream(r *http.Request) bool {
	for _, value := range r.Header["Accept"] {
		for part := range strings.SplitSeq(value, ",") {
			if kind, _, err := mime.ParseMediaType(part); err == nil && kind == ndjson {
				return true
			}
		}
	}
	return false
}

// evalContext is a context that ends with the client, the time limit or the server. Its end must be called.
func (s *Server) evalContext(parent context.Context, limit time.Duration) (context.Context, context.CancelCauseFunc) {
	stop := func() {}
	if limit > 0 {
		parent, stop = context.WithTimeout(parent, limit)
	}
	ctx, cancel := context.WithCancelCause(parent)
	s.mu.Lock()
	s.running[&cancel] = struct{}{}
	if s.draining {
		cancel(ErrShutdown)
	}
	s.mu.Unlock()
	return ctx, func(cause error) {
		cancel(cause)
		stop()
		s.mu.Lock()
		delete(s.running, &cancel)
		s.mu.Unlock()
	}
}

// evaluate is Eval behind a barrier.
func (s *Server) evaluate(ctx context.Context, req Request, out io.Writer) (reply Reply) {
	defer func() {
		if v := recover(); v != nil {
			reply = Reply{Error: s.panicked(v, pathEval)}
		}
	}()
	reply = s.o.Eval(ctx, req, out)
	if reply.Error == nil && len(reply.Value) == 0 && ctx.Err() != nil {
		reply.Error = failureOf(ctx)
	}
	return reply
}

// capped keeps up to max bytes of buffered output.
type capped struct {
	max int
	mu  sync.Mutex
	buf strings.Builder
}

func (c *capped) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if room := c.max - c.buf.Len(); len(p) > room {
		c.buf.Write(p[:room])
		return room, failf(kindBudget, "budget: output is limited to %d bytes unless it is streamed", c.max)
	}
	return c.buf.Write(p)
}

func (c *capped) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.String()
}
