package repl

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestEvaluatorIsToldWhatWasAskedAndByWhom(t *testing.T) {
	h := serve(t, ServerOptions{})
	body := `{"form":"(f)","name":"n","session":"s","argv":["a","b"],"stdin":"in","timeout":"1m"}`
	for _, network := range []string{"unix", "tcp"} {
		if got := h.raw(t, network, post(h.tcp, body, bearer)); got.status != 200 || got.body != `{"value":"(f)","text":"(f)","output":""}` {
			t.Errorf("%s: %d %s", network, got.status, got.body)
		}
	}
	seen := h.seen()
	for _, r := range seen {
		if r.Form != "(f)" || r.Name != "n" || r.Session != "s" || strings.Join(r.Argv, " ") != "a b" || r.Stdin != "in" || r.Timeout != time.Minute || r.Streamed {
			t.Errorf("got %+v", r)
		}
	}
	wantPID, wantText := os.Getpid(), fmt.Sprintf("uid %d pid %d", os.Getuid(), os.Getpid())
	if runtime.GOOS == "windows" { // which has no numbers of users, and whose sockets are not asked
		wantPID, wantText = 0, "unix socket"
	}
	if p := seen[0].Peer; haveUnix && (p.Transport != transportUnix || p.UID != os.Getuid() || p.PID != wantPID || p.String() != wantText) {
		t.Errorf("unix peer: %+v %s", p, p)
	}
	if p := seen[1].Peer; p.Transport != "tcp" || !strings.HasPrefix(p.String(), "tcp 127.0.0.1:") {
		t.Errorf("tcp peer: %+v %s", p, p)
	}
}

func TestFailuresCarryTheirStatus(t *testing.T) {
	h := serve(t, ServerOptions{Eval: func(_ context.Context, req Request, _ io.Writer) Reply {
		return Reply{Error: &Failure{Kind: req.Form, Message: "cannot"}}
	}})
	for _, k := range append(Kinds(), "odd") {
		got := h.raw(t, "unix", post("x", fmt.Sprintf(`{"form":%q}`, k)))
		if got.status != StatusOf(k) || kindOf(t, got.body) != k {
			t.Errorf("%s: %d %s", k, got.status, got.body)
		}
	}
}

// TestRepliesAreWholeAndTheirOwn: replies are put together in memory that others used before, and their length is said first.
func TestRepliesAreWholeAndTheirOwn(t *testing.T) {
	h := serve(t, ServerOptions{})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range full(300) {
				form := strings.Repeat(fmt.Sprint(i, ".", j, " "), 1+(i*j)%4000)
				got := h.raw(t, "unix", post("localhost", fmt.Sprintf(`{"form":%q}`, form)))
				if want := fmt.Sprintf(`{"value":%q,"text":%q,"output":""}`, form, form); got.body != want || got.header.Get("Content-Length") != fmt.Sprint(len(want)) {
					t.Errorf("%d bytes said to be %s, want %d of %.20q", len(got.body), got.header.Get("Content-Length"), len(want), form)
				}
			}
		})
	}
	all.Wait()
}

func TestBadRequestsAreAnsweredByKind(t *testing.T) {
	h := serve(t, ServerOptions{Limits: Limits{Form: 100, Body: 1000}})
	for body, want := range map[string]string{
		`{"form":1}`: kindInvalid,
		``:           kindInvalid,
		`{"form":"` + strings.Repeat("x", 101) + `"}`:                         kindTooLarge,
		`{"form":"","stdin":"` + strings.Repeat("x", 1000) + `"}`:             kindTooLarge,
		`{"form":"` + strings.Repeat("x", 99) + `"}` + strings.Repeat(" ", 9): "",
	} {
		got := h.raw(t, "unix", post("x", body))
		if want == "" {
			if got.status != 200 {
				t.Errorf("%.40s: %d %s", body, got.status, got.body)
			}
			continue
		}
		if got.status != StatusOf(want) || kindOf(t, got.body) != want {
			t.Errorf("%.40s: %d %s", body, got.status, got.body)
		}
	}
}

