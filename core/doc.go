// Package core supervises processes: it starts programs, starts them again when they fail, stops them so that nothing of them
// is left, and writes down everything that happens. It knows neither files of configuration nor languages nor sockets.
//
// Three types to know. A [Spec] is one process as it is wanted. A [Supervisor] is the registry of processes, and [Supervisor.Apply]
// the one operation that changes it: boot, reload, add and remove are "make it so". The [Journal] holds what happened, numbered,
// each event with its [Cause]; waiting, following and history are cursors on it.
//
//	sup := core.New(core.Options{Starter: host, Logs: set, BaseEnv: os.Environ()})
//	report, err := sup.Apply(ctx, []core.Spec{{
//		Name:   "web",
//		Launch: core.Launch{Command: "/usr/bin/web", Args: []string{"--port", "80"}},
//		Care:   core.DefaultCare(),
//	}})
//	...
//	report, err = sup.Close(ctx, false)
//
// # The life of a process
//
// Two facts are kept apart: the [State] is what is, Want is what is wanted. Restart is "want up, and down", so it has no state
// of its own.
//
//	                 start
//	   stopped ───────────────▶ starting ─────────────▶ running
//	   exited  ◀──┐    ▲  ▲        │  │   exec and        │  │
//	   fatal   ◀──┤    │  │        │  │   start grace     │  │ stop,
//	      ▲       │    │  │        │  └──── stop ────┐    │  │ restart
//	      │       │    │  └── try ─┼─────────────┐   │    │  │
//	      │       └────┼───────────┴── ends ─────┼───┼────┘  │
//	      │ stop       │                         │   ▼       │
//	      ├──────── backoff ◀── fails ───────────┘ stopping ◀┘
//	      │                                          │
//	      └────────── nothing is left ◀──────────────┤
//	                                    want up: starting again
//
//	stopped   no child; down, and meant to be
//	starting  a child that has not outlived its start grace (or exec has not returned); then it is running
//	running   a child
//	stopping  a child that was told to end; at the deadline comes KILL, and again, until nothing is left
//	backoff   no child; it failed, and the deadline says when it is tried again
//	exited    no child; it ended by itself and as expected
//	fatal     no child; it was given up, or cannot be launched. Status.Reason says why in one line
//
// A life ends when the leader was reaped, its output is read to the end, and nothing is left of its tree, in this order. Before
// that no stop is answered and no other life begins.
//
// A failed launch is an end too: what cannot heal by itself (no such program, user or folder) is fatal at once, what can (no
// memory, no descriptors) is tried again like a failure. The delay before a new try doubles from restart_delay to
// restart_delay_max and is shortened at random by the jitter; a life of ten seconds (Care.Steady) makes it the first one again.
// More than max_restarts within restart_window are the end. A start, restart or reset that somebody asks for forgets all that.
//
// # What a wish means
//
// Start returns when the process runs, or with the reason why its first try failed. With a start grace of zero exec is the
// start, so a program that dies at once was started; with a grace it has to outlive it, unless it ends as expected first.
// Stop returns when nothing is left, or when KILL and kill_wait did not end it: then the process stays stopping, its reason says
// what is left, and it is killed again every kill_wait. Start of what runs and stop of what is down are successes. Whoever
// waits for what another wish has overtaken gets [ErrSuperseded]. A context ends the waiting of its caller, never the operation.
//
// # Concurrency
//
// Everything exported may be called from any goroutine at any time. [Supervisor.Status] reads published snapshots and never
// waits for a process. Every process has one goroutine, which owns all of its state; while nothing happens nothing runs, not
// even a timer. Deadlines are measured by the monotonic clock: setting the time changes none.
//
// # What it refuses
//
// It does not fork (package child does), does not read or write output (package logs does), has no health checks, no
// dependencies but priorities, and no global state.
//
// # Where to begin
//
// machine.go decides what becomes of one process, a table without clock or child (DESIGN.md shows it); process.go is the loop that
// asks it and does what it says; life.go begins and ends lives; supervisor.go is the registry of all, apply.go the operation on it.
//
// May import: core/child, core/logs, core/spelling.
package core
