package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
	"github.com/qjpcpu/supervisord/core/spelling"
)

// reader checks raw values against their key and makes them what the key's place holds.
type reader struct {
	base     string                      // absolute; relative paths are relative to it
	lookup   func(string) (string, bool) // what ${VAR} means; nil = strings are literal
	expanded *bool                       // set once a string held an expansion
}

// discreet keeps a value that came out of the environment from showing up in an error.
func (r reader) discreet(err error) error {
	var own undefined
	if !*r.expanded || errors.As(err, &own) {
		return err
	}
	var at atName
	if errors.As(err, &at) {
		return atName{at.name, errHidden}
	}
	return errHidden
}

var errHidden = errors.New("what its ${...} stands for is not a valid value here")

// homeless reports whether a path begins as a shell's home directory, which no daemon expands.
func homeless(path string) bool { return path == "~" || strings.HasPrefix(path, "~/") }

var errHome = errors.New("~ is not expanded: write ${HOME} or the whole path")

// abs makes a path absolute and clean.
func (r reader) abs(path string) string {
	switch {
	case stream(path):
		return path
	case null(path):
		return "/dev/null"
	}
	return absolute(path, r.base)
}

// stream reports whether a path is one of the three that mean something other than a file on every system.
func stream(path string) bool {
	return path == "/dev/stdout" || path == "/dev/stderr" || path == "/dev/null"
}

// place makes a path absolute and clean, and refuses one that means something else than it says.
func (r reader) place(path string) (string, error) {
	if homeless(path) {
		return "", errHome
	}
	path = r.abs(path)
	if name := reserved(path); name != "" {
		return "", fmt.Errorf("%s cannot be the name of a file", quote(name))
	}
	return path, nil
}

// absolute is a path as it is meant in the folder base, which is absolute: absolute and clean.
func absolute(path, base string) string {
	switch {
	case filepath.IsAbs(path):
	case path != "" && os.IsPathSeparator(path[0]): // of Windows: the root of the folder's drive
		path = filepath.VolumeName(base) + path
	default:
		path = filepath.Join(base, path)
	}
	return filepath.Clean(path)
}

