package config

import (
	"strconv"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
)

// Effective is the configuration as it holds, with the keys of the file: the daemon's, and under "process" one map for each
// Spec. Values are string, int, float64, bool, []string, []int and map[string]string; times are whole seconds as int, else a
// text such as "10ms"; sizes a text such as "100M". env is what env_file and env come to. Secrets are not masked.
func Effective(c Config) map[string]any {
	d := draft{settings: c.Settings}
	out := make(map[string]any)
	for _, k := range daemonKeys() {
		out[k.Name] = k.value(&d)
	}
	processes := make([]map[string]any, 0, len(c.Specs))
	for _, s := range c.Specs {
		processes = append(processes, SpecKeys(s))
	}
	out["process"] = processes
	return out
}

// SpecKeys is one Spec with the keys of [[process]]: ProcessFromHash makes the same Spec of it. Values as in Effective; keys
// that hold nothing are absent.
func SpecKeys(s core.Spec) map[string]any {
	d := draft{spec: s, env: s.Launch.Env}
	out := make(map[string]any)
	for _, k := range processKeys() {
		if v := k.value(&d); !nothing(v) && !(k.none && (v == 0 || v == 0.0 || v == "0")) || k.Name == "stdout" || k.Name == "stderr" || k.Name == "exit_codes" {
			out[k.Name] = v
		}
	}
	return out
}

// nothing reports whether a value is the same as leaving its key out.
func nothing(v any) bool {
	switch v := v.(type) {
	case string:
		return v == ""
	case []string:
		return len(v) == 0
	case map[string]string:
		return len(v) == 0
	}
	return false
}

// value is the key's value as Effective shows it.
func (k Key) value(d *draft) any {
	switch at := k.at(d).(type) {
	case *string:
		return *at
	case *bool:
		return *at
	case *int:
		if k.Type == Signal {
			return child.SignalName(*at)
		}
		return *at
	case *int64:
		return sizeText(*at)
	case *float64:
		return *at
	case *time.Duration:
		if *at%time.Second == 0 {
			return int(*at / time.Second)
		}
		return at.String()
	case *core.RestartPolicy:
		return at.String()
	case *logs.Format:
		return at.String()
	case *child.Scope:
		return at.String()
	case *[]string:
		return append([]string{}, *at...)
	case *[]int:
		return append([]int{}, *at...)
	case *map[string]string:
		return *at
	case *child.Setting:
		return settingText(k, *at)
	case *[]child.Rlimit:
		return rlimitTexts(*at)
	}
	return nil
}

// sizeText writes bytes so that a size can be read from it, in the largest unit that holds it whole.
func sizeText(n int64) string {
	for _, u := range []struct {
		letter string
		bytes  int64
	}{{"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}} {
		if n > 0 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.letter
		}
	}
	return strconv.FormatInt(n, 10)
}
