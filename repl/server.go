package repl

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"
	"weak"
)

// The routes. Everything the daemon can do goes through the first.
const (
	pathEval    = "/v1/eval"
	pathHealth  = "/v1/health"
	pathMetrics = "/metrics"
)

// ErrShutdown is the cause (context.Cause) of an evaluation's end because the server shuts down.
var ErrShutdown = errors.New("the daemon is shutting down")

// errClientGone is the cause of an evaluation's end because its output is not taken any more.
var errClientGone = errors.New("the client has gone")

// ServerOptions are what a [Server] needs from outside. Only Eval is required.
type ServerOptions struct {
	Eval    Eval
	Token   TokenHash                         // of the token that admits TCP clients; zero admits none
	Hosts   []string                          // further values of the Host header for TCP clients, "name" or "name:port"
	GID     int                               // the admin group; 0 is none
	Managed func(uid int) bool                // whether a managed service runs as this user; called at each request
	Health  func() any                        // what GET /v1/health answers, as JSON; nothing secret
	Metrics func(io.Writer)                   // what GET /metrics answers; nil: there is no such route
	Limits  Limits                            // zero fields are the defaults
	Scarce  func(fd uintptr) (low, very bool) // whether a descriptor is one of the last, or of the very last; nil: none ever is
	Log     func(format string, args ...any)  // refusals and panics, one line each; nil: nowhere
	Refused func(Refusal)                     // the refusals that Log gets, for another record; a bounded number an hour; nil: nowhere
}

// Server answers requests on any number of listeners.
type Server struct {
	o         ServerOptions
	limits    Limits
	admission *admission
	failures  *failures
	refusals  *refusals
	http      *http.Server
	unix, tcp *pool
	large     chan struct{}              // held while a long body is read
	room      weak.Pointer[bytes.Buffer] // where the last one was read; many in a row leave no garbage; whoever holds large has it
	ways      []route                    // all that there are

	mu       sync.Mutex
	running  map[*context.CancelCauseFunc]struct{} // evaluations, to be cancelled at shutdown
	draining bool                                  // a new one is cancelled at once
}

// NewServer is a server that listens nowhere yet.
func NewServer(o ServerOptions) *Server {
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	l := o.Limits.orDefault()
	s := &Server{
		o: o, limits: l,
		admission: &admission{token: o.Token, hosts: slices.Clone(o.Hosts), gid: o.GID, managed: o.Managed},
		failures:  &failures{limit: l.Failures},
		refusals:  &refusals{},
		unix:      newPool(l.UnixConns, l.Chance, l.UnixEvals, l.UnixStreams, o.Scarce),
		tcp:       newPool(l.TCPConns, l.Chance, l.TCPEvals, l.TCPStreams, o.Scarce),
		large:     make(chan struct{}, largeBodies),
		running:   map[*context.CancelCauseFunc]struct{}{},
		ways:      routes(o.Metrics != nil),
	}
	s.unix.unread, s.tcp.unread = s.tellUnread, s.tellUnread
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	s.http = &http.Server{
		Handler:                      http.HandlerFunc(s.serve),
		DisableGeneralOptionsHandler: true, // else net/http answers OPTIONS * before anybody is asked
		ReadHeaderTimeout:            l.ReadHeader,
		ReadTimeout:                  l.Read,
		IdleTimeout:                  l.Idle,
		MaxHeaderBytes:               l.Header,
		Protocols:                    protocols,
		ConnContext:                  connContext,
		ConnState:                    connState,
		ErrorLog:                     log.New(io.Discard, "", 0), // one line per malformed request is a stranger's way to fill a disk
	}
	return s
}

// Serve answers what comes in on ln until Shutdown, and then returns nil. It may be called for several listeners.
func (s *Server) Serve(ln net.Listener) error {
	p := s.tcp
	if ln.Addr().Network() == transportUnix {
		p = s.unix
	}
	if t, ok := ln.(*tlsListener); ok {
		ln = tls.NewListener(&listener{t.Listener, p}, t.config)
	} else {
		ln = &listener{ln, p}
	}
	if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("cannot serve %s: %w", ln.Addr(), err)
	}
	return nil
}

