package core

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core/logs"
)

// Opening a log on a dead network disk may take for ever; who asks how things stand does not wait for it.
func TestStatusDoesNotWaitForAFileThatIsBeingOpened(t *testing.T) {
	w := newWorld(t)
	s := New(Options{Starter: w, Logs: logs.New(logs.Options{})})
	if _, err := s.Apply(t.Context(), []Spec{spec("web")}); err != nil {
		t.Fatal(err)
	}
	p, err := s.process("web")
	if err != nil {
		t.Fatal(err)
	}
	p.out.change.Lock() // as the opener does
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		if _, err := s.Status(); err != nil {
			t.Error(err)
		}
		_, _ = s.Stream("web", "stdout")
	}()
	select {
	case <-looked:
	case <-time.After(10 * time.Second):
		t.Error("status waits")
	}
	p.out.change.Unlock()
	<-looked
	end(t, s, w)
}

func TestLogsThatCannotBeOpenedAreSaidOnOneLine(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	s := New(Options{Starter: w, Logs: logs.New(logs.Options{})})
	report, err := s.Apply(t.Context(), []Spec{spec("web", func(s *Spec) {
		s.Output.Stdout, s.Output.Stderr = []string{file + "/out.log"}, []string{file + "/err.log"}
	})})
	if err != nil {
		t.Fatal(err)
	}
	st := state(t, s, "web")
	for _, text := range []string{st.Reason, report.Err().Error()} {
		if strings.Contains(text, "\n") || !strings.Contains(text, "out.log") || !strings.Contains(text, "err.log") {
			t.Errorf("%q", text)
		}
	}
	if st.State != Fatal || w.count("web") != 0 {
		t.Errorf("%+v", st)
	}
	end(t, s, w)
	if err := both(errors.New("a"), syscall.ENOSPC); !passing(err) {
		t.Error("a full disk is not seen behind another error")
	}
}
