package core

import (
	"runtime"
	"slices"
	"sort"
	"strings"

	"github.com/qjpcpu/supervisord/core/child"
)

// AddressKey is the variable that tells a process where its daemon listens.
const AddressKey = "SUPERVISOR_ADDRESS"

// private are the daemon's own variables: how its service manager talks to it, its token, its runtime's tuning. A process
// gets one of them only when its Spec declares it. A trailing * stands for any rest.
var private = [...]string{
	"NOTIFY_SOCKET", "WATCHDOG_*", "LISTEN_*", "INVOCATION_ID", "JOURNAL_STREAM", "MAINPID", "FDSTORE",
	"SUPERVISORD_TOKEN*", child.UnitKey, child.DaemonKey, AddressKey, PIDKey, "GOTRACEBACK", "GODEBUG", "GOMEMLIMIT", "GOGC",
}

func isPrivate(key string) bool {
	return slices.ContainsFunc(private[:], func(p string) bool {
		if prefix, ok := strings.CutSuffix(p, "*"); ok {
			return strings.HasPrefix(key, prefix)
		}
		return key == p
	})
}

// inheritable is what of the daemon's own environment every process gets: without the private variables, a key once (the last
// one counts).
func inheritable(environ []string) []string {
	last := make(map[string]int, len(environ))
	for i, kv := range environ {
		if k, _, ok := strings.Cut(kv, "="); ok && k != "" && !isPrivate(k) {
			last[k] = i
		}
	}
	out := make([]string, 0, len(last)+1)
	for i, kv := range environ {
		if k, _, _ := strings.Cut(kv, "="); k != "" {
			if j, ok := last[k]; ok && i == j {
				out = append(out, kv)
			}
		}
	}
	return out
}

// personal are the variables that belong to the daemon's own user; a process that runs as another gets that one's.
var personal = [...]string{"HOME", "USER", "LOGNAME", "SHELL"}

// environ is base with what the Launch declares over it, sorted. Base is left alone.
func environ(base []string, l Launch) []string {
	out := make([]string, 0, len(base)+len(l.Env))
	for _, kv := range base {
		k, _, _ := strings.Cut(kv, "=")
		over := overridden(l.Env, k)
		if !over && !(l.User != "" && slices.Contains(personal[:], k)) {
			out = append(out, kv)
		}
	}
	for k, v := range l.Env {
		out = append(out, k+"="+v)
	}
	sort.Strings(out)
	return out
}

// overridden tells whether env has the variable; on Windows their names differ by more than their case.
func overridden(env map[string]string, name string) bool {
	if _, over := env[name]; over || runtime.GOOS != "windows" {
		return over
	}
	for k := range env {
		if strings.EqualFold(k, name) {
			return true
		}
	}
	return false
}
