package builtins

import (
	"context"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
)

// Host is what the verbs act on; the composition root supplies it. All functions may be called concurrently. A function
// that is nil makes its verbs fail by name.
type Host struct {
	Sup     *core.Supervisor
	Version VersionInfo

	// Starter starts the commands of programs; nil: none can be started. Environ is the environment they get, "KEY=value";
	// nil is that of this process.
	Starter child.Starter
	Environ []string

	// Config is the effective configuration with the keys of the file, secrets included; masking is done here.
	Config func() map[string]any
	// Plan is what Reload would do, with warnings about what it would not.
	Plan   func(ctx context.Context) (core.Plan, []string, error)
	Reload func(ctx context.Context) (core.Report, error)

	AddProc    func(ctx context.Context, d Definition) (core.Report, error)
	RemoveProc func(ctx context.Context, name string) (core.Report, error)
	Shutdown   func(ctx context.Context, now, clear bool) (core.Report, error)
	ReopenLogs func() error
	// DaemonLog is the last n lines of the daemon's own log, the oldest first, and the number of the line that comes next.
	DaemonLog func(n int) (lines []string, next uint64, err error)
	// AwaitDaemonLog waits for the lines from a number on; it returns at least one, and the number of the next.
	AwaitDaemonLog func(ctx context.Context, next uint64) ([]string, uint64, error)
}

// VersionInfo says what is running; what is empty is not known.
type VersionInfo struct{ Version, Commit string }

// Definition is a process as add-proc was given it, by the keys of [[process]]. The values are string, int64, float64,
// bool, []any and map[string]any.
type Definition struct{ Hash map[string]any }
