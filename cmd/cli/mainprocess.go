package cli

import (
	"context"
	"fmt"

	"github.com/qjpcpu/supervisord/core"
)

// signalled is what a shell adds to the number of a signal to make an exit code of it.
const signalled = 128

// watchMain ends the daemon with the process of exit_code_from, when that has ended by itself and nobody starts it again.
func (d *daemon) watchMain(ctx context.Context) error {
	for {
		more := d.sup.Journal().Next()
		name := d.settings.Load().ExitCodeFrom
		if code, how, ended := d.endOf(name); ended && !d.stopping() {
			d.ending.code.Store(code)
			d.diary.Logf("%s has ended (%s): the daemon ends with exit code %d", name, how, code)
			_, err := d.shutdown(core.WithCause(context.WithoutCancel(ctx), core.Cause{Who: "supervisord", What: "exit_code_from"}), false, false)
			return err
		}
		if name == "" {
			more = nil // only a reload can give the order
		}
		select {
		case <-more:
		case <-d.lookMain:
		case <-d.ending.begun:
			<-d.ending.done
			return nil
		}
	}
}

// endOf is the exit code that the end of a process means for the daemon; ended is false while it lives, waits for its next
// try, or was stopped by request.
func (d *daemon) endOf(name string) (code int32, how string, ended bool) {
	if name == "" {
		return 0, "", false
	}
	all, err := d.sup.Status(name)
	if err != nil || len(all) != 1 {
		return 0, "", false
	}
	s := all[0]
	switch {
	case s.State != core.Exited && s.State != core.Fatal:
		return 0, "", false
	case s.Exit == nil:
		return ExitFailed, s.Reason, true // it could not even be launched
	case s.Exit.Signal != 0:
		return int32(signalled + s.Exit.Signal), fmt.Sprint(s.Exit), true
	case s.State == core.Fatal && s.Exit.Code == 0:
		return ExitFailed, s.Reason, true // given up, whatever its last words were
	}
	return int32(s.Exit.Code), fmt.Sprint(s.Exit), true
}
