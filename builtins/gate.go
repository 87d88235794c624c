package builtins

import (
	"context"

	"github.com/qjpcpu/supervisord/lisp"
)

// The numbers of programs: running at the same time, and waiting besides for their turn.
const (
	runningPrograms = 4
	queuedPrograms  = 32
)

// gate bounds how many programs there are and how many of them run. A program that waits inside a verb leaves its turn to
// another and takes one again afterwards, so that four waiting programs do not hold up the fifth.
type gate struct {
	all   chan struct{} // programs of any sort
	turns chan struct{} // those that run
}

func newGate() *gate {
	return &gate{make(chan struct{}, runningPrograms+queuedPrograms), make(chan struct{}, runningPrograms)}
}

// enter admits a program or refuses it, and waits for its turn.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.all <- struct{}{}:
	default:
		return lisp.Errorf(kindOverloaded, "cannot run the program: %d are running or waiting already", cap(g.all))
	}
	if err := g.take(ctx); err != nil {
		<-g.all
		return err
	}
	return nil
}

// leave ends a program that has its turn.
func (g *gate) leave() {
	<-g.turns
	<-g.all
}

// take waits for a turn.
func (g *gate) take(ctx context.Context) error {
	select {
	case g.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// aside runs f without a turn. Nobody but the caller's program counts on its turn, so it is taken again even when ctx has
// ended: others give theirs back soon.
func (g *gate) aside(f func()) {
	<-g.turns
	defer func() { g.turns <- struct{}{} }()
	f()
}
