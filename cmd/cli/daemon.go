package cli

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/qjpcpu/supervisord/builtins"
	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/config"
	"github.com/qjpcpu/supervisord/core/logs"
)

// journalSize is how many events the daemon remembers.
const journalSize = 4096

// bootCause is why the first processes are started.
const bootCause = "boot"

// daemon is a running supervisor: the rooms put together, and what only their composition knows. Its files are daemon.go
// (its life), compose.go (how it is put together), changes.go (reload, add, remove) and shutdown.go (its end).
type daemon struct {
	session  *session
	origin   origin
	place    config.Place
	diary    *diary
	closeLog func() error // of the daemon itself; the next line opens it anew

	ownLogPath string // "" for standard error

	audit    *lumberjack.Logger
	host     *child.Host
	logs     *logs.Set
	sup      *core.Supervisor
	engine   *builtins.Engine
	listened *switchboard
	settings atomic.Pointer[config.Settings] // as they hold now
	managed  atomic.Pointer[map[int]bool]    // the users whom processes run as

	changing chan struct{} // one slot: whoever holds it may change what is wanted
	wanted   desire        // owned by the holder of the slot
	script   initScript    // owned by the holder of the slot

	booted   atomic.Bool   // what was wanted at first was tried
	look     chan struct{} // one slot: watchIdle is to look
	lookMain chan struct{} // one slot: watchMain is to look
	notifier *notifier
	ending   ending
}

// origin is where the configuration comes from, at the start and at every reload.
type origin struct {
	path string // "" if there is none
	over config.Overrides
}

// ending is the shutdown's own state.
type ending struct {
	begin   sync.Once
	begun   chan struct{} // closed when no change is taken any more
	finish  sync.Once
	done    chan struct{} // closed when every process is gone
	clear   atomic.Bool   // remove the log files then
	removed error         // what could not be removed; written before done is closed
	code    atomic.Int32  // exit code of the daemon
}

// serve is the life of a daemon, from the lock to the last log line. Its error is why it could not start, or an exit code.
func (s *session) serve(from origin, loaded config.Config, ready *os.File) error {
	signals, ignore := catch()
	defer ignore()
	d := &daemon{session: s, origin: from, changing: make(chan struct{}, 1), look: make(chan struct{}, 1), lookMain: make(chan struct{}, 1)}
	d.ending.begun, d.ending.done = make(chan struct{}), make(chan struct{})
	if err := closeMemory(); err != nil {
		err = fmt.Errorf("cannot keep the memory from others: %w", err)
		tell(ready, tidings{Error: err.Error(), Code: codeOf(err)})
		return err
	}
	undo, err := d.compose(loaded, ready != nil)
	if err != nil {
		undo()
		tell(ready, tidings{Error: err.Error(), Code: codeOf(err)})
		return err
	}
	d.changing <- struct{}{} // until the first processes were started, nothing else changes what is wanted
	first := d.wanted.clone()
	members := newGroup(s.ctx)
	members.add(func(ctx context.Context) error { return d.obey(ctx, signals) })
	members.add(d.report)
	members.add(d.listen)
	members.add(d.watchIdle)
	members.add(d.watchMain)
	members.add(d.callHooks)
	members.add(d.tellManager)
	members.add(func(ctx context.Context) error { return d.supervise(ctx, first, ready) })
	err = members.run()
	d.awaitChange()
	undo()
	if err != nil {
		return err
	}
	if code := d.ending.code.Load(); code != ExitOK {
		return exitCode(code)
	}
	return nil
}

