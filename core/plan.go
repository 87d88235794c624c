package core

import (
	"fmt"
	"slices"
	"sort"

	"github.com/qjpcpu/supervisord/core/child"
)

// Op is what a plan does with one process.
type Op int

// Keep changes nothing, Tune changes the living process in place, Renew needs a new child, Add and Remove speak for themselves.
const (
	Keep Op = iota
	Tune
	Renew
	Add
	Remove
)

var opNames = [...]string{"keep", "tune", "renew", "add", "remove"}

// String is the operation's name in lower case.
func (o Op) String() string {
	if o < 0 || int(o) >= len(opNames) {
		return fmt.Sprintf("op(%d)", int(o))
	}
	return opNames[o]
}

// MarshalText makes an Op its name in JSON.
func (o Op) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Step is one process's part of a plan.
type Step struct {
	Op      Op
	Name    string
	Reasons []string // the keys that differ, as in the file ("args", "env.PORT"); never a value
	Spec    Spec     // as wanted; of a Remove, as it was
	Warning string   // what the step cannot do at once, "" when there is nothing to say
}

// Plan is what Apply would do: first the wanted processes in their order, then the removed ones.
type Plan struct{ Steps []Step }

// Changed reports whether there is anything to do.
func (p Plan) Changed() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Op != Keep })
}

// Diff is the plan that leads from have to want. Pure.
func Diff(have, want []Spec) Plan {
	old := make(map[string]Spec, len(have))
	for _, s := range have {
		old[s.Name] = s
	}
	steps := make([]Step, 0, max(len(have), len(want)))
	for _, w := range want {
		h, known := old[w.Name]
		delete(old, w.Name)
		if !known {
			steps = append(steps, Step{Op: Add, Name: w.Name, Spec: w})
			continue
		}
		d := differ(h, w)
		step := Step{Name: w.Name, Spec: w, Reasons: d.all()}
		switch {
		case len(d.launch) > 0:
			step.Op = Renew
		case len(d.care)+len(d.output) > 0:
			step.Op = Tune
			step.Warning = pipeWarning(h.Output, w.Output)
			if h.Care.StopMode != w.Care.StopMode {
				step.Warning = "stop_mode counts from the next start on"
			}
		case h.Origin != w.Origin:
			step.Op, step.Reasons = Tune, []string{"origin"}
		}
		steps = append(steps, step)
	}
	for _, h := range have {
		if _, left := old[h.Name]; left {
			steps = append(steps, Step{Op: Remove, Name: h.Name, Spec: h})
		}
	}
	return Plan{steps}
}

// difference names the keys that differ, by the part of the Spec they belong to.
type difference struct{ launch, care, output []string }

func (d difference) all() []string { return slices.Concat(d.launch, d.care, d.output) }

// differ compares key by key; a reflection test holds it to every field there is.
func differ(a, b Spec) difference {
	var d difference
	note := func(part *[]string, key string, same bool) {
		if !same {
			*part = append(*part, key)
		}
	}
	l, m := a.Launch, b.Launch
	note(&d.launch, "command", l.Command == m.Command)
	note(&d.launch, "args", slices.Equal(l.Args, m.Args))
	d.launch = append(d.launch, differEnv(l.Env, m.Env)...)
	note(&d.launch, "cwd", l.Dir == m.Dir)
	note(&d.launch, "user", l.User == m.User)
	note(&d.launch, "group", l.Group == m.Group)
	note(&d.launch, "pid_file", l.PIDFile == m.PIDFile)
	x, y := l.Limits, m.Limits
	note(&d.launch, "umask", x.Umask == y.Umask)
	note(&d.launch, "nice", x.Nice == y.Nice)
	note(&d.launch, "oom_score_adj", x.OOMScoreAdj == y.OOMScoreAdj)
	note(&d.launch, "rlimits", slices.Equal(x.Rlimits, y.Rlimits))
	note(&d.launch, "memory_max", x.MemoryMax == y.MemoryMax)
	note(&d.launch, "pids_max", x.PIDsMax == y.PIDsMax)
	note(&d.launch, "cpu_max", x.CPUMax == y.CPUMax)

	c, e := a.Care, b.Care
	note(&d.care, "autostart", c.Autostart == e.Autostart)
	note(&d.care, "restart", c.Restart == e.Restart)
	note(&d.care, "exit_codes", slices.Equal(c.ExitCodes, e.ExitCodes))
	note(&d.care, "omit_exit_code", c.OmitExitCode == e.OmitExitCode)
	note(&d.care, "stop_signal", c.StopSignal == e.StopSignal)
	note(&d.care, "stop_command", slices.Equal(c.StopCommand, e.StopCommand))
	note(&d.care, "stop_wait_secs", c.StopWait == e.StopWait)
	note(&d.care, "kill_wait_secs", c.KillWait == e.KillWait)
	note(&d.care, "stop_mode", c.StopMode == e.StopMode)
	note(&d.care, "start_secs", c.StartGrace == e.StartGrace)
	note(&d.care, "max_restarts", c.MaxRestarts == e.MaxRestarts)
	note(&d.care, "restart_window", c.RestartWindow == e.RestartWindow)
	note(&d.care, "restart_delay", c.RestartDelay == e.RestartDelay)
	note(&d.care, "restart_delay_max", c.RestartDelayMax == e.RestartDelayMax)
	note(&d.care, "restart_jitter", c.RestartJitter == e.RestartJitter)
	note(&d.care, "steady", c.Steady == e.Steady)
	note(&d.care, "priority", c.Priority == e.Priority)
	note(&d.care, "purge_files", slices.Equal(c.PurgeFiles, e.PurgeFiles))

	o, p := a.Output, b.Output
	note(&d.output, "stdout", slices.Equal(o.Stdout, p.Stdout))
	note(&d.output, "stderr", slices.Equal(o.Stderr, p.Stderr))
	note(&d.output, "std_log_size", o.Size == p.Size)
	note(&d.output, "std_log_count", o.Count == p.Count)
	note(&d.output, "std_log_age", o.Age == p.Age)
	note(&d.output, "std_log_total", o.Total == p.Total)
	note(&d.output, "std_log_compress", o.Compress == p.Compress)
	note(&d.output, "log_format", o.Format == p.Format)
	return d
}

// differEnv names the variables that differ as "env.NAME", sorted; values are secrets and stay out.
func differEnv(a, b map[string]string) []string {
	var out []string
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			out = append(out, "env."+k)
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			out = append(out, "env."+k)
		}
	}
	sort.Strings(out)
	return out
}

// pipeWarning says when the living child's pipes do not fit the wanted output: a stream it has no pipe for begins to be
// captured, or one pipe that carries both would have to be split.
func pipeWarning(have, want Output) string {
	h, w := wiring(have), wiring(want)
	switch {
	case h == w:
		return ""
	case h.stderr == child.Same && w.stderr != child.Same:
		return "stdout and stderr share one pipe until the next start"
	case h.stdout == child.Null && w.stdout != child.Null, h.stderr == child.Null && w.stderr != child.Null:
		return "what was discarded is captured from the next start on"
	}
	return ""
}
