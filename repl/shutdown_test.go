package repl

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func TestShutdownLetsRepliesFinish(t *testing.T) {
	s := newStepper()
	h := serve(t, ServerOptions{Limits: Limits{Drain: time.Hour}, Eval: s.eval})
	idle, slow := h.dial(t, "unix"), h.dial(t, "unix")
	io.WriteString(slow, "POST /v1")
	buffered, streamed := h.dial(t, "unix"), h.dial(t, "tcp")
	io.WriteString(buffered, post("x", form))
	io.WriteString(streamed, post(h.tcp, form, bearer, "Accept: "+ndjson))
	await(t, "the evaluations", s.begun)
	await(t, "the evaluations", s.begun)
	down := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		down <- h.server.Shutdown(ctx)
	}()
	for _, c := range []net.Conn{idle, slow} {
		if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, os.ErrClosed) {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				t.Error("an idle connection holds up the shutdown")
			}
		}
	}
	s.say <- ""
	s.say <- ""
	for _, c := range []net.Conn{buffered, streamed} {
		if got := readAnswer(t, c); got.status != 200 || !strings.Contains(got.body, `"value":1`) {
			t.Errorf("got %d %s", got.status, got.body)
		}
		if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
			t.Errorf("after the reply: %q %v", rest, err)
		}
	}
	if err := await(t, "the shutdown", down); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("unix", h.sock); err == nil {
		t.Error("the socket still answers")
	}
	if _, err := os.Lstat(h.sock); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// TestShutdownEndsFollowers: what would go on for ever ends with a reply that says why.
func TestShutdownEndsFollowers(t *testing.T) {
	s := newStepper()
	h := serve(t, ServerOptions{Limits: Limits{Drain: time.Millisecond}, Eval: s.eval})
	type outcome struct {
		reply Reply
		err   error
	}
	done := make(chan outcome, 2)
	for _, out := range []io.Writer{io.Discard, nil} {
		go func() {
			reply, err := h.client(t).Eval(t.Context(), Request{Form: "(follow)"}, out)
			done <- outcome{reply, err}
		}()
		await(t, "the evaluation", s.begun)
	}
	if err := h.server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	for range 2 {
		got := await(t, "the reply", done)
		if got.err != nil || got.reply.Error == nil || got.reply.Error.Kind != kindCancelled || !strings.Contains(got.reply.Error.Message, "shutting down") {
			t.Errorf("got %+v, %v", got.reply.Error, got.err)
		}
	}
}

func TestShutdownDoesNotWaitForever(t *testing.T) {
	release := make(chan struct{})
	begun := make(chan struct{}, 1)
	h := serve(t, ServerOptions{Eval: func(context.Context, Request, io.Writer) Reply {
		begun <- struct{}{}
		<-release
		return Reply{}
	}})
	c := h.dial(t, "unix")
	io.WriteString(c, post("x", form))
	await(t, "the evaluation", begun)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := h.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if rest, err := io.ReadAll(c); len(rest) > 0 {
		t.Errorf("got %q, %v", rest, err)
	}
	close(release)
}

// TestReplyOfTheLastRequestIsWhole: a shutdown that begins the moment an evaluation returns never cuts its reply.
func TestReplyOfTheLastRequestIsWhole(t *testing.T) {
	for range full(300) {
		returned := make(chan struct{})
		h := serve(t, ServerOptions{Eval: func(context.Context, Request, io.Writer) Reply {
			defer close(returned)
			return Reply{Text: strings.Repeat("x", 100_000)}
		}})
		down := make(chan error, 1)
		go func() {
			<-returned
			down <- h.server.Shutdown(context.Background())
		}()
		reply, err := h.client(t).Eval(t.Context(), Request{Form: "(shutdown)"}, nil)
		if err != nil || len(reply.Text) != 100_000 {
			t.Fatalf("got %d bytes, %v", len(reply.Text), err)
		}
		if err := await(t, "the shutdown", down); err != nil {
			t.Error(err)
		}
	}
}
