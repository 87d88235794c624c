package repl

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// TestWhatIsNoRequestIsTold: what net/http answers before any handler is called is told as other refusals are, once, with who
// sent it, before the answer is out; a request in order, however often and however it is sent, is not.
func TestWhatIsNoRequestIsTold(t *testing.T) {
	var told record
	h := serve(t, ServerOptions{Refused: told.add})
	head := "POST /v1/eval HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	good := func(network string) string {
		if network == "tcp" {
			return post(h.tcp, form, bearer)
		}
		return post("x", form)
	}
	for _, network := range []string{"unix", "tcp"} {
		if network == "unix" && !haveUnix {
			continue
		}
		for name, c := range map[string]struct {
			text   string
			status int
		}{
			"garbage":                {"\x00\xff{}\r\n\r\n", 400},
			"no host":                {"POST /v1/eval HTTP/1.1\r\n\r\n", 400},
			"no colon":               {head + "canary\r\n\r\n", 400},
			"header too long":        {head + "X: " + strings.Repeat("canary", 64<<10) + "\r\n\r\n", 431},
			"version 9":              {"POST /v1/eval HTTP/9.1\r\nHost: x\r\n\r\n", 505},
			"coding":                 {head + "Transfer-Encoding: canary\r\n\r\n", 501},
			"expectation":            {head + "Expect: canary\r\nContent-Length: 0\r\n\r\n", 417},
			"behind a good one":      {good(network) + "\x00canary\r\n\r\n", 400},
			"no end":                 {"POST /v1/ev", 400},
			"behind many good ones":  {strings.Repeat(good(network), 5) + "GET canary\r\n\r\n", 400},
			"TLS where there is not": {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
		} {
			told.clear()
			forget(h.server)
			all := h.everything(t, network, c.text)
			got := told.all()
			if len(got) != 1 || got[0].Status != c.status || got[0].Method != "" || got[0].Peer.Transport != network {
				t.Errorf("%s at %s: told %+v, want %d once\n%s", name, network, got, c.status, all)
			}
		}
	}
	if log := h.logged(); strings.Contains(log, "canary") || !strings.Contains(log, "no request: 431 cannot read this request: Request Header Fields Too Large") {
		t.Errorf("the log:\n%s", log)
	}
	told.clear()
	for _, text := range []string{
		"", // who only looked in
		good("tcp"), strings.Repeat(good("tcp"), 20),
		strings.Replace(good("tcp"), "Content-Type", "Expect: 100-continue\r\nContent-Type", 1),
	} {
		c := h.dial(t, "tcp").(*net.TCPConn)
		_, _ = io.WriteString(c, text)
		_ = c.CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}
	if got := told.all(); len(got) > 0 {
		t.Errorf("told of what was in order: %+v", got)
	}
}

// TestWhatIsNoRequestIsToldUnderTLS: as without; a handshake, a good request and a polite end are nothing to tell of.
func TestWhatIsNoRequestIsToldUnderTLS(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		var told record
		pair, pool := certificate(t)
		ln, err := ListenTCP("127.0.0.1:0", TCPOptions{TLS: &tls.Config{Certificates: []tls.Certificate{pair}}})
		if err != nil {
			t.Fatal(err)
		}
		s := NewServer(ServerOptions{Eval: echo, Token: HashToken(testToken), Refused: told.add})
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ln) }()
		address := ln.Addr().String()
		good := post(address, form, bearer)
		for _, c := range []struct {
			text string
			want int
		}{
			{good, 0}, {strings.Repeat(good, 5), 0}, {"", 0},
			{"canary\r\n\r\n", 1}, {good + "canary\r\n\r\n", 1}, {"GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", 1},
		} {
			told.clear()
			forget(s)
			bare, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			line := tls.Client(bare, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", MinVersion: version, MaxVersion: version})
			_, _ = io.WriteString(line, c.text)
			if c.want == 0 { // else the server hangs up
				_ = line.CloseWrite()
			}
			_, _ = io.Copy(io.Discard, line)
			line.Close()
			if got := told.all(); len(got) != c.want {
				t.Errorf("TLS %x, %.30q: told %+v, want %d", version, c.text, got, c.want)
			}
		}
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// record is the refusals that a server told of.
type record struct {
	mu   sync.Mutex
	list []Refusal
}

func (r *record) add(one Refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, one)
}

func (r *record) all() []Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.list
}

func (r *record) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = nil
}

// forget lets the next refusal be the first of its peer in its hour.
func forget(s *Server) {
	s.refusals.mu.Lock()
	defer s.refusals.mu.Unlock()
	s.refusals.counts = nil
}

// everything is all that a server says to bytes sent to it, until it hangs up.
func (h *host) everything(t *testing.T, network, text string) string {
	t.Helper()
	c := h.dial(t, network)
	defer c.Close()
	_, _ = io.WriteString(c, text)
	if half, ok := c.(interface{ CloseWrite() error }); ok && !strings.Contains(text, "\r\n\r\n") {
		_ = half.CloseWrite()
	}
	all, _ := io.ReadAll(c)
	return string(all)
}
