//go:build !linux

package child

import (
	"errors"
	"runtime"
)

// LimitProblems names every limit that is asked for: there are none on this system.
func LimitProblems(l Limits, cgroupMode string) []LimitProblem {
	var all []LimitProblem
	for _, one := range []struct {
		key   string
		given bool
	}{
		{"umask", l.Umask.Given}, {"nice", l.Nice.Given}, {"oom_score_adj", l.OOMScoreAdj.Given}, {"rlimits", len(l.Rlimits) > 0},
		{"memory_max", l.MemoryMax > 0}, {"pids_max", l.PIDsMax > 0}, {"cpu_max", l.CPUMax > 0},
	} {
		if one.given {
			all = append(all, LimitProblem{one.key, errors.New("not supported on " + runtime.GOOS)})
		}
	}
	return all
}
