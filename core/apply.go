package core

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Apply makes the processes what want says, by the plan that Plan shows: boot, reload, add and remove are this operation.
// First everything is checked; an ErrInvalid has touched nothing. Then what must go or be renewed is stopped (priority
// descending), what changes in place is changed, and what is new or renewed is started (priority ascending, equal ones in
// parallel). A step that fails does not undo the others. One changer is at work at a time, others queue; a context that ends
// while queueing has changed nothing.
//
// A renewed process is started again if it was wanted up, or if it had run and ended by itself and is to be started
// automatically; one that somebody stopped stays stopped. The Report has one outcome per step, in the plan's order.
func (s *Supervisor) Apply(ctx context.Context, want []Spec) (Report, error) {
	if err := checkAll(want); err != nil {
		return nil, err
	}
	select {
	case s.slot <- struct{}{}:
	case <-ctx.Done():
		return nil, failf(ErrTimeout, "cannot apply the configuration: another change is under way")
	}
	if s.closing.Load() {
		<-s.slot
		return nil, failf(ErrClosing, "cannot apply the configuration: the supervisor is shutting down")
	}
	s.changing.Add(1)
	plan := Diff(s.Specs(), want)
	done := make(chan Report, 1)
	go func() {
		report := s.carryOut(plan, CauseOf(ctx))
		s.changed()
		<-s.slot
		done <- report
	}()
	select {
	case report := <-done:
		return report, nil
	case <-ctx.Done():
		return nil, impatience(ctx, "apply the configuration")
	}
}

func checkAll(want []Spec) error {
	seen := make(map[string]bool, len(want))
	for _, spec := range want {
		if err := spec.Validate(); err != nil {
			return err
		}
		if seen[spec.Name] {
			return failf(ErrInvalid, "%s: two processes have this name", spec.Name)
		}
		seen[spec.Name] = true
	}
	return nil
}

// carryOut does what the plan says. The caller holds the slot.
func (s *Supervisor) carryOut(plan Plan, cause Cause) Report {
	c := changeover{
		sup: s, cause: cause,
		again:    map[string]bool{},
		wishes:   map[string]message{},
		outcomes: make(map[string]Outcome, len(plan.Steps)),
	}
	c.stop(plan.Steps)
	for _, step := range plan.Steps {
		c.carryOut(step)
	}
	s.reorder(c.order)
	c.start()
	return c.report(plan.Steps)
}

// changeover is one plan that is being carried out, by one goroutine.
type changeover struct {
	sup      *Supervisor
	cause    Cause
	stopped  map[string]Outcome // of what is to be removed or renewed
	again    map[string]bool    // of what is to be renewed: it is started again
	order    []*process         // of the registry afterwards
	starting []*process         // what is new, or renewed and wanted up
	wishes   map[string]message // that each of these is sent
	outcomes map[string]Outcome
}

// stop stops what is to be removed or renewed, priority descending.
func (c *changeover) stop(steps []Step) {
	ops := map[string]Op{}
	var leaving []*process
	for _, step := range steps {
		if step.Op != Remove && step.Op != Renew {
			continue
		}
		p, err := c.sup.process(step.Name)
		if err != nil {
			continue // cannot be: only the holder of the slot removes
		}
		st := p.shown.Load()
		c.again[step.Name] = st.Want || st.State == Exited && step.Spec.Care.Autostart
		ops[step.Name] = step.Op
		leaving = append(leaving, p)
	}
	c.stopped = eachInWaves(backwards(waves(leaving)), func(p *process) message {
		if ops[p.name] == Remove {
			return message{wish: wishRetire, cause: c.cause}
		}
		return message{wish: wishPause, cause: c.cause}
	})
}

// carryOut does a step but for the start that may belong to it.
func (c *changeover) carryOut(step Step) {
	if step.Op == Add {
		c.add(step)
		return
	}
	p, err := c.sup.process(step.Name)
	if err != nil {
		return
	}
	if step.Op == Remove {
		o := c.sup.remove(p, c.stopped[step.Name], c.cause)
		c.outcomes[step.Name] = o
		if o.Err == nil {
			return
		}
	}
	c.order = append(c.order, p)
	switch step.Op {
	case Keep:
		st := p.shown.Load()
		c.outcomes[step.Name] = Outcome{Name: step.Name, Did: "kept", State: st.State, PID: st.PID}
	case Tune:
		c.outcomes[step.Name] = p.tune(step.Spec, c.cause, step.Reasons)
	case Renew:
		spec, err := p.redirect(step.Spec)
		if err != nil {
			c.outcomes[step.Name] = Outcome{Name: step.Name, Did: "failed", Err: failf(ErrFailed, "cannot renew the output of %s: %v", step.Name, err)}
		}
		c.starting = append(c.starting, p)
		c.wishes[step.Name] = message{wish: wishRenew, spec: &spec, cause: c.cause, up: c.again[step.Name], note: "renewed: " + strings.Join(step.Reasons, ", ")}
	}
}