// Shutdown closes the listeners and the idle connections, lets the replies in flight finish (after Limits.Drain the
// evaluations that still run are cancelled, which ends followers) and returns when the last connection has closed. When
// ctx ends before, the rest is cut off and ctx's error returned.
func (s *Server) Shutdown(ctx context.Context) error {
	cancel := time.AfterFunc(s.limits.Drain, s.cancelRunning)
	defer cancel.Stop()
	s.unix.drain()
	s.tcp.drain()
	err := s.http.Shutdown(ctx)
	if err != nil {
		s.cancelRunning()
		err = errors.Join(err, s.http.Close())
	}
	return err
}

func (s *Server) cancelRunning() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for cancel := range s.running {
		(*cancel)(ErrShutdown)
	}
}

// connKey finds the *conn of a request in its context.
type connKey struct{}

func connContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, bare(c))
}

func connState(c net.Conn, state http.ConnState) {
	n, ok := bare(c).(*conn)
	if !ok {
		return
	}
	switch state {
	case http.StateActive:
		_, sealed := c.(*tls.Conn)
		n.heard(sealed)
	case http.StateIdle:
		n.settled()
	}
}

// bare is the connection under TLS.
func bare(c net.Conn) net.Conn {
	if t, ok := c.(*tls.Conn); ok {
		return t.NetConn()
	}
	return c
}

// peerOf asks the system or the connection who is there.
func peerOf(c net.Conn) (Peer, error) {
	if u, ok := c.(*net.UnixConn); ok {
		return unixPeer(u)
	}
	return Peer{Transport: transportTCP, Addr: c.RemoteAddr().String()}, nil
}

// route is a way in.
type route struct {
	method, path string
	serve        func(*Server, http.ResponseWriter, *http.Request, *conn, Peer)
}

// routes are all there are.
func routes(metrics bool) []route {
	list := []route{
		{http.MethodPost, pathEval, (*Server).serveEval},
		{http.MethodGet, pathHealth, (*Server).serveHealth},
	}
	if metrics {
		list = append(list, route{http.MethodGet, pathMetrics, (*Server).serveMetrics})
	}
	return list
}

// serve admits a request and finds its route.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	defer s.barrier(w, r)
	c, ok := r.Context().Value(connKey{}).(*conn)
	if !ok {
		panic("a connection that no pool knows")
	}
	c.take()
	// After this handler the deadline stays on the connection, for what net/http still has to flush.
	defer s.deadline(w, s.limits.Reply)
	s.deadline(w, s.limits.Reply)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if len(r.TransferEncoding) > 0 {
		h.Set("Connection", "close") // where such a body ends is what HTTP's readers disagree about: nothing follows it
	}
	peer, err := c.peer()
	if err != nil {
		s.refuse(w, r, Peer{}, refuse(http.StatusForbidden, kindForbidden, "forbidden: %s", err))
		return
	}
	if refused := s.admission.check(r, peer, c.LocalAddr()); refused != nil {
		s.refuse(w, r, peer, refused)
		return
	}
	for _, route := range s.ways {
		if r.RequestURI != route.path {
			continue
		}
		if r.Method != route.method {
			reject(w, r, refuse(http.StatusMethodNotAllowed, kindInvalid, "cannot take this request: the method is %s, want %s", r.Method, route.method))
			return
		}
		route.serve(s, w, r, c, peer)
		return
	}
	reject(w, r, refuse(http.StatusNotFound, kindNotFound, "cannot find %s: the way in is POST %s", clip(r.URL.Path), pathEval))
}

