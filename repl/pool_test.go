package repl

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"
)

func gosched() { runtime.Gosched() }

// census counts connections.
func (p *pool) census() (idle, used int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.idle.Len(), p.evals + p.streams + p.others
}

// alive tells whether a connection is still open, by asking it for its health.
func alive(c net.Conn, host string) bool {
	c.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(c, "GET /v1/health HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n", host, bearer); err != nil {
		return false
	}
	var status int
	n, _ := fmt.Fscanf(c, "HTTP/1.1 %d", &status)
	return n == 1 && status == 200
}

// TestLongestIdleConnectionsMakeRoom opens many more than are allowed: the new ones are served, the oldest are closed.
func TestLongestIdleConnectionsMakeRoom(t *testing.T) {
	total, keep := full(2000), 16
	for _, network := range []string{"unix", "tcp"} {
		t.Run(network, func(t *testing.T) {
			h := serve(t, ServerOptions{Limits: Limits{UnixConns: keep, TCPConns: keep, Chance: 1}})
			var conns []net.Conn
			for i := range total {
				c := h.dial(t, network)
				conns = append(conns, c)
				switch i % 3 {
				case 1: // says a little
					io.WriteString(c, "POST /v1/ev")
				case 2: // stops within its body
					io.WriteString(c, "POST /v1/eval HTTP/1.1\r\nHost: "+h.tcp+"\r\nContent-Type: application/json\r\n"+bearer+"\r\nContent-Length: 50\r\n\r\n{")
				}
				if i%100 == 99 {
					began := time.Now()
					if got := h.raw(t, network, post(h.tcp, form, bearer)); got.status != 200 {
						t.Fatalf("after %d connections: %d", i+1, got.status)
					}
					if took := time.Since(began); took > time.Second {
						t.Errorf("after %d connections an answer takes %s", i+1, took)
					}
				}
			}
			// The newest connection was never in danger.
			fresh := h.dial(t, network)
			if !alive(fresh, h.tcp) {
				t.Error("a new connection is not served")
			}
			for _, c := range conns[:total-keep] {
				c.SetReadDeadline(time.Now().Add(patience))
				if _, err := io.Copy(io.Discard, c); err != nil {
					if ne, ok := err.(net.Error); ok && ne.Timeout() {
						t.Fatal("an old connection is still open")
					}
				}
			}
			p := h.server.unix
			if network == "tcp" {
				p = h.server.tcp
			}
			if idle, used := p.census(); idle+used > keep {
				t.Errorf("%d idle and %d used connections, at most %d are allowed", idle, used, keep)
			}
		})
	}
}

// TestUseKeepsAConnectionYoung: what counts is the time since the last request, not that since connecting.
func TestUseKeepsAConnectionYoung(t *testing.T) {
	h := serve(t, ServerOptions{Limits: Limits{UnixConns: 3, Chance: 1}})
	old := h.dial(t, "unix")
	second := h.dial(t, "unix")
	third := h.dial(t, "unix")
	for _, c := range []net.Conn{old, second, third, old} {
		if !alive(c, "x") {
			t.Fatal("not served")
		}
		drainAnswer(t, c, h)
	}
	h.raw(t, "unix", post("x", form)) // second is idle for longest now
	if !alive(old, "x") {
		t.Error("the connection used last was closed")
	}
	if alive(second, "x") {
		t.Error("the connection idle for longest was kept")
	}
}

// drainAnswer reads what alive left, up to the end of the body {"state":"running"}, and waits for the server to see the
// connection idle.
func drainAnswer(t *testing.T, c net.Conn, h *host) {
	t.Helper()
	for b := make([]byte, 1); b[0] != '}'; {
		if _, err := c.Read(b); err != nil {
			t.Fatal(err)
		}
	}
	io.CopyN(io.Discard, c, 1)
	for began := time.Now(); ; gosched() {
		if _, used := h.local().census(); used == 0 {
			return
		}
		if time.Since(began) > patience {
			t.Fatal("the connection does not become idle")
		}
	}
}

