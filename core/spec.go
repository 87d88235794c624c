package core

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
)

// Spec is one process as it is wanted. Its three parts are the reload rule: a change of Launch needs a new child, Care and
// Output are applied to the living one. A Spec is a value; nobody may change its maps and slices once it was handed over.
type Spec struct {
	Name   string
	Origin Origin
	Launch Launch
	Care   Care
	Output Output
}

// Origin is where a Spec came from.
type Origin int

// A process of the file can only be changed in the file; the others can be replaced and removed by request.
const (
	FromFile Origin = iota
	FromFlags
	Added
)

// String is "file", "flags" or "added".
func (o Origin) String() string {
	switch o {
	case FromFlags:
		return "flags"
	case Added:
		return "added"
	}
	return "file"
}

// MarshalText makes an Origin its name in JSON.
func (o Origin) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Launch is what makes the child what it is.
type Launch struct {
	Command string            // program; without '/' it is looked up in the PATH the process gets
	Args    []string          // after argv[0]
	Env     map[string]string // env_file, then env; over the daemon's own
	Dir     string            // absolute; "" = the daemon's
	User    string            // name or number; "" = the daemon's
	Group   string
	PIDFile string // absolute; "" = none
	Limits  child.Limits
}

// RestartPolicy says which ends are followed by a new start.
type RestartPolicy int

// OnFailure restarts after an exit that is not expected, Always after any, Never after none.
const (
	OnFailure RestartPolicy = iota
	Always
	Never
)

var policyNames = [...]string{"on-failure", "always", "never"}

// RestartPolicies are the names of all policies in the configuration, in the order of their values.
func RestartPolicies() []string { return slices.Clone(policyNames[:]) }

// String is the policy's name in the configuration: "on-failure", "always", "never".
func (p RestartPolicy) String() string {
	if p < 0 || int(p) >= len(policyNames) {
		return fmt.Sprintf("policy(%d)", int(p))
	}
	return policyNames[p]
}

// MarshalText makes a RestartPolicy its name in JSON.
func (p RestartPolicy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Care is how the daemon looks after the process.
type Care struct {
	Autostart       bool // start it at boot and when a reload brings it
	Restart         RestartPolicy
	ExitCodes       []int    // the expected ones
	OmitExitCode    bool     // every exit is expected, by signal too
	StopSignal      int      // number
	StopCommand     []string // run after it; program and arguments, empty = none
	StopWait        time.Duration
	KillWait        time.Duration // KILL again after this, and say what is left
	StopMode        child.Scope
	StartGrace      time.Duration // a life shorter than this was no start
	MaxRestarts     int           // within RestartWindow; -1 = no limit
	RestartWindow   time.Duration // 0 = since somebody asked for the start
	RestartDelay    time.Duration // before the first restart, then doubling; 0 = none, ever
	RestartDelayMax time.Duration
	RestartJitter   float64       // 0..1: a delay is shortened at random by up to this part
	Steady          time.Duration // a life as long as this makes the next delay the first again
	Priority        int           // start ascending, stop descending
	PurgeFiles      []string      // what shutdown --clear removes besides the logs
}

// Output is where its output goes.
type Output struct {
	Stdout, Stderr []string      // files, each gets every byte; empty = discarded
	Size           int64         // bytes per file, 0 = never rotated
	Count          int           // rotated files kept
	Age            time.Duration // of their last byte, 0 = any
	Total          int64         // bytes of all files of one stream together, 0 = any
	Compress       bool          // rotated files are packed with gzip
	Format         logs.Format
}

// DefaultCare is the one set of defaults for file, flags and add-proc.
func DefaultCare() Care {
	return Care{
		Autostart:       true,
		Restart:         OnFailure,
		ExitCodes:       []int{0},
		StopSignal:      sigTERM,
		StopWait:        10 * time.Second,
		KillWait:        5 * time.Second,
		StopMode:        child.Tree,
		MaxRestarts:     -1,
		RestartWindow:   60 * time.Second,
		RestartDelay:    10 * time.Millisecond,
		RestartDelayMax: 60 * time.Second,
		RestartJitter:   0.1,
		Steady:          10 * time.Second,
	}
}

// sigTERM is the number of the default stop signal; the same on every system this runs on.
const sigTERM = 15

// maxName is the longest name a process may have, in bytes.
const maxName = 64

// longestTime is the longest wait or age: with it no deadline and no sum of several is beyond what a time.Duration holds.
const longestTime = 10 * 366 * 24 * time.Hour

// ValidName returns ErrInvalid unless the name matches [A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}: it must be safe in file names, on
// command lines, in globs and in logs.
func ValidName(name string) error {
	if name == "" {
		return failf(ErrInvalid, "a process needs a name")
	}
	if len(name) > maxName {
		return failf(ErrInvalid, "name %.20q... is too long: %d bytes, at most %d", name, len(name), maxName)
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_':
		case i > 0 && (c == '.' || c == '@' || c == '-'):
		default:
			return failf(ErrInvalid, "name %q may hold letters, digits, _ and, after the first, . @ -", name)
		}
	}
	return nil
}

