package builtins

import (
	"fmt"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/lisp"
)

// load is what a process and everything that descends from it take.
type load struct {
	memory    int64         // bytes; what several share counts once
	cpu       time.Duration // used since the start, by those too that have ended and were waited for
	processes int
	threads   int
	fds       int
}

func usage(h *Host, _ *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	names, err := arguments{"usage", args}.texts()
	if err != nil {
		return lisp.Nil, err
	}
	all, err := h.Sup.Status(names...)
	if err != nil {
		return lisp.Nil, shown(err)
	}
	loads, err := h.measureTrees(all)
	if err != nil {
		return lisp.Nil, fmt.Errorf("cannot measure: %w", err)
	}
	out := make([]lisp.Value, len(all))
	for i, s := range all {
		l := loads[s.Name]
		entry := lisp.NewHash()
		entry.SetString("name", lisp.String(s.Name))
		entry.SetString("memory", lisp.Int(l.memory))
		entry.SetString("cpu", seconds(l.cpu))
		entry.SetString("processes", lisp.Int(int64(l.processes)))
		entry.SetString("threads", lisp.Int(int64(l.threads)))
		entry.SetString("fds", lisp.Int(int64(l.fds)))
		out[i] = lisp.HashValue(entry)
	}
	return lisp.Array(out...), nil
}

// measureAll measures every process.
func (h *Host) measureAll() (map[string]load, error) {
	all, err := h.Sup.Status()
	if err != nil {
		return nil, err
	}
	return h.measureTrees(all)
}

// measureTrees measures the trees of these processes; by name.
func (h *Host) measureTrees(all []core.Status) (map[string]load, error) {
	leaders, units := map[int]string{}, map[string]string{}
	for _, s := range all {
		if s.PID != 0 {
			leaders[s.PID] = s.Name
			units[fmt.Sprintf("%s#%d", s.Name, s.Generation)] = s.Name
		}
	}
	if len(leaders) == 0 {
		return map[string]load{}, nil
	}
	return measure(h.Starter, leaders, units)
}
