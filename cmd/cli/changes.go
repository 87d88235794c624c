package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/builtins"
	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/config"
)

// change runs one change of what is wanted at a time. ctx ends the waiting for the turn, and for the end of the change,
// never the change itself.
func (d *daemon) change(ctx context.Context, what string, do func(context.Context) (core.Report, error)) (core.Report, error) {
	select {
	case d.changing <- struct{}{}:
	case <-d.ending.begun:
		return nil, refuse(core.ErrClosing, "cannot %s: the daemon is shutting down", what)
	case <-ctx.Done():
		return nil, refuse(core.ErrTimeout, "cannot %s: another change is under way", what)
	}
	type outcome struct {
		report core.Report
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		if d.stopping() {
			o.err = refuse(core.ErrClosing, "cannot %s: the daemon is shutting down", what)
		} else {
			o.report, o.err = do(context.WithoutCancel(ctx))
		}
		<-d.changing
		d.lookAgain()
		done <- o
	}()
	select {
	case o := <-done:
		return o.report, o.err
	case <-ctx.Done():
		return nil, refuse(core.ErrTimeout, "cannot wait for %s to end, it goes on", what)
	}
}

// changePatience bounds how long the end of the daemon waits for a change under way: longer than a disk takes, and not as long as
// a file system that hangs.
const changePatience = 5 * time.Second

// awaitChange waits, at the end of the daemon, for a change that is under way, and keeps the slot so that no other begins. A
// change that has come too late takes back what it wrote; it must have done so before the next daemon gets the lock and reads it.
func (d *daemon) awaitChange() {
	patience := time.NewTimer(changePatience)
	defer patience.Stop()
	select {
	case d.changing <- struct{}{}:
	case <-patience.C:
		d.diary.Warnf("a change of the configuration has not ended after %v: the daemon ends without it", changePatience)
	}
}

// fresh is the desire after the configuration was read again.
func (d *daemon) fresh() (desire, error) {
	loaded, err := config.Load(d.origin.path, d.origin.over)
	if err != nil {
		return desire{}, err
	}
	if loaded.Blank && !d.wanted.loaded.Blank {
		return desire{}, refuse(core.ErrInvalid, "cannot take over %s: it is empty, as a file is that is about to be written (to remove every process, leave a comment in it)", loaded.Path)
	}
	next := d.wanted.clone()
	next.loaded = loaded
	next.warnings = next.shadowed()
	for _, problem := range loaded.Warnings {
		next.warnings = append(next.warnings, problem.String())
	}
	return next, nil
}

// plan is what a reload would do.
func (d *daemon) plan(ctx context.Context) (core.Plan, []string, error) {
	select {
	case d.changing <- struct{}{}:
	case <-ctx.Done():
		return core.Plan{}, nil, refuse(core.ErrTimeout, "cannot plan: another change is under way")
	}
	defer func() { <-d.changing }()
	next, err := d.fresh()
	if err != nil {
		return core.Plan{}, nil, err
	}
	settings := next.loaded.Settings
	warnings := append(next.warnings, d.unchangeable(settings)...)
	script, changed, err := d.changedScript(settings.InitScript)
	if err == nil && changed && script.path != "" {
		err = d.engine.CheckScript(script.path, script.text)
		warnings = append(warnings, "init_script "+script.path+" will be evaluated")
	}
	if err != nil {
		return core.Plan{}, nil, err
	}
	return d.sup.Plan(next.specs()), warnings, nil
}

// reload carries out what changed in the configuration. An error before the first step has touched nothing.
func (d *daemon) reload(ctx context.Context) (core.Report, error) {
	return d.change(ctx, "reload", func(ctx context.Context) (core.Report, error) {
		d.notifier.reloading()
		defer func() {
			if !d.stopping() {
				d.notifier.ready(d.statusLine())
			}
		}()
		next, err := d.fresh()
		if err != nil {
			return nil, err
		}
		settings := next.loaded.Settings
		useScript, err := d.evaluateScript(ctx, settings.InitScript)
		if err != nil {
			return nil, err
		}
		added, obsolete, err := d.listened.prepare(doors(d.place, settings))
		if err != nil {
			return nil, err
		}
		report, err := d.sup.Apply(ctx, next.specs())
		if err != nil {
			abandon(added)
			return nil, err
		}
		warnings := append(next.warnings, d.unchangeable(settings)...)
		d.wanted = next
		d.adopt(settings)
		useScript()
		d.remember()
		d.listened.swap(added, obsolete)
		d.say(d.announce())
		for _, warning := range warnings {
			d.diary.Warnf("reload: %s", warning)
		}
		giveBack()
		return report, nil
	})
}

