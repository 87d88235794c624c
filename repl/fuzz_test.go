package repl

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// FuzzConnection: whatever bytes come in, nothing is evaluated by a stranger, what is answered is HTTP, and the next one is served.
func FuzzConnection(f *testing.F) {
	for _, text := range []string{"", "GET / HTTP/1.1\r\n\r\n", post("127.0.0.1:1", form), post("x", form, bearer[:len(bearer)-1]), "POST /v1/eval HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n" + form,
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01", "OPTIONS * HTTP/1.0\r\n\r\n", "GET /v1/health HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n", strings.Repeat("A: b\r\n", 100)} {
		f.Add([]byte(text))
	}
	h := serve(f, ServerOptions{Limits: Limits{Failures: -1, ReadHeader: 100 * time.Millisecond, Read: 100 * time.Millisecond}})
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Contains(text, []byte(testToken)) {
			t.Skip("this is no stranger")
		}
		c, err := net.Dial("tcp", h.tcp)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		// The server may hang up in the middle.
		_, _ = c.Write(text)
		_ = c.(*net.TCPConn).CloseWrite()
		answer, _ := io.ReadAll(c)
		if len(answer) > 0 && (!bytes.HasPrefix(answer, []byte("HTTP/1.")) || bytes.Contains(answer, []byte(" 200 "))) {
			t.Errorf("%q is answered by %q", text, answer)
		}
		if seen := h.seen(); len(seen) > 0 {
			t.Fatalf("%q was evaluated: %+v", text, seen)
		}
		if log := h.logged(); strings.Contains(log, "panic") {
			t.Fatalf("%q: %s", text, log)
		}
	})
}