// refuse answers a stranger's request, and counts it.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, peer Peer, why *refusal) {
	now := time.Now()
	s.tell(Refusal{Peer: peer, Method: clip(r.Method), Path: clip(r.URL.Path), Status: why.status, Message: why.failure.Message}, now)
	if s.failures.tooMany(peer, now) {
		why = refuse(http.StatusTooManyRequests, kindOverloaded, "overloaded: too many refused requests")
	}
	reject(w, r, why)
}

// tell puts a refusal on record, as far as there is room.
func (s *Server) tell(it Refusal, now time.Time) {
	var told bool
	if it.Count, told, it.Last = s.refusals.count(it.Peer, now); !told {
		return
	}
	more := ""
	if it.Count > 1 {
		more = fmt.Sprintf(" (number %d of it in this hour)", it.Count)
	}
	if it.Last {
		more += "; what else is refused in this hour is not told"
	}
	what := "no request"
	if it.Method != "" {
		what = fmt.Sprintf("%s %q", it.Method, it.Path)
	}
	s.o.Log("refused %s: %s: %d %s%s", it.Peer, what, it.Status, it.Message, more)
	if s.o.Refused != nil {
		s.o.Refused(it)
	}
}

// longBody is the length of a body from which on net/http does not read it to its end for the handler, in bytes.
const longBody = 256 << 10

// reject answers a request that goes no further, and ends its connection: nothing more of it is worth reading.
func reject(w http.ResponseWriter, r *http.Request, why *refusal) {
	if r.ContentLength > longBody {
		// Of a body with this much to come net/http reads nothing more, and a client that still sends would be reset before
		// it has read the answer. Over a limit, net/http first ends its own half and waits.
		_, _ = http.MaxBytesReader(w, r.Body, 0).Read(make([]byte, 1))
	}
	h := w.Header()
	h.Set("Connection", "close")
	switch why.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		h.Set("Allow", methodFor(r.URL.Path))
	case http.StatusTooManyRequests:
		h.Set("Retry-After", "1")
	}
	send(w, why.status, Reply{Error: why.failure})
}

// barrier keeps a panic from ending the daemon. The client learns a number that the log explains.
func (s *Server) barrier(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v) // net/http's own way to cut a connection, quietly
	}
	failure := s.panicked(v, r.URL.Path)
	send(w, StatusOf(failure.Kind), Reply{Error: failure})
}

func (s *Server) panicked(v any, doing string) *Failure {
	id := time.Now().UnixNano() % 1e9
	s.o.Log("panic %09d in %s: %v\n%s", id, doing, v, debug.Stack())
	return failf(kindFailed, "cannot answer: internal error %09d (the daemon's log has more)", id)
}

// deadline gives the client this long to take what is written from now on.
func (s *Server) deadline(w http.ResponseWriter, d time.Duration) {
	// The error is that of a connection that has gone; writing to it will say so.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d))
}

func (s *Server) serveHealth(w http.ResponseWriter, _ *http.Request, c *conn, _ Peer) {
	if c.begin(useOther) != begun {
		panic(http.ErrAbortHandler)
	}
	defer c.done()
	var health any = map[string]string{"state": "running"}
	if s.o.Health != nil {
		health = s.o.Health()
	}
	if err := json.NewEncoder(w).Encode(health); err != nil {
		s.o.Log("cannot answer %s: %v", pathHealth, err)
	}
}

func (s *Server) serveMetrics(w http.ResponseWriter, _ *http.Request, c *conn, _ Peer) {
	if c.begin(useOther) != begun {
		panic(http.ErrAbortHandler)
	}
	defer c.done()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	s.o.Metrics(w)
}

// failureOf is the failure of an evaluation that left none, though its context has ended.
func failureOf(ctx context.Context) *Failure {
	switch err := cmp.Or(context.Cause(ctx), ctx.Err()); {
	case errors.Is(err, context.DeadlineExceeded):
		return failf(kindTimeout, "cannot finish: the time limit has passed")
	case errors.Is(err, ErrShutdown):
		return failf(kindCancelled, "cancelled: %s", ErrShutdown)
	}
	return failf(kindCancelled, "cancelled: the client has gone")
}
