package builtins

import (
	"errors"
	"maps"
	"slices"

	"github.com/qjpcpu/supervisord/core/child"
)

// measure asks the starter, who has the jobs that hold the leaders and what descends from them. Descriptors are handles here.
func measure(starter child.Starter, leaders map[int]string, _ map[string]string) (map[string]load, error) {
	host, ok := starter.(interface {
		Measure(leaders []int) (map[int]child.Load, error)
	})
	if !ok {
		return nil, errors.New("what starts the processes does not measure them")
	}
	found, err := host.Measure(slices.Collect(maps.Keys(leaders)))
	if err != nil {
		return nil, err
	}
	loads := make(map[string]load, len(found))
	for pid, l := range found {
		loads[leaders[pid]] = load{memory: l.Memory, cpu: l.CPU, processes: l.Processes, threads: l.Threads, fds: l.Handles}
	}
	return loads, nil
}