// root is the folder that holds all others; on Windows, that of the current drive.
func root() string {
	path := string(filepath.Separator)
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// put sets the key on the draft. The error's text does not begin with the key's name and never holds a value that may be a
// secret; the draft is then as it was.
func (r reader) put(d *draft, k Key, raw any) error {
	switch at := k.at(d).(type) {
	case *string:
		return into(at)(r.word(k, raw))
	case *bool:
		return into(at)(boolean(raw))
	case *int:
		return into(at)(r.whole(k, raw))
	case *int64:
		return into(at)(r.size(raw))
	case *float64:
		return into(at)(r.number(k, raw))
	case *time.Duration:
		return into(at)(r.duration(k, raw))
	case *core.RestartPolicy:
		n, err := r.choice(k, raw)
		return into(at)(core.RestartPolicy(n), err)
	case *logs.Format:
		n, err := r.choice(k, raw)
		return into(at)(logs.Format(n), err)
	case *child.Scope:
		n, err := r.choice(k, raw)
		return into(at)(child.Scope(n), err)
	case *[]string:
		return into(at)(r.texts(k, raw))
	case *[]int:
		return into(at)(r.wholes(k, raw))
	case *child.Setting:
		return into(at)(r.setting(k, raw))
	case *[]child.Rlimit:
		return into(at)(r.rlimits(raw))
	case *map[string]string:
		return into(at)(r.table(raw))
	default:
		return fmt.Errorf("%T cannot be set", at)
	}
}

// into puts a value in its place unless there is an error instead of one.
func into[T any](at *T) func(T, error) error {
	return func(value T, err error) error {
		if err == nil {
			*at = value
		}
		return err
	}
}

// word is the value of a String, a Path or a Choice.
func (r reader) word(k Key, raw any) (string, error) {
	s, err := r.text(raw)
	switch {
	case err != nil:
		return "", err
	case k.Type == Choice:
		return s, oneOf(s, k.Choices)
	case k.Type != Path || s == "":
		return s, nil
	}
	return r.place(s)
}

// choice is which of a Choice's words it is.
func (r reader) choice(k Key, raw any) (int, error) {
	s, err := r.word(k, raw)
	return slices.Index(k.Choices, s), err
}

func boolean(raw any) (bool, error) {
	b, ok := raw.(bool)
	if !ok {
		return false, want("true or false", raw)
	}
	return b, nil
}

// signal wants the name of a signal; its place is an int like that of an Int.
func (r reader) signal(raw any) (int, error) {
	if n, ok := raw.(int64); ok {
		return child.ParseSignal(strconv.FormatInt(n, 10))
	}
	if _, ok := raw.(string); !ok {
		return 0, want("the name of a signal", raw)
	}
	s, err := r.text(raw)
	if err != nil {
		return 0, err
	}
	return child.ParseSignal(s)
}

// text wants a string without zero bytes and expands it.
func (r reader) text(raw any) (string, error) {
	s, ok := raw.(string)
	if !ok {
		return "", want("a string", raw)
	}
	if r.lookup != nil && strings.Contains(s, "${") {
		var err error
		if s, err = expand(s, r.lookup); err != nil {
			return "", undefined{err}
		}
		*r.expanded = true
	}
	if strings.ContainsRune(s, 0) {
		return "", fmt.Errorf("holds a zero byte")
	}
	return s, nil
}

// whole wants an integer within the key's bounds; a Signal's is its number.
func (r reader) whole(k Key, raw any) (int, error) {
	if k.Type == Signal {
		return r.signal(raw)
	}
	n, ok := raw.(int64)
	if !ok {
		return 0, want("an integer", raw)
	}
	if n < k.min || n > k.max {
		return 0, fmt.Errorf("%d is out of range, want %d to %d", n, k.min, k.max)
	}
	return int(n), nil
}

func (r reader) wholes(k Key, raw any) ([]int, error) {
	items, ok := raw.([]any)
	if !ok {
		return nil, want("a list of integers", raw)
	}
	out := make([]int, 0, len(items))
	for i, it := range items {
		n, err := r.whole(k, it)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out, nil
}

// size wants bytes, as a number or as a text such as "100M".
func (r reader) size(raw any) (int64, error) {
	n, ok := raw.(int64)
	if !ok {
		if _, ok := raw.(string); !ok {
			return 0, want(`a size such as "100M"`, raw)
		}
		s, err := r.text(raw)
		if err != nil {
			return 0, err
		}
		if n, err = logs.ParseSize(s); err != nil {
			return 0, err
		}
	}
	switch {
	case n < 0:
		return 0, fmt.Errorf("%d is negative", n)
	case n > maxSize:
		return 0, fmt.Errorf("is out of range, want at most 1024T")
	}
	return n, nil
}

func (r reader) number(k Key, raw any) (float64, error) {
	f, ok := raw.(float64)
	if n, whole := raw.(int64); whole {
		f, ok = float64(n), true
	}
	if !ok {
		return 0, want("a number", raw)
	}
	if math.IsNaN(f) || f < float64(k.min) || f > float64(k.max) {
		return 0, fmt.Errorf("%v is out of range, want %d to %d", f, k.min, k.max)
	}
	return f, nil
}

// duration wants seconds as a number or a text such as "10ms". A text that is a bare number counts seconds too.
func (r reader) duration(k Key, raw any) (time.Duration, error) {
	bad := func() error {
		return fmt.Errorf("is out of range, want %d to %d seconds", k.min, k.max)
	}
	var secs float64
	switch v := raw.(type) {
	case int64:
		if v < k.min || v > k.max {
			return 0, bad()
		}
		return time.Duration(v) * time.Second, nil
	case float64:
		secs = v
	case string:
		s, err := r.text(v)
		if err != nil {
			return 0, err
		}
		s = strings.TrimSpace(s)
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			secs = f
			break
		}
		d, err := parseDuration(s)
		if err != nil {
			return 0, fmt.Errorf("%s is no time: want seconds as a number, or a text such as \"10ms\", \"1s\", \"2m\", \"7d\"", quote(s))
		}
		if d < time.Duration(k.min)*time.Second || d > time.Duration(k.max)*time.Second {
			return 0, bad()
		}
		return d, nil
	default:
		return 0, want(`a time: seconds as a number, or a text such as "10ms"`, raw)
	}
	if math.IsNaN(secs) || secs < float64(k.min) || secs > float64(k.max) {
		return 0, bad()
	}
	return time.Duration(math.Round(secs * float64(time.Second))), nil
}

// parseDuration knows days beside the units of the library; a day has 24 hours.
func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	return time.ParseDuration(s)
}

