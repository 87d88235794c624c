//go:build unix

package cli

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/qjpcpu/supervisord/builtins"
	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/logs"
)

// hung is a disk that takes nothing and fails nothing, until it is let go.
type hung chan struct{}

func (h hung) Write(p []byte) (int, error) {
	<-h
	return len(p), nil
}

// TestAStopBySignalWaitsForNoDisk: neither the daemon's log nor the audit log can be written, and nothing hears of it.
func TestAStopBySignalWaitsForNoDisk(t *testing.T) {
	for name, before := range map[string][]os.Signal{"at once": nil, "after the log files were to be opened anew": {syscall.SIGUSR2}, "twice": {syscall.SIGTERM}} {
		t.Run(name, func(t *testing.T) { // in real time: who waits for a lock does not count as waiting in a bubble
			disk := make(hung)
			d := &daemon{diary: newDiary(disk), sup: core.New(core.Options{}), logs: logs.New(logs.Options{}), audit: &lumberjack.Logger{}}
			d.ending.begun, d.ending.done = make(chan struct{}), make(chan struct{})
			d.engine = builtins.NewEngine(builtins.EngineOptions{Host: &builtins.Host{Sup: d.sup}, Audit: disk})
			d.closeLog = func() error { <-disk; return nil }
			signals := make(chan os.Signal, 8)
			ctx, cancel := context.WithCancel(t.Context())
			obeyed := make(chan error, 1)
			go func() { obeyed <- d.obey(ctx, signals) }()
			for _, s := range append(before, syscall.SIGTERM) {
				signals <- s
			}
			select {
			case <-d.ending.done:
			case <-time.After(30 * time.Second):
				t.Error("it does not stop")
			}
			close(disk)
			cancel()
			if err := <-obeyed; err != nil {
				t.Error(err)
			}
		})
	}
}
