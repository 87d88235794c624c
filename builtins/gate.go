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

// ticket is one program that was admitted. It belongs to the program's goroutine.
type ticket struct {
	gate *gate
	runs bool // it has its turn
}

// enter admits a program or refuses it, and waits for its turn.
func (g *gate) enter(ctx context.Context) (*ticket, error) {
	select {
	case g.all <- struct{}{}:
	default:
		return nil, lisp.Errorf(kindOverloaded, "cannot run the program: %d are running or waiting already", cap(g.all))
	}
	p := &ticket{gate: g}
	if p.take(ctx); !p.runs {
		p.leave()
		return nil, ctx.Err()
	}
	return p, nil
}

// leave ends a program.
func (p *ticket) leave() {
	p.give()
	<-p.gate.all
}

// take waits for a turn, as long as somebody waits for the program.
func (p *ticket) take(ctx context.Context) {
	select {
	case p.gate.turns <- struct{}{}:
		p.runs = true
	case <-ctx.Done():
	}
}

func (p *ticket) give() {
	if p.runs {
		<-p.gate.turns
		p.runs = false
	}
}

// aside runs f without a turn, and takes one again. When ctx has ended meanwhile it takes none: all that the program still
// does is to end, and that must not wait for others.
func (p *ticket) aside(ctx context.Context, f func()) {
	p.give()
	defer p.take(ctx)
	f()
}
