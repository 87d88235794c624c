package builtins

import (
	"io"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/qjpcpu/supervisord/builtins/metrics"
	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/logs"
)

// states are all that a process can be in, for the metrics.
var states = []core.State{core.Stopped, core.Starting, core.Running, core.Stopping, core.Backoff, core.Exited, core.Fatal}

// Metrics writes what GET /metrics answers, in the text format of Prometheus. It holds nothing secret: of the processes only
// names, numbers and how they ended. It may be called concurrently; what it costs is bounded, see survey. The error is mostly that of w.
func (e *Engine) Metrics(w io.Writer) error {
	all, err := e.host.Sup.Status()
	if err != nil {
		return err
	}
	var t metrics.Text
	e.processMetrics(&t, all)
	e.daemonMetrics(&t, all)
	_, err = io.WriteString(w, t.String())
	return err
}

// processMetrics are one sample a process in each family, and two of its output.
func (e *Engine) processMetrics(t *metrics.Text, all []core.Status) {
	one := func(name string, kind metrics.Type, help string, value func(core.Status) float64) {
		t.Family("supervisord_process_"+name, kind, help)
		for _, s := range all {
			t.Sample(value(s), "process", s.Name)
		}
	}
	one("up", metrics.Gauge, "Whether it runs (1 or 0).", func(s core.Status) float64 { return truth(s.State == core.Running) })
	one("wanted", metrics.Gauge, "Whether it is meant to run (1 or 0).", func(s core.Status) float64 { return truth(s.Want) })
	t.Family("supervisord_process_state", metrics.Gauge, "1 for the state it is in.")
	for _, s := range all {
		t.Sample(1, "process", s.Name, "state", s.State.String())
	}
	one("uptime_seconds", metrics.Gauge, "Age of its present life, 0 without one.", func(s core.Status) float64 { return s.Uptime().Seconds() })

	tallies := make([]core.Tally, len(all))
	for i, s := range all {
		tallies[i], _ = e.host.Sup.Tally(s.Name) // one that was removed meanwhile has nothing to tell
	}
	t.Family("supervisord_process_restarts_total", metrics.Counter, "Starts that nobody asked for.")
	for i, s := range all {
		t.Sample(float64(tallies[i].Restarts), "process", s.Name)
	}
	t.Family("supervisord_process_failed_launches_total", metrics.Counter, "Tries to start it that never became a process.")
	for i, s := range all {
		t.Sample(float64(tallies[i].FailedLaunches), "process", s.Name)
	}
	t.Family("supervisord_process_exits_total", metrics.Counter,
		"Its ended lives by exit code, or by name of the signal; ends beyond the first 32 different ones are together in other.")
	for i, s := range all {
		for _, code := range slices.Sorted(maps.Keys(tallies[i].Exits)) {
			t.Sample(float64(tallies[i].Exits[code]), "process", s.Name, "code", code)
		}
	}
	output := func(name, help string, value func(*logs.Health) int64) {
		t.Family("supervisord_process_"+name+"_total", metrics.Counter, help)
		for i, s := range all {
			if h := tallies[i].Stdout; h != nil {
				t.Sample(float64(value(h)), "process", s.Name, "stream", "stdout")
			}
			if h := tallies[i].Stderr; h != nil {
				t.Sample(float64(value(h)), "process", s.Name, "stream", "stderr")
			}
		}
	}
	output("log_bytes", "Bytes that it printed.", func(h *logs.Health) int64 { return h.Written })
	output("log_lost_bytes", "Bytes that could not be written to a file, over all its files.", func(h *logs.Health) int64 { return h.Lost })

	loads, measured := e.survey.latest()
	if !measured {
		return
	}
	usage := func(name string, kind metrics.Type, help string, value func(load) float64) {
		t.Family("supervisord_process_"+name, kind, help)
		for _, s := range all {
			t.Sample(value(loads[s.Name]), "process", s.Name)
		}
	}
	usage("memory_bytes", metrics.Gauge, "Memory of its whole tree; what several processes share counts once.", func(l load) float64 { return float64(l.memory) })
	usage("cpu_seconds_total", metrics.Counter, "Processor time of its whole tree in its present life.", func(l load) float64 { return l.cpu.Seconds() })
	usage("processes", metrics.Gauge, "Processes in its tree.", func(l load) float64 { return float64(l.processes) })
	usage("threads", metrics.Gauge, "Threads in its tree.", func(l load) float64 { return float64(l.threads) })
	usage("open_fds", metrics.Gauge, "Open descriptors of its whole tree.", func(l load) float64 { return float64(l.fds) })
}