// supervise starts what is wanted at first and waits for the end. It returns when no process is left.
func (d *daemon) supervise(ctx context.Context, first desire, ready *os.File) error {
	boot := core.WithCause(context.WithoutCancel(ctx), core.Cause{Who: "supervisord", What: bootCause})
	started, evaluated := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(started)
		d.boot(boot, first.specs(), evaluated)
	}()
	d.awaitKnown(ctx, len(first.specs()), started)
	warnings := append(first.warnings, d.firstScript(ctx)...)
	if ready == nil && d.logsElsewhere() {
		d.session.warn(warnings)
	}
	close(evaluated)
	// Only now: whoever reads that it listens may name every process.
	v, _ := buildVersion()
	d.diary.Logf("supervisord %s (pid %d) listens on %s", v, os.Getpid(), d.address())
	d.notifier.ready(d.statusLine())
	tell(ready, tidings{PID: os.Getpid(), Address: d.address(), Warnings: warnings})
	select {
	case <-d.ending.done:
	case <-ctx.Done():
		_, _ = d.shutdown(core.WithCause(context.WithoutCancel(ctx), core.Cause{Who: "supervisord", What: "end"}), false, false)
		<-d.ending.done
	}
	<-started
	return nil
}

// boot starts what is wanted at first. What cannot be started is in the log and in the status. Then, and when the init script
// was evaluated, others may change what is wanted.
func (d *daemon) boot(ctx context.Context, wanted []core.Spec, evaluated <-chan struct{}) {
	report, err := d.sup.Apply(ctx, wanted)
	<-evaluated
	<-d.changing
	for _, o := range report {
		if o.Err != nil {
			d.diary.Errorf("%v", o.Err)
		}
	}
	if err != nil {
		d.diary.Errorf("%v", err)
	}
	d.booted.Store(true)
	d.lookAgain()
	giveBack()
}

// awaitKnown waits until every wanted process is known by its name, whether or not it runs yet, so that a command that
// follows the start finds it.
func (d *daemon) awaitKnown(ctx context.Context, wanted int, started <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-started:
		case <-d.ending.begun:
		case <-ctx.Done():
		}
		cancel()
	}()
	journal := d.sup.Journal()
	for {
		seen := journal.Last()
		if len(d.sup.Specs()) >= wanted || journal.Wait(ctx, seen) != nil {
			return
		}
	}
}

// listen answers on the listeners until the processes are gone, then lets the last replies out.
func (d *daemon) listen(ctx context.Context) error {
	d.listened.begin()
	var err error
	select {
	case err = <-d.listened.broken:
		d.diary.Errorf("%v", err)
		_, _ = d.shutdown(core.WithCause(context.WithoutCancel(ctx), core.Cause{Who: "supervisord", What: "lost its listener"}), false, false)
	case <-d.ending.done:
	}
	d.listened.end()
	return err
}

// address is what commands are told.
func (d *daemon) address() string { return d.firstDoor().name() }

// firstDoor is the listener that commands and processes are told of.
func (d *daemon) firstDoor() door { return d.listened.opened(doors(d.place, *d.settings.Load())[0]) }

// watchIdle ends a daemon that was told to end when there is nothing left to do. It looks when look is poked: after the
// first processes were started, and when a reload may have given the order.
func (d *daemon) watchIdle(ctx context.Context) error {
	for {
		select {
		case <-d.look:
		case <-d.ending.begun:
			<-d.ending.done
			return nil
		}
		if !d.settings.Load().ExitWhenAllDone {
			continue
		}
		fatal, err := d.sup.WaitIdle(ctx)
		if err != nil || d.stopping() {
			<-d.ending.done
			return nil
		}
		if !d.settings.Load().ExitWhenAllDone {
			continue
		}
		if fatal > 0 {
			d.ending.code.Store(ExitFailed)
		}
		if code, _, ended := d.endOf(d.settings.Load().ExitCodeFrom); ended {
			d.ending.code.Store(code)
		}
		d.diary.Logf("all processes are done")
		_, err = d.shutdown(core.WithCause(context.WithoutCancel(ctx), core.Cause{Who: "supervisord", What: "exit_when_all_done"}), false, false)
		return err
	}
}

// callHooks is the runner of the hooks.
func (d *daemon) callHooks(ctx context.Context) error {
	d.engine.RunHooks(ctx)
	return nil
}

// lookAgain pokes watchIdle and watchMain.
func (d *daemon) lookAgain() {
	for _, look := range []chan struct{}{d.look, d.lookMain} {
		select {
		case look <- struct{}{}:
		default: // it is about to look anyway
		}
	}
}