func TestSlowClientsAreCutOffAndDelayNobody(t *testing.T) {
	n := full(200)
	h := serve(t, ServerOptions{Limits: Limits{ReadHeader: time.Second, Read: time.Second}})
	var all sync.WaitGroup
	for range n {
		c := h.dial(t, "unix")
		all.Go(func() {
			for _, b := range []byte("POST /v1/eval HTTP/1.1\r\nHost: x\r\nX-Slow: ........................................") {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
			}
			io.Copy(io.Discard, c) // until the server hangs up
		})
	}
	best := patience
	for range 10 { // a busy machine may take its time once
		began := time.Now()
		if got := h.raw(t, "unix", post("x", form)); got.status != 200 {
			t.Fatalf("among %d slow clients: %d", n, got.status)
		}
		if best = min(best, time.Since(began)); best <= 100*time.Millisecond {
			break
		}
	}
	if best > 100*time.Millisecond {
		t.Errorf("among %d slow clients an answer takes %s", n, best)
	}
	ended := make(chan struct{})
	go func() {
		all.Wait()
		close(ended)
	}()
	await(t, "the end of the slow ones", ended)
}

// TestFollowersDoNotCount holds more streams than there may be connections and evaluations.
func TestFollowersDoNotCount(t *testing.T) {
	s := newStepper()
	h := serve(t, ServerOptions{
		Limits: Limits{UnixConns: 2, UnixEvals: 1, UnixStreams: 10},
		Eval: func(ctx context.Context, req Request, out io.Writer) Reply {
			if req.Streamed {
				return s.eval(ctx, req, out)
			}
			return echo(ctx, req, out)
		},
	})
	for range 10 {
		c := h.dial(t, "unix")
		io.WriteString(c, post("x", form, "Accept: "+ndjson))
		await(t, "the follower", s.begun)
	}
	for range 20 {
		if got := h.raw(t, "unix", post("x", form)); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.body)
		}
	}
	got := h.raw(t, "unix", post("x", form, "Accept: "+ndjson))
	if got.status != 429 || kindOf(t, got.body) != kindOverloaded || got.header.Get("Retry-After") == "" {
		t.Errorf("one more follower: %d %s", got.status, got.body)
	}
	if _, used := h.local().census(); used < 10 {
		t.Errorf("%d followers are left", used)
	}
}

func TestTooManyEvaluationsAreRefusedAndTheNextIsNot(t *testing.T) {
	s := newStepper()
	h := serve(t, ServerOptions{Limits: Limits{UnixEvals: 2}, Eval: s.eval})
	c1, c2 := h.dial(t, "unix"), h.dial(t, "unix")
	for _, c := range []net.Conn{c1, c2} {
		io.WriteString(c, post("x", form))
		await(t, "the evaluation", s.begun)
	}
	if got := h.raw(t, "unix", post("x", form)); got.status != 429 {
		t.Errorf("got %d", got.status)
	}
	begun := []net.Conn{c1, c2}
	if haveUnix { // TCP clients have their own
		c3 := h.dial(t, "tcp")
		io.WriteString(c3, post(h.tcp, form, bearer))
		await(t, "the evaluation", s.begun)
		begun = append(begun, c3)
	}
	for range begun {
		s.say <- ""
	}
	for _, c := range begun {
		if got := readAnswer(t, c); got.status != 200 {
			t.Errorf("got %d", got.status)
		}
	}
	c4 := h.dial(t, "unix")
	io.WriteString(c4, post("x", form))
	await(t, "the evaluation", s.begun)
	s.say <- ""
	if got := readAnswer(t, c4); got.status != 200 {
		t.Errorf("got %d", got.status)
	}
}

func TestIdleConnectionIsClosed(t *testing.T) {
	h := serve(t, ServerOptions{Limits: Limits{Idle: 20 * time.Millisecond}})
	c := h.dial(t, "unix")
	if !alive(c, "x") {
		t.Fatal("not served")
	}
	if _, err := io.Copy(io.Discard, c); err != nil {
		t.Errorf("got %v, want the end", err)
	}
}

// TestReplyOnItsWayOutIsNotCutOff: between a handler's end and http's flush a connection is not idle.
func TestReplyOnItsWayOutIsNotCutOff(t *testing.T) {
	p := newPool(1, time.Second, 1, 1, nil)
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	c := p.add(a)
	if got := c.begin(useEval); got != begun {
		t.Fatal(got)
	}
	c.done()
	if idle, used := p.census(); idle != 0 || used != 1 {
		t.Errorf("%d idle, %d used", idle, used)
	}
	p.drain()
	if p.evict() {
		t.Error("it was closed to make room")
	}
	go c.Write([]byte("reply"))
	if _, err := io.ReadFull(b, make([]byte, 5)); err != nil {
		t.Errorf("the reply is cut off: %v", err)
	}
	c.settled()
	if idle, used := p.census(); idle != 1 || used != 0 {
		t.Errorf("%d idle, %d used", idle, used)
	}
	c.Close()
	if idle, used := p.census(); idle+used != 0 {
		t.Errorf("%d idle, %d used after the end", idle, used)
	}
}
