package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"

	"github.com/qjpcpu/supervisord/core"
)

// meaning is what a signal asks of the daemon.
type meaning int

const (
	meansNothing meaning = iota
	meansStop            // stop in order; asked again, at once
	meansReload
	meansReopen // open the log files anew
)

// obey does what signals ask until ctx ends. Nothing here waits: a reload in progress does not delay a stop.
func (d *daemon) obey(ctx context.Context, signals <-chan os.Signal) error {
	meanings := signalMeanings()
	stops := 0
	var stopping sync.WaitGroup
	defer stopping.Wait() // for the last line of the audit log
	for {
		select {
		case <-ctx.Done():
			return nil
		case s := <-signals:
			asked := core.WithCause(context.WithoutCancel(ctx), core.Cause{Who: "signal", What: s.String()})
			switch meanings[s] {
			case meansStop:
				stops++
				d.diary.Logf("got %s: stopping%s", s, map[bool]string{true: " at once"}[stops > 1])
				now := stops > 1
				ended := make(chan error, 1)
				go func() {
					_, err := d.shutdown(asked, now, false)
					ended <- err
				}()
				stopping.Go(func() { // beside it: a stop does not wait for a disk
					_ = d.engine.Audited("signal "+s.String(), "shutdown", func() error { return <-ended })
				})
			case meansReload:
				if stops > 0 || d.stopping() {
					d.diary.Logf("got %s: not reloading, the daemon is shutting down", s)
					continue
				}
				d.diary.Logf("got %s: reloading", s)
				go d.reloadBySignal(asked, s)
			case meansReopen:
				d.diary.Logf("got %s: opening the log files anew", s)
				if err := d.reopenLogs(); err != nil {
					d.diary.Errorf("%v", err)
				}
			}
		}
	}
}

// catch begins to receive the daemon's signals. Nothing is lost between here and obey.
func catch() (<-chan os.Signal, func()) {
	var all []os.Signal
	for s := range signalMeanings() {
		all = append(all, s)
	}
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, all...)
	return signals, func() { signal.Stop(signals) }
}
