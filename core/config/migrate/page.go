package migrate

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// page is a result in the making.
type page struct {
	head      []string // lines of the daemon, comments and keys
	processes []*process
	tail      []string
	names     map[string]bool
}

// process is one [[process]] in the making.
type process struct {
	name    string
	notes   []string // of what has no counterpart
	remarks []string // of what is as it was, and why
	command string   // with marks, see expand
	args    []string
	keys    []string // whole lines
	env     []variable

	priority int
	depends  []string
	program  string
}

type variable struct{ name, value string }

// note adds what has no counterpart.
func (p *process) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

// key adds a line whose value is TOML already.
func (p *process) key(name, value string) { p.keys = append(p.keys, name+" = "+value) }

// note adds what has no counterpart of the daemon.
func (p *page) note(format string, args ...any) {
	p.head = append(p.head, mark+fmt.Sprintf(format, args...))
}

// key adds a line of the daemon.
func (p *page) key(name, value string) { p.head = append(p.head, name+" = "+value) }

// mark begins a comment about what has no counterpart.
const mark = "# ! "

var invalidInName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^A-Za-z0-9_.@-]+`) })

// longestName is the longest name of a process.
const longestName = 64

// add takes up a process, under a name that nobody else has.
func (p *page) add(one *process) {
	if p.names == nil {
		p.names = map[string]bool{}
	}
	given := one.name
	name := strings.TrimLeft(invalidInName().ReplaceAllString(given, "-"), ".@-")
	if name == "" {
		name = "process"
	}
	name = name[:min(len(name), longestName)]
	for n, stem := 2, name; p.names[name]; n++ {
		suffix := "-" + strconv.Itoa(n)
		name = stem[:min(len(stem), longestName-len(suffix))] + suffix
	}
	if name != given {
		one.note("its name was %s", quoted(given))
	}
	p.names[name] = true
	one.name = name
	p.processes = append(p.processes, one)
}

// result writes everything.
func (p *page) result(from string) Result {
	var b strings.Builder
	var notes []string
	line := func(text string) {
		if note, found := strings.CutPrefix(text, mark); found {
			note = oneLine(note)
			notes, text = append(notes, note), mark+note
		}
		b.WriteString(text + "\n")
	}
	line("# Made from " + oneLine(from) + " by supervisord import. What has no counterpart stands behind \"# !\".")
	line("# Read it, then: supervisord check FILE")
	if len(p.head) > 0 {
		line("")
	}
	for _, text := range p.head {
		line(text)
	}
	for _, one := range p.processes {
		line("")
		for _, note := range one.notes {
			line(mark + note)
		}
		for _, remark := range one.remarks {
			line("# " + oneLine(remark))
		}
		line("[[process]]")
		line("name = " + text(one.name))
		line("command = " + text(one.command))
		if len(one.args) > 0 {
			line("args = " + list(one.args))
		}
		for _, key := range one.keys {
			line(key)
		}
		if len(one.env) > 0 {
			line("[process.env]")
			for _, v := range one.env {
				line("  " + variableName(v.name) + " = " + text(v.value))
			}
		}
	}
	if len(p.tail) > 0 {
		line("")
	}
	for _, text := range p.tail {
		line(text)
	}
	return Result{TOML: b.String(), Processes: len(p.processes), Notes: notes}
}

// text is a text with marks as TOML.
func text(s string) string { return basicString(unmark(s)) }

func list(items []string) string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = text(item)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

var bareKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]+$`) })

func variableName(name string) string {
	if bareKey().MatchString(name) {
		return name
	}
	return basicString(name)
}

// basicString writes a text as a basic string of TOML.
func basicString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\n':
			b.WriteString(`\n`)
		case '\t':
			b.WriteString(`\t`)
		case '\r':
			b.WriteString(`\r`)
		default:
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 {
				fmt.Fprintf(&b, `\u%04X`, r)
			} else {
				b.WriteRune(r)
			}
		}
	}
	b.WriteByte('"')
	return b.String()
}

// oneLine keeps a comment on its line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029:
			return '?'
		}
		return r
	}, unmark(s))
}

// quoted is a text of the source in a comment, cut to a bearable length.
func quoted(s string) string {
	s = unmark(s)
	if runes := []rune(s); len(runes) > 120 {
		s = string(runes[:120]) + "..."
	}
	return strconv.Quote(s)
}
