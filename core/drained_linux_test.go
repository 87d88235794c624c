package core

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core/logs"
)

// gate is a place for output that takes nothing until it is opened.
type gate struct {
	opened chan struct{}
	mu     sync.Mutex
	text   bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.opened
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text.Write(p)
}

// A life is not over before its last line is where it belongs: while the place for it takes nothing, its leader has ended and it
// has not, and when it is said to have, all is there.
func TestRealEndWaitsForTheLastLine(t *testing.T) {
	h, err := theHost()
	if err != nil {
		t.Skipf("no host here: %v", err)
	}
	g := &gate{opened: make(chan struct{})}
	set := logs.New(logs.Options{Stdout: g, Stderr: g})
	s := New(Options{Starter: h, Logs: set, BaseEnv: os.Environ()})
	open := sync.OnceFunc(func() { close(g.opened) })
	t.Cleanup(func() {
		open()
		r, err := s.Close(context.Background(), true)
		if err := errors.Join(err, r.Err(), set.Close()); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.Apply(t.Context(), []Spec{does("lines 300", func(s *Spec) { s.Output.Stdout = []string{"/dev/stdout"} })}); err != nil {
		t.Fatal(err)
	}
	deadline, tick := time.After(20*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for st := state(t, s, "lines-300"); !strings.Contains(st.Reason, "the rest of it has not ended yet"); st = state(t, s, "lines-300") {
		if st.State == Exited {
			t.Fatalf("it is said to have ended although its output has not been taken")
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it does not end: %+v", st)
		}
	}
	<-time.After(100 * time.Millisecond)
	if st := state(t, s, "lines-300"); st.State != Running {
		t.Errorf("it is %s (%s) although its output has not been taken", st.State, st.Reason)
	}
	open()
	await(t, s, "lines-300", Exited)
	g.mu.Lock()
	defer g.mu.Unlock()
	if text := g.text.String(); strings.Count(text, "\n") != 300 || !strings.HasSuffix(text, "the end, without a newline") {
		t.Errorf("%d bytes are there when the end is told: ... %q", len(text), text[max(0, len(text)-100):])
	}
}
