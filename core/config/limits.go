package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
	"github.com/qjpcpu/supervisord/core/spelling"
)

// unlimited is how "no limit" is written.
const unlimited = "unlimited"

// mode wants permission bits as they are always written. A number is refused: 22 and 0o22 are the same to nobody but TOML.
func (r reader) mode(raw any) (int, error) {
	if _, ok := raw.(string); !ok {
		return 0, want(`a string such as "027"`, raw)
	}
	s, err := r.text(raw)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimSpace(s), "0o"), 8, 32)
	if err != nil || n > 0o777 {
		return 0, fmt.Errorf(`%s is no umask, want octal digits from "000" to "777"`, quote(s))
	}
	return int(n), nil
}

// setting wants a number that may be left unsaid.
func (r reader) setting(k Key, raw any) (child.Setting, error) {
	read := r.whole
	if k.Type == Mode {
		read = func(_ Key, raw any) (int, error) { return r.mode(raw) }
	}
	n, err := read(k, raw)
	if err != nil {
		return child.Setting{}, err
	}
	return child.Setting{Given: true, Value: n}, nil
}

// settingText is what setting reads.
func settingText(k Key, s child.Setting) any {
	switch {
	case !s.Given:
		return ""
	case k.Type == Mode:
		return fmt.Sprintf("%03o", s.Value)
	}
	return s.Value
}

// rlimits wants a table of resources with "N" or "SOFT:HARD" each.
func (r reader) rlimits(raw any) ([]child.Rlimit, error) {
	table, err := r.table(raw)
	if err != nil {
		return nil, err
	}
	known := child.RlimitNames()
	names := slices.Sorted(maps.Keys(known))
	var out []child.Rlimit
	for _, name := range slices.Sorted(maps.Keys(table)) { // so that the first problem is always the same one
		text := table[name]
		inBytes, ok := known[name]
		if !ok {
			msg := "unknown resource, want one of " + strings.Join(names, " ")
			if near := spelling.Nearest(name, names); near != "" {
				msg = "unknown resource (did you mean " + near + "?)"
			}
			return nil, atName{name, errors.New(msg)}
		}
		one, err := rlimit(text, inBytes)
		if err != nil {
			return nil, atName{name, err}
		}
		one.Name = name
		out = append(out, one)
	}
	return out, nil
}

func rlimit(text string, inBytes bool) (child.Rlimit, error) {
	soft, hard, two := strings.Cut(text, ":")
	if !two {
		hard = soft
	}
	low, err := rlimitNumber(soft, inBytes)
	if err != nil {
		return child.Rlimit{}, err
	}
	high, err := rlimitNumber(hard, inBytes)
	if err == nil && low > high {
		err = fmt.Errorf("the soft limit %s is more than the hard one %s", clip(soft), clip(hard))
	}
	return child.Rlimit{Soft: low, Hard: high}, err
}

func rlimitNumber(text string, inBytes bool) (uint64, error) {
	text = strings.TrimSpace(text)
	if text == unlimited {
		return child.NoLimit, nil
	}
	if n, err := strconv.ParseUint(text, 10, 63); err == nil {
		return n, nil
	}
	if inBytes {
		if n, err := logs.ParseSize(text); err == nil {
			return uint64(n), nil
		}
		return 0, fmt.Errorf(`%s is no limit, want a size such as "64M", SOFT:HARD or "unlimited"`, quote(text))
	}
	return 0, fmt.Errorf(`%s is no limit, want a number, SOFT:HARD or "unlimited"`, quote(text))
}

// rlimitTexts is what rlimits reads.
func rlimitTexts(all []child.Rlimit) map[string]string {
	out := make(map[string]string, len(all))
	number := func(n uint64) string {
		if n == child.NoLimit {
			return unlimited
		}
		return strconv.FormatUint(n, 10)
	}
	for _, l := range all {
		out[l.Name] = number(l.Soft)
		if l.Soft != l.Hard {
			out[l.Name] += ":" + number(l.Hard)
		}
	}
	return out
}

// limits refuses what this system cannot keep, at the key that asks for it.
func (b *builder) limits(spec *core.Spec, src source) {
	for _, problem := range child.LimitProblems(spec.Launch.Limits, b.cgroup) {
		b.bad(src, problem.Key, "", "%s: cannot be kept: %v", src.label(problem.Key), problem.Err)
	}
}
