package repl

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what should come at once.
const patience = 10 * time.Second

// full tells whether the written figures are asked for; else a tenth will do.
func full(n int) int {
	if os.Getenv("SUPERVISORD_FULL") == "1" {
		return n
	}
	return max(n/10, 1)
}

// testToken is the token of every server of these tests.
const testToken = "0123456789abcdef0123456789abcdef0123456789a"

// host is a server under test, with a unix and a TCP listener.
type host struct {
	server *Server
	sock   string // path of its socket
	tcp    string // its TCP address
	mu     sync.Mutex
	evals  []Request // what reached Eval
	log    []string
}

func (h *host) seen() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Request(nil), h.evals...)
}

func (h *host) logged() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.log, "\n")
}

// echo is an Eval whose value is the form.
func echo(_ context.Context, req Request, _ io.Writer) Reply {
	text, _ := json.Marshal(req.Form)
	return Reply{Value: text, Text: req.Form}
}

// socketPath is a path short enough for a socket, in a folder of its own. A test that has no use for TCP instead is left out where
// there are no sockets.
func socketPath(t testing.TB) string {
	t.Helper()
	if !haveUnix {
		t.Skip("this system has no unix sockets")
	}
	dir, err := os.MkdirTemp("", "repl")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s.sock")
}

// serve starts a server whose every evaluation is recorded, and ends it with the test.
func serve(t testing.TB, o ServerOptions) *host {
	t.Helper()
	h := &host{}
	if haveUnix {
		h.sock = socketPath(t)
	} else { // TCP takes their place, with their limits
		l := &o.Limits
		l.TCPConns, l.TCPEvals, l.TCPStreams = cmp.Or(l.UnixConns, l.TCPConns), cmp.Or(l.UnixEvals, l.TCPEvals), cmp.Or(l.UnixStreams, l.TCPStreams)
	}
	eval := o.Eval
	if eval == nil {
		eval = echo
	}
	o.Eval = func(ctx context.Context, req Request, out io.Writer) Reply {
		h.mu.Lock()
		h.evals = append(h.evals, req)
		h.mu.Unlock()
		return eval(ctx, req, out)
	}
	o.Log = func(format string, args ...any) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.log = append(h.log, fmt.Sprintf(format, args...))
	}
	o.Token = HashToken(testToken)
	h.server = NewServer(o)
	var listeners []net.Listener
	if haveUnix {
		unix, err := ListenUnix(h.sock, ListenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, unix)
	}
	tcp, err := ListenTCP("127.0.0.1:0", TCPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h.tcp = tcp.Addr().String()
	listeners = append(listeners, tcp)
	ended := make(chan error, 2)
	for _, ln := range listeners {
		go func() { ended <- h.server.Serve(ln) }()
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.server.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		for range listeners {
			if err := <-ended; err != nil {
				t.Errorf("serve: %v", err)
			}
		}
	})
	return h
}

// local is the pool of the connections of this machine's users.
func (h *host) local() *pool {
	if !haveUnix {
		return h.server.tcp
	}
	return h.server.unix
}

// client talks over the unix socket.
func (h *host) client(t testing.TB) *Client {
	t.Helper()
	address, token := "unix:"+h.sock, ""
	if !haveUnix {
		address, token = h.tcp, testToken
	}
	c, err := NewClient(address, token)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// dial opens a bare connection; network is "unix" or "tcp".
func (h *host) dial(t testing.TB, network string) net.Conn {
	t.Helper()
	addr := h.sock
	instead := network == "unix" && !haveUnix
	if network == "tcp" || instead {
		network, addr = "tcp", h.tcp
	}
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if instead {
		c = admitted{c, h.tcp}
	}
	c.SetDeadline(time.Now().Add(patience))
	return c
}

// answer is what a server said to bytes sent to it.
type answer struct {
	status int
	header http.Header
	body   string
}

// raw sends bytes over a new connection and reads one response. Status 0: the connection ended without one.
func (h *host) raw(t testing.TB, network, text string) answer {
	t.Helper()
	c := h.dial(t, network)
	defer c.Close()
	// The server may answer and hang up before everything is sent.
	_, _ = io.WriteString(c, text)
	return readAnswer(t, c)
}

func readAnswer(t testing.TB, c net.Conn) answer {
	t.Helper()
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
			t.Fatal("no answer and no end")
		}
		return answer{}
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("the reply broke off: %v", err)
	}
	return answer{r.StatusCode, r.Header, string(body)}
}

// post is the text of a request for an evaluation, with these headers after those that it needs.
func post(host, body string, headers ...string) string {
	return fmt.Sprintf("POST /v1/eval HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s",
		host, len(body), lines(headers), body)
}

func lines(headers []string) string {
	var b strings.Builder
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	return b.String()
}

const bearer = "Authorization: Bearer " + testToken

// kindOf is the kind of the error in a reply's text.
func kindOf(t testing.TB, body string) string {
	t.Helper()
	var r Reply
	if err := json.Unmarshal([]byte(body), &r); err != nil || r.Error == nil {
		t.Fatalf("no error reply: %q (%v)", body, err)
	}
	return r.Error.Kind
}

// await waits for ch.
func await[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("%s: nothing after %s", what, patience)
		panic("unreachable")
	}
}

// haveUnix: this system has unix sockets. Wine has not; there TCP takes their place, with the token.
var haveUnix = func() bool {
	ln, err := net.Listen("unix", filepath.Join(os.TempDir(), fmt.Sprintf("probe-%d.sock", os.Getpid())))
	if err != nil {
		return false
	}
	return ln.Close() == nil
}()

// CloseWrite tells the server that nothing more will come.
func (a admitted) CloseWrite() error { return a.Conn.(*net.TCPConn).CloseWrite() }

// admitted is a TCP connection on which requests meant for a unix socket are admitted: it names the host and shows the token.
type admitted struct {
	net.Conn
	host string
}

var hostLine = regexp.MustCompile(`(?m)^Host: .*\n`)

func (a admitted) Write(text []byte) (int, error) {
	more := []byte("Host: " + a.host + "\r\n")
	if !bytes.Contains(text, []byte("Authorization:")) {
		more = append(more, bearer+"\r\n"...)
	}
	if _, err := a.Conn.Write(hostLine.ReplaceAllLiteral(text, more)); err != nil {
		return 0, err
	}
	return len(text), nil
}
