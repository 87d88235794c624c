package core

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
)

// stuckStop is a starter whose children do not come back from Stop before they are let go.
type stuckStop struct {
	*world
	free chan struct{}
}

type stuckChild struct {
	child.Child
	free chan struct{}
}

func (s stuckStop) Start(c child.Command) (child.Child, error) {
	one, err := s.world.Start(c)
	if err != nil || c.Name != "stuck" {
		return one, err
	}
	return stuckChild{one, s.free}, nil
}

func (c stuckChild) Stop(sig int) error {
	<-c.free
	return c.Child.Stop(sig)
}

// TestResponsiveNamesTheLoopThatHangs: all is well while every loop answers, in every state; one that hangs is named, and the
// others go on.
func TestResponsiveNamesTheLoopThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("broken", behaviour{err: errMissing})
		w.program("slow", behaviour{stubborn: true})
		free := make(chan struct{})
		s := New(Options{Starter: stuckStop{w, free}})
		if _, err := s.Apply(t.Context(), []Spec{spec("web"), spec("broken"), spec("slow"), spec("stuck")}); err != nil {
			t.Fatal(err)
		}
		ask := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return s.Responsive(ctx)
		}
		go s.Stop(context.Background(), "slow")
		synctest.Wait()
		before := time.Now()
		if err := ask(); err != nil || time.Since(before) != 0 {
			t.Errorf("%v after %v", err, time.Since(before))
		}
		go s.Stop(context.Background(), "stuck")
		synctest.Wait()
		if err := ask(); !errors.Is(err, ErrTimeout) || !strings.Contains(err.Error(), "the loop of stuck does not answer") {
			t.Errorf("with a loop that hangs: %v", err)
		}
		if _, err := s.Restart(t.Context(), "web"); err != nil {
			t.Error(err)
		}
		close(free)
		synctest.Wait()
		if err := ask(); err != nil {
			t.Error(err)
		}
		end(t, s, w)
		if err := ask(); err != nil {
			t.Errorf("after the end: %v", err)
		}
	})
}
