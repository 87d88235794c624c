package migrate

import (
	"fmt"
	"strconv"
	"strings"
)

// mostNumber bounds whole numbers; as seconds it is ten years, which is the longest time that our configuration takes.
const mostNumber = 10 * 365 * 24 * 60 * 60

// options reads the keys of one section, those of another where they are missing, and notes what nobody asked for.
type options struct {
	own, defaults *section
	known         values
	used          map[string]bool
	note          func(format string, args ...any)
}

// raw is a value as it is written.
func (o *options) raw(key string) (string, bool) {
	o.used[key] = true
	if v, found := o.own.get(key); found {
		return v, true
	}
	return o.defaults.get(key)
}

// text is a value with what %(...) stands for; "" is the same as none.
func (o *options) text(key string) (string, bool) {
	v, found := o.raw(key)
	if !found || strings.TrimSpace(v) == "" {
		return "", false
	}
	return expand(v, o.known, o.note), true
}

// boolean is a switch; a value that is none is noted.
func (o *options) boolean(key string) (value, given bool) {
	v, found := o.text(key)
	if !found {
		return false, false
	}
	switch strings.ToLower(v) {
	case "true", "yes", "on", "1", "t", "y":
		return true, true
	case "false", "no", "off", "0", "f", "n":
		return false, true
	}
	o.misunderstood(key, v)
	return false, false
}

func (o *options) misunderstood(key, value string) {
	o.note("%s = %s is not understood", key, quoted(value))
}

// number is a whole number from least.
func (o *options) number(key string, least int) (int, bool) {
	v, found := o.text(key)
	if !found {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil || n < least || n > mostNumber {
		o.misunderstood(key, v)
		return 0, false
	}
	return n, true
}

// size is a number of bytes, written as our size.
func (o *options) size(key string) (bytes int64, written string, given bool) {
	v, found := o.text(key)
	if !found {
		return 0, "", false
	}
	number := strings.ToUpper(strings.ReplaceAll(v, " ", ""))
	unit, letter := int64(1), ""
	for _, u := range []struct {
		suffix, letter string
		bytes          int64
	}{{"KB", "K", 1 << 10}, {"MB", "M", 1 << 20}, {"GB", "G", 1 << 30}, {"K", "K", 1 << 10}, {"M", "M", 1 << 20}, {"G", "G", 1 << 30}, {"B", "", 1}} {
		if rest, found := strings.CutSuffix(number, u.suffix); found {
			number, unit, letter = rest, u.bytes, u.letter
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > (1<<50)/unit {
		o.misunderstood(key, v)
		return 0, "", false
	}
	if n == 0 || letter == "" {
		return n * unit, fmt.Sprint(n), true
	}
	return n * unit, fmt.Sprintf("%q", fmt.Sprint(n)+letter), true
}

// has no counterpart: the key, if it is given, is noted with what to do instead.
func (o *options) lost(key, instead string) {
	if v, found := o.raw(key); found && strings.TrimSpace(v) != "" {
		if instead != "" {
			instead = ": " + instead
		}
		o.note("%s = %s has no counterpart%s", key, quoted(v), instead)
	}
}

// rest notes every key that was not looked at, and what stood behind values as a comment and may not have been meant so.
func (o *options) rest() {
	for _, s := range []*section{o.own, o.defaults} {
		if s == nil {
			continue
		}
		for _, option := range s.options {
			if !o.used[option.key] {
				o.used[option.key] = true
				o.note("%s = %s has no counterpart", option.key, quoted(option.value))
			}
			if option.cut != "" && strings.Count(option.value, `"`)%2+strings.Count(option.value, "'")%2 > 0 {
				o.note("%s ends before %s, which is a comment in such a file", option.key, quoted(option.cut))
			}
		}
		for _, line := range s.broken {
			o.note("%s is not understood", quoted(line))
		}
	}
}
