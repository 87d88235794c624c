package core

import (
	"fmt"
	"strconv"

	"github.com/qjpcpu/supervisord/core/child"
)

// PIDKey is the variable that tells a stop_command which process it is to stop.
const PIDKey = "SUPERVISOR_PID"

// parting is the stop_command of one stop, at work beside the process that it is to stop.
type parting struct {
	over chan struct{} // closed when the process is gone
	done chan struct{} // closed when nothing is left of the command
}

// part starts the stop_command: as the process was started, with the leader's pid in its environment and its output in the
// process's files. What it has to say besides is an event.
func (p *process) part(command []string) *parting {
	t := &parting{over: make(chan struct{}), done: make(chan struct{})}
	spec, cause, pid, life := p.spec.Load(), p.cause, p.child.PID(), p.generation
	go func() {
		defer close(t.done)
		if note := p.runParting(t.over, spec, command, pid, life); note != "" {
			p.host.journal.Add(Event{Name: p.name, Cause: cause, Note: "stop_command: " + note})
		}
	}()
	return t
}

// runParting returns when the command has ended, which it does not outlive the process to do.
func (p *process) runParting(over <-chan struct{}, spec *Spec, command []string, pid int, life uint64) (note string) {
	w := p.out.wire(spec.Output)
	c, err := p.host.starter.Start(child.Command{
		Name:       spec.Name + "+stop", // a name that no process can have
		Generation: life,
		Path:       command[0],
		Args:       command[1:],
		Env:        append(environ(p.host.env, spec.Launch), PIDKey+"="+strconv.Itoa(pid)),
		Dir:        spec.Launch.Dir,
		User:       spec.Launch.User,
		Group:      spec.Launch.Group,
		Limits:     spec.Launch.Limits,
		Stdout:     w.stdout,
		Stderr:     w.stderr,
		GiveUp:     over,
	})
	if err != nil {
		return err.Error()
	}
	pumps := p.out.attach(c, w)
	select {
	case <-c.Gone():
	case <-over:
		if err := c.Kill(); err != nil {
			note = fmt.Sprintf("; cannot end it: %v", err)
		}
		<-c.Gone()
	}
	if x := <-c.Exited(); x.Code != 0 {
		note = x.String() + note
	}
	for _, pump := range pumps {
		pump.Drain()
	}
	return note
}

// end waits until nothing is left of the command.
func (t *parting) end() {
	close(t.over)
	<-t.done
}