func TestHealthTellsWhatItIsGiven(t *testing.T) {
	h := serve(t, ServerOptions{Health: func() any { return map[string]string{"version": "1.2"} }})
	got, err := h.client(t).Health(t.Context())
	if err != nil || strings.TrimSpace(string(got)) != `{"version":"1.2"}` {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestTimeLimitEndsAnEvaluation(t *testing.T) {
	causes := make(chan error, 2)
	h := serve(t, ServerOptions{Eval: func(ctx context.Context, _ Request, _ io.Writer) Reply {
		<-ctx.Done()
		causes <- ctx.Err()
		return Reply{}
	}})
	for _, out := range []io.Writer{nil, io.Discard} {
		reply, err := h.client(t).Eval(t.Context(), Request{Form: "x", Timeout: time.Millisecond}, out)
		if err != nil || reply.Error == nil || reply.Error.Kind != kindTimeout {
			t.Errorf("got %+v, %v", reply, err)
		}
		if cause := await(t, "the end", causes); cause != context.DeadlineExceeded {
			t.Errorf("ctx ended by %v", cause)
		}
	}
}

// TestClientThatLeavesEndsItsEvaluation holds for all ways to leave, within 100 ms.
func TestClientThatLeavesEndsItsEvaluation(t *testing.T) {
	began, ended := make(chan struct{}, 1), make(chan time.Time, 1)
	h := serve(t, ServerOptions{Eval: func(ctx context.Context, _ Request, _ io.Writer) Reply {
		began <- struct{}{}
		<-ctx.Done()
		ended <- time.Now()
		return Reply{}
	}})
	for _, network := range []string{"unix", "tcp"} {
		for _, accept := range []string{"Accept: */*", "Accept: " + ndjson} {
			c := h.dial(t, network)
			io.WriteString(c, post(h.tcp, form, bearer, accept))
			await(t, "the evaluation", began)
			left := time.Now()
			c.Close()
			if took := await(t, "its end", ended).Sub(left); took > 100*time.Millisecond {
				t.Errorf("%s, %s: %s", network, accept, took)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-began
		cancel()
	}()
	if _, err := h.client(t).Eval(ctx, Request{Form: "x"}, io.Discard); err == nil || ctx.Err() == nil {
		t.Errorf("got %v", err)
	}
	await(t, "its end", ended)
}

// TestLongEvaluationOutlivesTheReadTimeout: the time limit is on receiving a request, not on answering it.
func TestLongEvaluationOutlivesTheReadTimeout(t *testing.T) {
	const limit = 50 * time.Millisecond
	h := serve(t, ServerOptions{
		Limits: Limits{ReadHeader: limit, Read: limit},
		Eval: func(ctx context.Context, _ Request, _ io.Writer) Reply {
			select {
			case <-ctx.Done():
				return Reply{}
			case <-time.After(4 * limit):
				return Reply{Text: "done"}
			}
		},
	})
	for _, out := range []io.Writer{nil, io.Discard} {
		reply, err := h.client(t).Eval(t.Context(), Request{Form: "x"}, out)
		if err != nil || reply.Text != "done" {
			t.Errorf("got %+v, %v", reply, err)
		}
	}
}

func TestBufferedOutputIsLimited(t *testing.T) {
	h := serve(t, ServerOptions{
		Limits: Limits{Output: 1000},
		Eval: func(_ context.Context, _ Request, out io.Writer) Reply {
			if _, err := io.WriteString(out, strings.Repeat("x", 999)); err != nil {
				return Reply{Error: failf(kindFailed, "too early: %s", err)}
			}
			_, err := io.WriteString(out, "yz")
			f, ok := err.(*Failure)
			if !ok {
				return Reply{Text: "no failure"}
			}
			return Reply{Error: f}
		},
	})
	reply, err := h.client(t).Eval(t.Context(), Request{Form: "x"}, nil)
	if err != nil || reply.Error == nil || reply.Error.Kind != kindBudget || len(reply.Output) != 1000 || !strings.HasSuffix(reply.Output, "xy") {
		t.Errorf("got %+v, %v", reply.Error, err)
	}
}

func TestPanicIsAnsweredAndSurvived(t *testing.T) {
	h := serve(t, ServerOptions{Eval: func(_ context.Context, req Request, out io.Writer) Reply {
		if req.Form == "boom" {
			panic("secret detail")
		}
		return Reply{}
	}, Health: func() any { panic("secret detail") }})
	for _, out := range []io.Writer{nil, io.Discard} {
		reply, err := h.client(t).Eval(t.Context(), Request{Form: "boom"}, out)
		if err != nil || reply.Error == nil || reply.Error.Kind != kindFailed {
			t.Fatalf("got %+v, %v", reply, err)
		}
		text := reply.Error.Message
		if strings.Contains(text, "secret") || strings.Contains(text, "goroutine") {
			t.Errorf("the client learns %q", text)
		}
		id := strings.Fields(text)[4]
		if !strings.Contains(h.logged(), id) || !strings.Contains(h.logged(), "secret detail") || !strings.Contains(h.logged(), "goroutine") {
			t.Errorf("the log does not explain %q: %s", id, h.logged())
		}
	}
	if got := h.raw(t, "unix", "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n"); got.status != 500 || strings.Contains(got.body, "secret") {
		t.Errorf("health: %d %s", got.status, got.body)
	}
	if reply, err := h.client(t).Eval(t.Context(), Request{Form: "fine"}, nil); err != nil || reply.Error != nil {
		t.Errorf("afterwards: %+v, %v", reply, err)
	}
}

func TestConnectionServesManyRequests(t *testing.T) {
	h := serve(t, ServerOptions{})
	c := h.dial(t, "unix")
	// Pipelined: answered one after the other.
	io.WriteString(c, post("x", `{"form":"1"}`)+post("x", `{"form":"2"}`)+"GET /v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	all, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(all), "HTTP/1.1 200 OK") != 3 || strings.Index(string(all), `"1"`) > strings.Index(string(all), `"2"`) {
		t.Errorf("got %s", all)
	}
}

// TestMalformedHTTPIsRefused sends what proxies and servers have disagreed about.
func TestMalformedHTTPIsRefused(t *testing.T) {
	h := serve(t, ServerOptions{Limits: Limits{Failures: -1, ReadHeader: 200 * time.Millisecond, Read: 200 * time.Millisecond}})
	head := "POST /v1/eval HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	for name, text := range map[string]string{
		"two lengths":            head + "Content-Length: 19\r\nContent-Length: 5\r\n\r\n" + form,
		"list of lengths":        head + "Content-Length: 19, 5\r\n\r\n" + form,
		"length and chunks":      head + "Content-Length: 5\r\nTransfer-Encoding: chunked, gzip\r\n\r\n5\r\n{\"for\r\n0\r\n\r\n",
		"gzip":                   head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"unknown coding":         head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"negative length":        head + "Content-Length: -1\r\n\r\n" + form,
		"plus length":            head + "Content-Length: +19\r\n\r\n" + form,
		"huge length":            head + "Content-Length: 99999999999999999999\r\n\r\n" + form,
		"bad chunk size":         head + "Transfer-Encoding: chunked\r\n\r\nZZ\r\n" + form + "\r\n0\r\n\r\n",
		"endless chunk size":     head + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
		"chunk without its end":  head + "Transfer-Encoding: chunked\r\n\r\n13\r\n" + form,
		"space before the colon": head + "Content-Length : 19\r\n\r\n" + form,
		"folded header":          head + " folded: x\r\n\r\n" + form,
		"no version":             "POST /v1/eval\r\n\r\n",
		"version 0.9":            "GET /v1/eval HTTP/0.9\r\nHost: x\r\n\r\n",
		"version 2":              "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"version 3":              "POST /v1/eval HTTP/3.0\r\nHost: x\r\n\r\n",
		"no colon":               head + "junk\r\n\r\n",
		"NUL in a header":        head + "X: a\x00b\r\n\r\n",
		"method with a blank":    " POST /v1/eval HTTP/1.1\r\nHost: x\r\n\r\n",
		"bad escape":             "POST /v1/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"TLS hello":              "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"JSON alone":             form + "\r\n\r\n",
		"header too long":        head + "X: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"too many headers":       head + strings.Repeat("A: b\r\n", 10_000) + "\r\n",
		"expectation":            head + "Expect: the-unexpected\r\nContent-Length: 0\r\n\r\n",
		"half a body":            head + "Content-Length: 100\r\n\r\n" + form,
		"nothing":                "",
	} {
		t.Run(name, func(t *testing.T) {
			got := h.raw(t, "unix", text)
			if got.status != 0 && (got.status < 400 || got.status > 505) {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
	if seen := h.seen(); len(seen) > 0 {
		t.Errorf("%d reached the evaluator", len(seen))
	}
	if got := h.raw(t, "unix", post("x", form)); got.status != 200 {
		t.Errorf("afterwards: %d", got.status)
	}
}

func TestChunkedBodyIsRead(t *testing.T) {
	h := serve(t, ServerOptions{})
	got := h.raw(t, "unix", "POST /v1/eval HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n"+form+"\r\n0\r\n\r\n")
	if got.status != 200 {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// TestHugeBodyIsCutOff sends a body without an end, and gets its answer all the same.
// TestLongBodiesTakeTurns: a few long bodies at a time are read, what is short is not held up by them, and each gets its turn.
func TestLongBodiesTakeTurns(t *testing.T) {
	if !haveUnix {
		t.Skip("the buffers of a TCP connection hide how much the server has read")
	}
	h := serve(t, ServerOptions{})
	held := make([]net.Conn, largeBodies)
	const most = 8 << 20
	head := fmt.Sprintf("POST /v1/eval HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", most)
	form := `{"form":"(status)"`
	for i := range held {
		held[i] = h.dial(t, "unix")
		defer held[i].Close()
		// All but the end: it is in the middle of its turn then, as the server cannot take so much without one.
		if _, err := io.WriteString(held[i], head+form+strings.Repeat(" ", most-len(form)-1)); err != nil {
			t.Fatal(err)
		}
	}
	late := h.dial(t, "unix")
	defer late.Close()
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(late, head+form+strings.Repeat(" ", most-len(form)-1)+"}")
		sent <- err
	}()
	if reply, err := h.client(t).Eval(t.Context(), Request{Form: "(short)"}, nil); err != nil || reply.Error != nil {
		t.Errorf("a short one beside them: %+v, %v", reply, err)
	}
	if n := len(h.server.large); n != largeBodies {
		t.Errorf("%d long bodies have their turn, want %d", n, largeBodies)
	}
	if _, err := io.WriteString(held[0], "}"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []net.Conn{held[0], late} {
		if got := readAnswer(t, c); got.status != 200 {
			t.Errorf("got %d %s", got.status, got.body)
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func TestHugeBodyIsCutOff(t *testing.T) {
	h := serve(t, ServerOptions{})
	for _, network := range []string{"unix", "tcp"} {
		for _, length := range []int64{100 << 20, -1} {
			body := &counting{left: 100 << 20}
			r, err := http.NewRequest(http.MethodPost, "http://"+h.tcp+"/v1/eval", body)
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = length
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+testToken)
			client := h.client(t)
			if network == "tcp" {
				var err error
				if client, err = NewClient(h.tcp, testToken); err != nil {
					t.Fatal(err)
				}
			}
			response, err := client.http.Do(r)
			if err != nil {
				t.Fatalf("%s, %d: %v", network, length, err)
			}
			var reply Reply
			if err := json.NewDecoder(response.Body).Decode(&reply); err != nil || response.StatusCode != 413 || reply.Error.Kind != kindTooLarge {
				t.Errorf("%s, %d: %d %+v %v", network, length, response.StatusCode, reply, err)
			}
			response.Body.Close()
		}
	}
	for _, header := range []string{"Authorization: Bearer no", "Origin: null"} {
		c := h.dial(t, "tcp")
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(c, post(h.tcp, strings.Repeat(" ", 4<<20), header, "Connection: close"))
			sent <- err
		}()
		if got := readAnswer(t, c); got.status != 401 && got.status != 403 {
			t.Errorf("%s: %d", header, got.status)
		}
		c.Close()
		<-sent
	}
	if len(h.seen()) > 0 {
		t.Error("one reached the evaluator")
	}
}

// counting is a body of blanks.
type counting struct{ left int64 }

func (c *counting) Read(p []byte) (int, error) {
	n := min(int64(len(p)), c.left)
	if n == 0 {
		return 0, io.EOF
	}
	for i := range p[:n] {
		p[i] = ' '
	}
	c.left -= n
	return int(n), nil
}