// adopt makes the settings those that hold, as far as a running daemon can.
func (d *daemon) adopt(settings config.Settings) {
	old := d.settings.Load()
	settings.DisableRCE = settings.DisableRCE || old.DisableRCE
	settings.Log, settings.StateDir, settings.Cgroup = old.Log, old.StateDir, old.Cgroup
	settings.Daemonize, settings.HideArgs = old.Daemonize, old.HideArgs
	d.settings.Store(&settings)
	d.diary.set(settings.LogFormat, settings.LogLevel)
	d.engine.SetPolicy(builtins.Policy{DisableRCE: settings.DisableRCE})
}

// unchangeable names the settings that differ and need a restart of the daemon.
func (d *daemon) unchangeable(settings config.Settings) []string {
	old := d.settings.Load()
	var all []string
	note := func(key string, differs bool) {
		if differs {
			all = append(all, key+" needs a restart of the daemon to change")
		}
	}
	note("log", settings.Log != old.Log)
	note("state_dir", settings.StateDir != old.StateDir)
	note("cgroup", settings.Cgroup != old.Cgroup)
	note("daemonize", settings.Daemonize != old.Daemonize)
	note("hide_args", settings.HideArgs != old.HideArgs)
	if old.DisableRCE && !settings.DisableRCE {
		all = append(all, "disable_rce stays on: it can be loosened only by a restart of the daemon")
	}
	return all
}

// reloadBySignal is a reload that nobody waits for; what came of it is in the log.
func (d *daemon) reloadBySignal(ctx context.Context, signal os.Signal) {
	err := d.engine.Audited("signal "+signal.String(), "reload", func() error {
		report, err := d.reload(ctx)
		if err == nil {
			err = report.Err()
		}
		return err
	})
	if err != nil {
		d.diary.Errorf("cannot reload: %s", strings.TrimPrefix(err.Error(), "cannot reload: "))
		return
	}
	d.diary.Logf("reloaded")
}

// add brings a process, keeps it for later starts of the daemon and starts it.
func (d *daemon) add(ctx context.Context, definition builtins.Definition) (core.Report, error) {
	return d.change(ctx, "add-proc", func(ctx context.Context) (core.Report, error) {
		spec, err := d.wanted.loaded.ProcessFromHash(definition.Hash, "")
		if err != nil {
			return nil, err
		}
		next, err := d.wanted.with(spec)
		if err != nil {
			return nil, err
		}
		return d.commit(ctx, next, spec.Name)
	})
}

// remove stops and forgets a process that add-proc or the command line brought.
func (d *daemon) remove(ctx context.Context, name string) (core.Report, error) {
	return d.change(ctx, "remove-proc", func(ctx context.Context) (core.Report, error) {
		var unknown *core.NotFoundError
		if _, err := d.sup.Spec(name); errors.As(err, &unknown) {
			return nil, fmt.Errorf("cannot remove %w", unknown)
		}
		next, err := d.wanted.without(name)
		if err != nil {
			return nil, err
		}
		return d.commit(ctx, next, name)
	})
}

// commit writes what add-proc brought, then makes it so. When it cannot be written nothing has changed; when it cannot
// be applied, what was written is taken back.
func (d *daemon) commit(ctx context.Context, next desire, name string) (core.Report, error) {
	if err := config.SaveAdded(d.place.Added, next.added); err != nil {
		return nil, err
	}
	report, err := d.sup.Apply(ctx, next.specs())
	if err != nil {
		d.say(config.SaveAdded(d.place.Added, d.wanted.added))
		return nil, err
	}
	d.wanted = next
	d.remember()
	return only(report, name), nil
}

// only is the part of a report about one process.
func only(report core.Report, name string) core.Report {
	var part core.Report
	for _, o := range report {
		if o.Name == name {
			part = append(part, o)
		}
	}
	return part
}
