package migrate

import (
	"strings"
)

// section is one section of an INI file; sections of one name are one.
type section struct {
	name    string // "program:web", "supervisord"
	options []option
	broken  []string // lines that say nothing
}

// option is one key with its value. Lines that go on are joined by newlines.
type option struct {
	key, value string
	cut        string // what stood behind it as a comment
}

// parseINI reads a file as Python's ConfigParser does for supervisor: # and ; begin a comment at the head of a line or after a
// blank, = or : ends a key, an indented line goes on, later keys win, keys are lower case.
func parseINI(text string) []*section {
	var all []*section
	var now *section
	var last *option
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\n")
		body, cut := withoutComment(line)
		trimmed := strings.TrimSpace(body)
		switch {
		case trimmed == "":
			if strings.TrimSpace(line) == "" {
				last = nil
			}
		case (line[0] == ' ' || line[0] == '\t') && last != nil:
			last.value += "\n" + trimmed
			last.cut = strings.TrimSpace(last.cut + " " + cut)
		case trimmed[0] == '[' && strings.HasSuffix(trimmed, "]"):
			last, now = nil, nil
			name := strings.TrimSpace(trimmed[1 : len(trimmed)-1])
			for _, s := range all {
				if s.name == name {
					now = s
				}
			}
			if now == nil {
				now = &section{name: name}
				all = append(all, now)
			}
		case now == nil:
		default:
			at := strings.IndexAny(trimmed, "=:")
			if at <= 0 {
				now.broken = append(now.broken, trimmed)
				last = nil
				continue
			}
			key := strings.ToLower(strings.TrimSpace(trimmed[:at]))
			last = now.option(key)
			last.value, last.cut = strings.TrimSpace(trimmed[at+1:]), cut
		}
	}
	return all
}

// withoutComment cuts a comment off a line, as ConfigParser looks for it: the nth ; and the nth # of a line are looked at
// together, and the first of these pairs that has one after a blank decides.
func withoutComment(line string) (body, comment string) {
	at := map[byte]int{';': -1, '#': -1}
	for len(at) > 0 {
		start := len(line)
		for sign, from := range at {
			next := strings.IndexByte(line[from+1:], sign)
			if next < 0 {
				delete(at, sign)
				continue
			}
			next += from + 1
			at[sign] = next
			if next == 0 || line[next-1] == ' ' || line[next-1] == '\t' {
				start = min(start, next)
			}
		}
		if start < len(line) {
			return line[:start], strings.TrimSpace(line[start+1:])
		}
	}
	return line, ""
}

// option is the option of a key, made when there is none.
func (s *section) option(key string) *option {
	for i := range s.options {
		if s.options[i].key == key {
			return &s.options[i]
		}
	}
	s.options = append(s.options, option{key: key})
	return &s.options[len(s.options)-1]
}

// get is the value of a key.
func (s *section) get(key string) (string, bool) {
	if s != nil {
		for _, o := range s.options {
			if o.key == key {
				return o.value, true
			}
		}
	}
	return "", false
}