func (c *changeover) add(step Step) {
	p := newProcess(c.sup.host, c.sup.logs, step.Spec)
	if !c.sup.admit(p) {
		c.outcomes[step.Name] = Outcome{Name: step.Name, Did: "failed", Err: failf(ErrClosing, "cannot add %s: the supervisor is shutting down", step.Name)}
		return
	}
	c.order = append(c.order, p)
	c.sup.host.journal.Add(Event{Name: step.Name, Cause: c.cause, Note: "added"})
	c.outcomes[step.Name] = Outcome{Name: step.Name, Did: "added"}
	if step.Spec.Care.Autostart {
		c.starting = append(c.starting, p)
		c.wishes[step.Name] = message{wish: wishStart, cause: c.cause}
	}
}

// start starts what is new or renewed, priority ascending.
func (c *changeover) start() {
	for name, o := range eachInWaves(waves(c.starting), func(p *process) message { return c.wishes[p.name] }) {
		if before, told := c.outcomes[name]; told && o.Err == nil {
			o.Did, o.Err = before.Did, before.Err
		}
		c.outcomes[name] = o
	}
}

// report has one outcome per step.
func (c *changeover) report(steps []Step) Report {
	report := make(Report, 0, len(steps))
	for _, step := range steps {
		o := c.outcomes[step.Name]
		o.Reasons = step.Reasons
		if o.State == Stopped && o.PID == 0 && o.Err == nil {
			if p, err := c.sup.process(step.Name); err == nil {
				o.State = p.shown.Load().State
			}
		}
		report = append(report, o)
	}
	return report
}

// redirect leads the output to where the Spec wants it. When its new files cannot be opened it keeps the old ones, and the
// Spec that is returned says so: the next plan names them again.
func (p *process) redirect(want Spec) (Spec, error) {
	err := p.out.apply(want.Output)
	if err == nil {
		return want, nil
	}
	if old := p.spec.Load().Output; p.out.apply(old) == nil { // else nothing was open, and a start says what is wrong with the new ones
		want.Output = old
	}
	return want, err
}

// tune applies what can be changed on the living process.
func (p *process) tune(want Spec, cause Cause, reasons []string) Outcome {
	spec, err := p.redirect(want)
	o := <-p.ask(message{wish: wishTune, spec: &spec, cause: cause, note: "tuned: " + strings.Join(reasons, ", ")})
	if err != nil {
		o.Did, o.Err = "failed", failf(ErrFailed, "cannot tune %s: %v", p.name, err)
	}
	return o
}

// admit puts a new process into the registry and starts its loop, unless the supervisor closes.
func (s *Supervisor) admit(p *process) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	s.names[p.name] = p
	s.order = append(s.order, p)
	go p.run()
	return true
}

// remove takes a stopped process out of the registry; one that could not be stopped stays.
func (s *Supervisor) remove(p *process, stop Outcome, cause Cause) Outcome {
	if stop.Err != nil {
		<-p.ask(message{wish: wishRevive})
		stop.Did, stop.Err = "failed", fmt.Errorf("cannot remove %s: %w", p.name, stop.Err)
		return stop
	}
	<-p.ask(message{wish: wishQuit})
	<-p.done
	s.mu.Lock()
	delete(s.names, p.name)
	s.order = slices.DeleteFunc(s.order, func(q *process) bool { return q == p })
	s.mu.Unlock()
	o := Outcome{Name: p.name, Did: "removed", State: Stopped}
	if err := p.out.close(); err != nil {
		o.Did, o.Err = "failed", failf(ErrFailed, "cannot close the logs of %s: %v", p.name, err)
	}
	s.host.journal.Add(Event{Name: p.name, Cause: cause, Note: "removed"})
	return o
}

// reorder puts the registry into the order of the configuration.
func (s *Supervisor) reorder(order []*process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order = order
}