// daemonMetrics are those of the daemon itself.
func (e *Engine) daemonMetrics(t *metrics.Text, all []core.Status) {
	t.Family("supervisord_info", metrics.Gauge, "1; its labels say what runs.")
	t.Sample(1, "version", e.host.Version.Version, "commit", e.host.Version.Commit, "go", runtime.Version())
	t.Family("supervisord_uptime_seconds", metrics.Gauge, "Age of the daemon.")
	t.Sample(time.Since(e.began).Seconds())
	t.Family("supervisord_restricted", metrics.Gauge, "Whether disable_rce is on (1 or 0).")
	t.Sample(truth(e.restricted.Load()))

	counts := map[core.State]int{}
	for _, s := range all {
		counts[s.State]++
	}
	t.Family("supervisord_processes", metrics.Gauge, "Supervised processes by state.")
	for _, state := range states {
		t.Sample(float64(counts[state]), "state", state.String())
	}
	t.Family("supervisord_goroutines", metrics.Gauge, "Goroutines of the daemon.")
	t.Sample(float64(runtime.NumGoroutine()))
	if own, ok := ownLoad(); ok {
		t.Family("supervisord_memory_bytes", metrics.Gauge, "Resident memory of the daemon itself.")
		t.Sample(float64(own.memory))
		t.Family("supervisord_cpu_seconds_total", metrics.Counter, "Processor time of the daemon and of the children that it has waited for.")
		t.Sample(own.cpu.Seconds())
		t.Family("supervisord_open_fds", metrics.Gauge, "Open descriptors of the daemon itself.")
		t.Sample(float64(own.fds))
	}

	e.meter.mu.Lock()
	running, outcomes, hooks, budgets := e.meter.running, maps.Clone(e.meter.outcomes), maps.Clone(e.meter.hooks), maps.Clone(e.meter.budgets)
	e.meter.mu.Unlock()
	t.Family("supervisord_evals_running", metrics.Gauge, "Evaluations under way, waiting ones and followers included.")
	t.Sample(float64(running))
	t.Family("supervisord_evals_total", metrics.Counter, "Ended evaluations by outcome: ok, or the kind of the error; kinds that scripts make up are raised.")
	for _, outcome := range slices.Sorted(maps.Keys(outcomes)) {
		t.Sample(float64(outcomes[outcome]), "outcome", outcome)
	}
	t.Family("supervisord_hook_calls_total", metrics.Counter, "Ended calls of hooks by outcome, as of evaluations.")
	for _, outcome := range slices.Sorted(maps.Keys(hooks)) {
		t.Sample(float64(hooks[outcome]), "outcome", outcome)
	}
	t.Family("supervisord_budgets_hit_total", metrics.Counter, "Evaluations and calls of hooks that were ended by a budget, by what it bounds.")
	for _, budget := range slices.Sorted(maps.Keys(budgets)) {
		t.Sample(float64(budgets[budget]), "budget", budget)
	}

	lag := e.host.Sup.Lag()
	bounds := make([]float64, len(lag.Bounds))
	for i, d := range lag.Bounds {
		bounds[i] = d.Seconds()
	}
	t.Family("supervisord_loop_lag_seconds", metrics.Histogram, "How long messages and deadlines waited for the loop of their process.")
	t.Buckets(bounds, lag.Counts, lag.Sum.Seconds())
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
