package repl

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// stepper is an Eval whose output the test writes, and whose end it says.
type stepper struct {
	begun chan struct{}
	say   chan string // "" ends it
}

func newStepper() *stepper { return &stepper{make(chan struct{}, 1000), make(chan string)} }

func (s *stepper) eval(ctx context.Context, _ Request, out io.Writer) Reply {
	s.begun <- struct{}{}
	for {
		select {
		case text := <-s.say:
			if text == "" {
				return Reply{Value: json.RawMessage("1"), Text: "1"}
			}
			if _, err := io.WriteString(out, text); err != nil {
				return Reply{Error: failf(kindFailed, "%s", err)}
			}
		case <-ctx.Done():
			return Reply{}
		}
	}
}

func TestOutputIsStreamedAsItHappens(t *testing.T) {
	s := newStepper()
	h := serve(t, ServerOptions{Eval: s.eval})
	c := h.dial(t, "unix")
	io.WriteString(c, post("x", form, "Accept: text/plain, "+ndjson+";q=0.9"))
	s.say <- "first"
	r := readHead(t, c)
	if r.StatusCode != 200 || r.Header.Get("Content-Type") != ndjson {
		t.Fatalf("got %d %v", r.StatusCode, r.Header)
	}
	in := bufio.NewReader(r.Body)
	if line, err := in.ReadString('\n'); err != nil || line != `{"output":"first"}`+"\n" {
		t.Errorf("got %q, %v", line, err)
	}
	for _, text := range []string{"a", "line\n", "två\n", "<&>\u2028"} {
		s.say <- text
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		var chunk map[string]string
		if err := json.Unmarshal([]byte(line), &chunk); err != nil || len(chunk) != 1 || chunk["output"] != text {
			t.Errorf("%q: got %q (%v)", text, line, err)
		}
	}
	s.say <- ""
	line, err := in.ReadString('\n')
	if err != nil || line != `{"value":1,"text":"1","output":""}`+"\n" {
		t.Errorf("got %q, %v", line, err)
	}
	if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
		t.Errorf("after the reply: %q, %v", rest, err)
	}
}

func readHead(t *testing.T, c net.Conn) *http.Response {
	t.Helper()
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCharacterIsNotTornBetweenChunks(t *testing.T) {
	o := newOutlet(t.Context())
	got := ""
	for _, piece := range []string{"a\xe2", "\x82", "\xac", "\xf0\x9f", "\x98\x80z", "\xff", "b\xe2\x82"} {
		if _, err := io.WriteString(o, piece); err != nil {
			t.Fatal(err)
		}
		text, _ := o.take()
		got += strings.ToValidUTF8(string(text), "?")
	}
	if got != "a€😀z?b" {
		t.Errorf("got %q", got)
	}
	o.finish()
	if rest, done := o.take(); string(rest) != "\xe2\x82" || !done {
		t.Errorf("at the end: %q %v", rest, done)
	}
}

func TestStreamedOutputHasNoLimitAndArrivesWhole(t *testing.T) {
	const size, piece = 20 << 20, 1000
	h := serve(t, ServerOptions{Eval: func(_ context.Context, _ Request, out io.Writer) Reply {
		text := []byte(strings.Repeat("0123456789", piece/10))
		for range size / piece {
			if n, err := out.Write(text); err != nil || n != piece {
				return Reply{Error: failf(kindFailed, "%d, %v", n, err)}
			}
		}
		return Reply{}
	}})
	var got tally
	reply, err := h.client(t).Eval(t.Context(), Request{Form: "x"}, &got)
	if err != nil || reply.Error != nil || got.bytes != size/piece*piece || got.bad {
		t.Errorf("got %d bytes of %d (bad: %v), %+v, %v", got.bytes, size, got.bad, reply.Error, err)
	}
}

// tally counts digits that must come in turn.
type tally struct {
	bytes int
	bad   bool
}

func (c *tally) Write(p []byte) (int, error) {
	for _, b := range p {
		if b != byte('0'+c.bytes%10) {
			c.bad = true
		}
		c.bytes++
	}
	return len(p), nil
}

// TestClientThatNeverReadsIsLetGo: the program waits for its reader, but not for one that is not there.
func TestClientThatNeverReadsIsLetGo(t *testing.T) {
	ended := make(chan error, 1)
	h := serve(t, ServerOptions{
		Limits: Limits{Chunk: 50 * time.Millisecond},
		Eval: func(_ context.Context, _ Request, out io.Writer) Reply {
			for {
				if _, err := out.Write(make([]byte, 10_000)); err != nil {
					ended <- err
					return Reply{}
				}
			}
		},
	})
	for _, network := range []string{"unix", "tcp"} {
		c := h.dial(t, network)
		io.WriteString(c, post(h.tcp, form, bearer, "Accept: "+ndjson))
		if f, ok := errors.AsType[*Failure](await(t, "the end", ended)); !ok || f.Kind != kindCancelled {
			t.Errorf("%s: %v", network, f)
		}
	}
}

// TestSlowReplyIsLetGo: the same for a buffered reply.
func TestSlowReplyIsLetGo(t *testing.T) {
	h := serve(t, ServerOptions{
		Limits: Limits{Reply: 50 * time.Millisecond},
		Eval: func(context.Context, Request, io.Writer) Reply {
			return Reply{Text: strings.Repeat("x", 20<<20)}
		},
	})
	c := h.dial(t, "unix")
	io.WriteString(c, post("x", form))
	h.settled(t) // the connection is forgotten, though the client holds it
	if _, err := io.Copy(io.Discard, c); err != nil && errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// settled waits until no connection is left.
func (h *host) settled(t *testing.T) {
	t.Helper()
	for began := time.Now(); ; {
		if idle, used := h.server.unix.census(); idle+used == 0 {
			return
		}
		if time.Since(began) > patience {
			t.Fatal("a connection stays")
		}
		gosched()
	}
}

func TestWriterThatFailsEndsTheEvaluation(t *testing.T) {
	ended := make(chan struct{})
	h := serve(t, ServerOptions{Eval: func(ctx context.Context, _ Request, out io.Writer) Reply {
		io.WriteString(out, "hello")
		<-ctx.Done()
		close(ended)
		return Reply{}
	}})
	broken := errors.New("broken pipe")
	if _, err := h.client(t).Eval(t.Context(), Request{Form: "x"}, failing{broken}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	await(t, "the end", ended)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestOutputAfterTheEndIsRefused(t *testing.T) {
	late := make(chan error, 1)
	h := serve(t, ServerOptions{Eval: func(_ context.Context, req Request, out io.Writer) Reply {
		go func() {
			var err error
			for err == nil {
				_, err = io.WriteString(out, "late")
				gosched()
			}
			late <- err
		}()
		return Reply{}
	}})
	if reply, err := h.client(t).Eval(t.Context(), Request{Form: "x"}, io.Discard); err != nil || reply.Error != nil {
		t.Errorf("got %+v, %v", reply, err)
	}
	await(t, "the refusal", late)
}
