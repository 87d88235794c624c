package cli

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheFirstMemberThatReturnsEndsAll(t *testing.T) {
	broken := errors.New("broken")
	for _, first := range []error{nil, broken} {
		g := newGroup(t.Context())
		ended := false
		g.add(func(ctx context.Context) error {
			<-ctx.Done()
			ended = true
			return errors.New("too late to count")
		})
		g.add(func(context.Context) error { return first })
		if err := g.run(); err != first || !ended {
			t.Errorf("%v, all ended: %v, want %v", err, ended, first)
		}
	}
}

func TestTheEndOfTheCallersContextIsNoFailure(t *testing.T) {
	for name, outer := range map[string]func() (context.Context, context.CancelFunc){
		"cancelled": func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx, cancel
		},
		"cancelled for a reason": func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errors.New("the embedding program ends"))
			return ctx, func() {}
		},
		"its deadline has passed": func() (context.Context, context.CancelFunc) {
			return context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		},
	} {
		ctx, cancel := outer()
		g := newGroup(ctx)
		g.add(func(ctx context.Context) error {
			<-ctx.Done()
			return nil
		})
		if err := g.run(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}

func TestTheEndWaitsForAChangeUnderWayAndNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		for took, want := range map[time.Duration]time.Duration{0: 0, 2 * time.Second: 2 * time.Second, time.Hour: changePatience} {
			d := &daemon{changing: make(chan struct{}, 1), diary: newDiary(&log)}
			d.changing <- struct{}{}
			ended := make(chan struct{})
			time.AfterFunc(took, func() {
				<-d.changing
				close(ended)
			})
			began := time.Now()
			d.awaitChange()
			if waited := time.Since(began); waited != want {
				t.Errorf("a change that takes %v was waited for %v, want %v", took, waited, want)
			}
			<-ended
		}
		if n := strings.Count(log.String(), "has not ended"); n != 1 {
			t.Errorf("told %d times, want once:\n%s", n, log.String())
		}
	})
}