// Validate returns nil or ErrInvalid with the first thing that can never work. What may change by itself (does the program
// exist, does the user) is not its business: a start finds out.
func (s Spec) Validate() error {
	if err := ValidName(s.Name); err != nil {
		return err
	}
	bad := func(key, format string, args ...any) error {
		return failf(ErrInvalid, "%s: %s %s", s.Name, key, fmt.Sprintf(format, args...))
	}
	l, c, o := s.Launch, s.Care, s.Output
	switch {
	case l.Command == "":
		return bad("command", "is missing")
	case strings.ContainsRune(l.Command, 0):
		return bad("command", "holds a zero byte")
	case l.Dir != "" && !filepath.IsAbs(l.Dir):
		return bad("cwd", "must be absolute, got %q", l.Dir)
	case l.PIDFile != "" && !filepath.IsAbs(l.PIDFile):
		return bad("pid_file", "must be absolute, got %q", l.PIDFile)
	case c.Restart < OnFailure || c.Restart > Never:
		return bad("restart", "is unknown")
	case c.StopSignal <= 0:
		return bad("stop_signal", "is missing")
	case len(c.StopCommand) > 0 && strings.TrimSpace(c.StopCommand[0]) == "":
		return bad("stop_command", "has no program")
	case slices.ContainsFunc(c.StopCommand, func(a string) bool { return strings.ContainsRune(a, 0) }):
		return bad("stop_command", "holds a zero byte")
	case c.MaxRestarts < -1:
		return bad("max_restarts", "must be -1 or more, got %d", c.MaxRestarts)
	case math.IsNaN(c.RestartJitter) || c.RestartJitter < 0 || c.RestartJitter > 1:
		return bad("restart_jitter", "must be between 0 and 1, got %v", c.RestartJitter)
	case c.RestartDelayMax < c.RestartDelay:
		return bad("restart_delay_max", "is less than restart_delay (%v, %v)", c.RestartDelayMax, c.RestartDelay)
	case o.Size < 0:
		return bad("std_log_size", "must not be negative, got %d", o.Size)
	case o.Count < 0:
		return bad("std_log_count", "must not be negative, got %d", o.Count)
	case o.Total < 0:
		return bad("std_log_total", "must not be negative, got %d", o.Total)
	case o.Total > 0 && o.Total < o.Size:
		return bad("std_log_total", "is less than std_log_size (%d, %d)", o.Total, o.Size)
	case o.Format < logs.Raw || o.Format > logs.JSON:
		return bad("log_format", "is unknown")
	}
	for _, d := range []struct {
		key string
		val time.Duration
	}{
		{"stop_wait_secs", c.StopWait}, {"kill_wait_secs", c.KillWait}, {"start_secs", c.StartGrace},
		{"restart_window", c.RestartWindow}, {"restart_delay", c.RestartDelay}, {"restart_delay_max", c.RestartDelayMax},
		{"steady", c.Steady}, {"std_log_age", o.Age},
	} {
		switch {
		case d.val < 0:
			return bad(d.key, "must not be negative, got %v", d.val)
		case d.val > longestTime:
			return bad(d.key, "must be at most %v, got %v", longestTime, d.val)
		}
	}
	if err := validLimits(l.Limits); err != nil {
		return failf(ErrInvalid, "%s: %v", s.Name, err)
	}
	for i, a := range l.Args {
		if strings.ContainsRune(a, 0) {
			return bad("args", "number %d holds a zero byte", i+1)
		}
	}
	for k, v := range l.Env {
		if k == "" || strings.ContainsAny(k, "=\x00") || strings.ContainsRune(v, 0) {
			return bad("env", "key %q cannot be passed to a process", k)
		}
	}
	return nil
}

// validLimits returns what no kernel takes.
func validLimits(l child.Limits) error {
	for _, in := range []struct {
		key       string
		is        child.Setting
		low, high int
	}{{"umask", l.Umask, 0, 0o777}, {"nice", l.Nice, -20, 19}, {"oom_score_adj", l.OOMScoreAdj, -1000, 1000}} {
		if in.is.Given && (in.is.Value < in.low || in.is.Value > in.high) {
			return fmt.Errorf("%s must be between %d and %d, got %d", in.key, in.low, in.high, in.is.Value)
		}
	}
	for _, r := range l.Rlimits {
		if _, known := child.RlimitNames()[r.Name]; !known || r.Soft > r.Hard {
			return fmt.Errorf("rlimits: %s cannot be limited so", r.Name)
		}
	}
	if l.MemoryMax < 0 || l.PIDsMax < 0 || l.CPUMax < 0 || math.IsNaN(l.CPUMax) {
		return fmt.Errorf("memory_max, pids_max and cpu_max must not be negative")
	}
	return nil
}

// Equal reports whether nothing differs that a plan would name.
func (s Spec) Equal(other Spec) bool {
	return s.Name == other.Name && s.Origin == other.Origin &&
		len(differ(s, other).all()) == 0
}
