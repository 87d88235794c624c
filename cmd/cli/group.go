package cli

import (
	"context"
	"sync"
)

// group runs the members of a daemon: the first that returns ends the life of all, and all are awaited. So does the end of the
// context that it was made with.
type group struct {
	outer  context.Context
	ctx    context.Context
	cancel context.CancelCauseFunc
	wait   sync.WaitGroup
}

func newGroup(ctx context.Context) *group {
	g := &group{outer: ctx}
	g.ctx, g.cancel = context.WithCancelCause(ctx)
	return g
}

// add starts a member. It must return soon after its context ends.
func (g *group) add(run func(ctx context.Context) error) {
	g.wait.Go(func() { g.cancel(run(g.ctx)) })
}

// run waits for all members and gives what the first one returned; nil when the outer context ended them, however that ended.
func (g *group) run() error {
	<-g.ctx.Done()
	g.wait.Wait()
	err := context.Cause(g.ctx)
	if err == context.Canceled || g.outer.Err() != nil && err == context.Cause(g.outer) {
		return nil
	}
	return err
}
