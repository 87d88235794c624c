package cli

import (
	"context"
	"sync"
)

// group runs the members of a daemon: the first that returns ends the life of all, and all are awaited.
type group struct {
	cancel context.CancelCauseFunc
	ctx    context.Context
	wait   sync.WaitGroup
}

func newGroup(ctx context.Context) *group {
	g := &group{}
	g.ctx, g.cancel = context.WithCancelCause(ctx)
	return g
}

// add starts a member. It must return soon after its context ends.
func (g *group) add(run func(ctx context.Context) error) {
	g.wait.Go(func() { g.cancel(run(g.ctx)) })
}

// run waits for all members and gives what the first one returned.
func (g *group) run() error {
	<-g.ctx.Done()
	g.wait.Wait()
	if err := context.Cause(g.ctx); err != context.Canceled {
		return err
	}
	return nil
}