// asList says how a text is written where a list is wanted. Arguments may be secrets and are not repeated.
func asList(k Key, text string) string {
	switch k.Name {
	case "args":
		return `each argument is one, as in ["--port", "80"]`
	case "stop_command":
		if words := commandWords(text); len(words) > 0 {
			return "write [" + strings.Join(words, ", ") + "]"
		}
	}
	return "write [" + strconv.Quote(clip(text)) + "]"
}

// texts wants a list of strings; those of Paths are made absolute.
func (r reader) texts(k Key, raw any) ([]string, error) {
	items, ok := raw.([]any)
	if !ok {
		err := want("a list of strings", raw)
		if s, isText := raw.(string); isText {
			return nil, fmt.Errorf("%w: %s", err, asList(k, s))
		}
		return nil, err
	}
	out := make([]string, 0, len(items))
	for i, it := range items {
		s, err := r.text(it)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
		if k.Type == Paths {
			if s == "" {
				return nil, fmt.Errorf("item %d is empty", i+1)
			}
			if k.Name != "purge_files" && os.IsPathSeparator(s[len(s)-1]) {
				return nil, fmt.Errorf("item %d names a directory", i+1)
			}
			if s, err = r.place(s); err != nil {
				return nil, fmt.Errorf("item %d: %w", i+1, err)
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// table wants names with texts; numbers and booleans are taken as they are written, since PORT = 8080 has one meaning.
func (r reader) table(raw any) (map[string]string, error) {
	m, ok := raw.(map[string]any)
	if !ok {
		return nil, want("a table of strings", raw)
	}
	out := make(map[string]string, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) { // so that the first problem is always the same one
		if err := validVariable(name); err != nil {
			return nil, atName{name, err}
		}
		switch v := m[name].(type) {
		case string:
			s, err := r.text(v)
			if err != nil {
				return nil, atName{name, err}
			}
			out[name] = s
		case int64:
			out[name] = strconv.FormatInt(v, 10)
		case bool:
			out[name] = strconv.FormatBool(v)
		default:
			return nil, atName{name, want("a string", v)}
		}
	}
	return out, nil
}

// atName is an error about one entry of a table, so that the position can be the entry's own.
type atName struct {
	name string
	err  error
}

func (e atName) Error() string { return quote(e.name) + ": " + e.err.Error() }
func (e atName) Unwrap() error { return e.err }

// validVariable refuses names that no environment can carry.
func validVariable(name string) error {
	if name == "" || strings.ContainsAny(name, "=\x00") {
		return fmt.Errorf("cannot be the name of a variable")
	}
	return nil
}

// undefined is an error of an expansion itself: it names a variable and holds no value.
type undefined struct{ error }

func oneOf(s string, choices []string) error {
	if slices.Contains(choices, s) {
		return nil
	}
	msg := fmt.Sprintf("unknown value %s, want %s", quote(s), strings.Join(choices, ", "))
	if near := spelling.Nearest(s, choices); near != "" {
		msg += " (did you mean " + near + "?)"
	}
	return fmt.Errorf("%s", msg)
}

// want is the error for a value of a wrong type; it names types only.
func want(what string, raw any) error { return fmt.Errorf("want %s, got %s", what, kindOf(raw)) }

// kindOf names a raw value's type with its article.
func kindOf(raw any) string {
	switch raw.(type) {
	case nil:
		return "nothing"
	case string:
		return "a string"
	case int64:
		return "an integer"
	case float64:
		return "a float"
	case bool:
		return "a boolean"
	case time.Time:
		return "a date"
	case map[string]any:
		return "a table"
	case []any:
		return "a list"
	case []map[string]any:
		return "a list of tables"
	}
	return "something else"
}
