package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/qjpcpu/supervisord/core"
)

// stopping tells whether a shutdown has begun.
func (d *daemon) stopping() bool {
	select {
	case <-d.ending.begun:
		return true
	default:
		return false
	}
}

// shutdown stops every process and then lets the daemon end. It may be asked for again, by somebody less patient (now).
// ctx ends the waiting, not the shutdown.
func (d *daemon) shutdown(ctx context.Context, now, clear bool) (core.Report, error) {
	if clear {
		d.ending.clear.Store(true)
	}
	d.ending.begin.Do(func() {
		close(d.ending.begun)
		d.notifier.stopping(longestStop(d.sup.Specs()))
	})
	type outcome struct {
		report core.Report
		err    error
	}
	ended := make(chan outcome, 1)
	go func() {
		report, err := d.sup.Close(context.WithoutCancel(ctx), now)
		d.ending.finish.Do(func() {
			if d.ending.clear.Load() {
				d.ending.removed = d.removeFiles()
			}
			close(d.ending.done)
		})
		<-d.ending.done
		if clear {
			err = errors.Join(err, d.ending.removed)
		}
		ended <- outcome{report, err}
	}()
	select {
	case o := <-ended:
		return o.report, o.err
	case <-ctx.Done():
		return nil, refuse(ctx.Err(), "cannot wait longer to shut down: it goes on%s", d.awaited())
	}
}

// awaited names those that a shutdown still waits for.
func (d *daemon) awaited() string {
	all, err := d.sup.Status()
	var names []string
	for _, s := range all {
		if s.PID != 0 {
			names = append(names, s.Name)
		}
	}
	if err != nil || len(names) == 0 {
		return ""
	}
	if len(names) > 3 {
		names = append(names[:3], "…")
	}
	return ", waiting for " + strings.Join(names, ", ") + " (supervisord service status shows how far it is)"
}

// removeFiles is the clear of a shutdown: the processes' own log files and the files they declare.
func (d *daemon) removeFiles() error {
	_, problem := d.logs.Clear()
	for _, spec := range d.sup.Specs() {
		_, err := purge(spec.Care.PurgeFiles)
		problem = errors.Join(problem, err)
	}
	if problem != nil {
		d.diary.Errorf("%v", problem)
	}
	return problem
}

// reopenLogs opens every log file anew, after something outside has moved them.
func (d *daemon) reopenLogs() error {
	return errors.Join(d.logs.Reopen(), d.audit.Close(), d.closeLog())
}
