package repl

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/qjpcpu/supervisord/lisp"
)

// reused is an HTTP client of a unix socket that keeps its connection, so that two servers are compared and not two
// ways to connect.
func reused(sock string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", sock)
	}}}
}

func ask(b *testing.B, c *http.Client, body []byte, accept string) {
	r, err := http.NewRequest(http.MethodPost, "http://localhost"+pathEval, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	response, err := c.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != 200 {
		b.Fatal(response.StatusCode, err)
	}
	response.Body.Close()
}

// BenchmarkTinyRequest is one form that does nothing, over a unix socket: plain is a bare net/http server that decodes
// and encodes the same by encoding/json; buffered and streamed are ours; evaluated is buffered with the language behind it,
// which reads, compiles and evaluates (+ 1 2) in an environment of its own; fresh is Client, which connects anew each time
// as the command line does.
func BenchmarkTinyRequest(b *testing.B) {
	body := []byte(`{"form":"(status)"}`)
	b.Run("plain", func(b *testing.B) {
		sock := socketPath(b)
		ln, err := net.Listen("unix", sock)
		if err != nil {
			b.Fatal(err)
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var req struct{ Form string }
			if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
				b.Error(err)
			}
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(map[string]string{"value": req.Form, "text": req.Form, "output": ""}); err != nil {
				b.Error(err)
			}
		})}
		go srv.Serve(ln)
		defer srv.Close()
		c := reused(sock)
		defer c.CloseIdleConnections()
		for b.Loop() {
			ask(b, c, body, "")
		}
	})
	h := serve(b, ServerOptions{Eval: func(context.Context, Request, io.Writer) Reply { return Reply{Text: "nil"} }})
	for name, accept := range map[string]string{"buffered": "", "streamed": ndjson} {
		b.Run(name, func(b *testing.B) {
			c := reused(h.sock)
			defer c.CloseIdleConnections()
			for b.Loop() {
				ask(b, c, body, accept)
			}
		})
	}
	b.Run("evaluated", func(b *testing.B) {
		base := lisp.NewBase()
		h := serve(b, ServerOptions{Eval: func(ctx context.Context, r Request, out io.Writer) Reply {
			v, err := lisp.NewThread(ctx, out, lisp.Budget{Steps: 1_000_000, Depth: 1000, Bytes: 1 << 20}).Eval(base.Child(), "form", r.Form)
			if err != nil || lisp.Print(v) != "3" {
				b.Error(lisp.Print(v), err)
			}
			return Reply{Value: json.RawMessage(lisp.Print(v)), Text: lisp.Print(v)}
		}})
		c := reused(h.sock)
		defer c.CloseIdleConnections()
		for b.Loop() {
			ask(b, c, []byte(`{"form":"(+ 1 2)"}`), "")
		}
	})
	b.Run("fresh", func(b *testing.B) {
		c := h.client(b)
		for b.Loop() {
			if _, err := c.Eval(b.Context(), Request{Form: "(status)"}, io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkLargeReply is a value as large as the status of 1000 processes.
func BenchmarkLargeReply(b *testing.B) {
	row := `{"name":"web-0001","state":"running","want":true,"pid":12345,"uptime":3600.5,"started_at":"2026-01-01T00:00:00Z","restarts":0,"reason":"","origin":"file"}`
	value := json.RawMessage("[" + strings.Repeat(row+",", 999) + row + "]")
	h := serve(b, ServerOptions{Eval: func(context.Context, Request, io.Writer) Reply {
		return Reply{Value: value, Text: strings.Repeat(row, 1000)}
	}})
	c := h.client(b)
	b.SetBytes(int64(2 * len(value)))
	for b.Loop() {
		if _, err := c.Eval(b.Context(), Request{Form: "(status)"}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStreamedLines is what a program pays for a line of output.
func BenchmarkStreamedLines(b *testing.B) {
	h := serve(b, ServerOptions{Eval: func(_ context.Context, _ Request, out io.Writer) Reply {
		line := []byte(strings.Repeat("x", 79) + "\n")
		for b.Loop() {
			if _, err := out.Write(line); err != nil {
				b.Error(err)
				break
			}
		}
		return Reply{}
	}})
	if _, err := h.client(b).Eval(b.Context(), Request{Form: "x"}, io.Discard); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(80)
}
