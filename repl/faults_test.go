package repl

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestD05NothingIsSmuggled: where two readers of HTTP might disagree about where a request ends, there is one request at most
// and the connection ends with it. (No proxy belongs between a client and this server, but somebody will put one there.)
func TestD05NothingIsSmuggled(t *testing.T) {
	hidden := post("x", `{"form":"(smuggled)"}`)
	head := "POST /v1/eval HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(form), form)
	for name, text := range map[string]string{
		"length and chunks":           head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + "0\r\n\r\n" + hidden,
		"chunks and length":           head + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + chunk + "0\r\n\r\n" + hidden,
		"length of everything":        head + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n", len(hidden)+5) + "0\r\n\r\n" + hidden,
		"chunks in capitals":          head + "Transfer-Encoding: CHUNKED\r\n\r\n" + chunk + "0\r\n\r\n" + hidden,
		"chunks twice":                head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + "0\r\n\r\n" + hidden,
		"chunks after a tab":          head + "Transfer-Encoding:\tchunked\r\n\r\n" + chunk + "0\r\n\r\n" + hidden,
		"chunk extension":             head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Replace(chunk, "\r\n", ";x=\"\r\n", 1) + "0\r\n\r\n" + hidden,
		"trailer":                     head + "Transfer-Encoding: chunked\r\n\r\n" + chunk + "0\r\nContent-Length: 0\r\nHost: y\r\n\r\n" + hidden,
		"two lengths":                 head + "Content-Length: 19\r\nContent-Length: 0\r\n\r\n" + form + hidden,
		"length with a plus":          head + "Content-Length: +19\r\n\r\n" + form + hidden,
		"length and space":            head + "Content-Length : 19\r\n\r\n" + form + hidden,
		"bare line feed in a chunk":   head + "Transfer-Encoding: chunked\r\n\r\n" + strings.ReplaceAll(chunk, "\r\n", "\n") + "0\n\n" + hidden,
		"carriage return in a header": head + "X: a\rTransfer-Encoding: chunked\r\n\r\n" + hidden,
		"refused, with a body":        strings.Replace(head, "/v1/eval", "/v1/evil", 1) + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hidden)) + hidden,
		"refused, without its body":   strings.Replace(head, "json", "xml", 1) + "\r\n" + hidden,
	} {
		t.Run(name, func(t *testing.T) {
			h := serve(t, ServerOptions{Limits: unlimited})
			c := h.dial(t, "unix")
			io.WriteString(c, text)
			c.(interface{ CloseWrite() error }).CloseWrite()
			all, _ := io.ReadAll(c)
			for _, r := range h.seen() {
				if strings.Contains(r.Form, "smuggled") {
					t.Errorf("the hidden request was evaluated; answers: %s", all)
				}
			}
			if n := strings.Count(string(all), "HTTP/1.1 "); n > 1 {
				t.Errorf("%d answers: %s", n, all)
			}
		})
	}
	// A line feed alone may end a line of a header, and a folded line counts as joined (RFC 9112, 2.2 and 5.2): both requests of such
	// a connection are seen, and are what they say.
	header, body, _ := strings.Cut(post("x", form), "\r\n\r\n")
	for name, text := range map[string]string{
		"bare line feeds": strings.ReplaceAll(header, "\r\n", "\n") + "\n\n" + body,
		"folded line":     strings.Replace(header, "Content-Length: ", "Content-Length:\r\n ", 1) + "\r\n\r\n" + body,
	} {
		h := serve(t, ServerOptions{})
		c := h.dial(t, "unix")
		io.WriteString(c, text+post("x", `{"form":"(second)"}`, "Connection: close"))
		all, err := io.ReadAll(c)
		if seen := h.seen(); err != nil || len(seen) != 2 || seen[0].Form != "(status)" || seen[1].Form != "(second)" {
			t.Errorf("%s: %+v %s %v", name, seen, all, err)
		}
	}
}

// TestD18VersionsThatDiffer: an older client and a newer daemon, and the reverse, understand each other or say clearly that they
// do not.
func TestD18VersionsThatDiffer(t *testing.T) {
	ask := func(answer http.HandlerFunc) (Reply, string, error) {
		t.Helper()
		path := socketPath(t)
		ln, err := ListenUnix(path, ListenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: answer}
		go srv.Serve(ln)
		defer srv.Close()
		c, err := NewClient("unix:"+path, "")
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		reply, err := c.Eval(t.Context(), Request{Form: "(status)"}, &out)
		return reply, out.String(), err
	}
	reply, out, err := ask(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ndjson)
		io.WriteString(w, `{"progress":{"left":3}}`+"\n"+`{"output":"hello","colour":"red"}`+"\n"+`{"value":[1],"text":"[1]","output":"","took":"3ms"}`+"\n")
	})
	if err != nil || reply.Text != "[1]" || out != "hello" {
		t.Errorf("a newer daemon's stream: %+v %q %v", reply, out, err)
	}
	reply, _, err = ask(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, `{"error":{"kind":"brand-new","message":"cannot brew","hint":"water"}}`)
	})
	if err != nil || reply.Error == nil || reply.Error.Message != "cannot brew" || ExitCode(reply.Error.Kind) != 1 {
		t.Errorf("a kind that is not known yet: %+v %v", reply, err)
	}
	// An older daemon has no such route, or does not know a key: its own words reach the person.
	reply, _, err = ask(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"error":{"kind":"not-found","message":"cannot find /v1/eval: the way in is POST /v0/eval"}}`)
	})
	if err != nil || reply.Error == nil || !strings.Contains(reply.Error.Message, "/v0/eval") {
		t.Errorf("an older daemon: %+v %v", reply, err)
	}
	h := serve(t, ServerOptions{})
	got := h.raw(t, "unix", post("x", `{"form":"(status)","deadline":"soon"}`))
	if got.status != 400 || kindOf(t, got.body) != kindInvalid || !strings.Contains(got.body, `unknown key \"deadline\" (known: form,`) {
		t.Errorf("a newer client's key: %d %s", got.status, got.body)
	}
	for _, path := range []string{"/v2/eval", "/v0/eval", "/RPC2"} {
		got := h.raw(t, "unix", strings.Replace(post("x", form), "/v1/eval", path, 1))
		if got.status != 404 || !strings.Contains(got.body, "POST /v1/eval") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if _, _, err := ask(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "Supervisor", http.StatusNotImplemented) }); err == nil || !strings.Contains(err.Error(), "no supervisord") {
		t.Errorf("somebody else's daemon: %v", err)
	}
}
