package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"time"

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

// obey does what signals ask until ctx ends. Nothing here waits, neither for a reload in progress nor for a disk that hangs: a
// stop is never delayed.
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
				now := stops > 1
				d.heard(s, "stopping"+map[bool]string{true: " at once"}[now])
				ended := make(chan error, 1)
				go func() {
					_, err := d.shutdown(asked, now, false)
					ended <- err
				}()
				stopping.Go(func() {
					_ = d.engine.Audited("signal "+s.String(), "shutdown", func() error { return <-ended })
				})
			case meansReload:
				if stops > 0 || d.stopping() {
					d.heard(s, "not reloading, the daemon is shutting down")
					continue
				}
				d.heard(s, "reloading")
				go d.reloadBySignal(asked, s)
			case meansReopen:
				d.heard(s, "opening the log files anew")
				go func() { d.say(d.reopenLogs()) }()
			}
		}
	}
}

// heardPatience is how long the line about a signal may hold up what the signal asks for.
const heardPatience = 100 * time.Millisecond

// heard notes a signal, before what comes of it if the log can be written.
func (d *daemon) heard(s os.Signal, what string) {
	written := make(chan struct{})
	go func() {
		defer close(written)
		d.diary.Logf("got %s: %s", s, what)
	}()
	patience := time.NewTimer(heardPatience)
	defer patience.Stop()
	select {
	case <-written:
	case <-patience.C:
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
