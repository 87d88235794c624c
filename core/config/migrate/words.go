package migrate

import (
	"errors"
	"regexp"
	"strings"
	"sync"
)

// split takes a command line apart as a POSIX shell takes its words apart: blanks, '...', "..." and backslashes. It is what
// Python's shlex.split does.
func split(line string) ([]string, error) {
	var words []string
	var b strings.Builder
	inside := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch c {
		case ' ', '\t', '\n', '\r':
			if inside {
				words = append(words, b.String())
				b.Reset()
				inside = false
			}
		case '\'':
			end := strings.IndexByte(line[i+1:], '\'')
			if end < 0 {
				return nil, errors.New("a ' is not closed")
			}
			b.WriteString(line[i+1 : i+1+end])
			i += 1 + end
			inside = true
		case '"':
			inside = true
			closed := false
			for i++; i < len(line); i++ {
				if line[i] == '"' {
					closed = true
					break
				}
				if line[i] == '\\' && i+1 < len(line) && (line[i+1] == '"' || line[i+1] == '\\') {
					i++
				}
				b.WriteByte(line[i])
			}
			if !closed {
				return nil, errors.New(`a " is not closed`)
			}
		case '\\':
			if i+1 == len(line) {
				return nil, errors.New(`nothing follows the \ at its end`)
			}
			i++
			b.WriteByte(line[i])
			inside = true
		default:
			b.WriteByte(c)
			inside = true
		}
	}
	if inside {
		words = append(words, b.String())
	}
	return words, nil
}

// syntax is the shell syntax in a command line.
type syntax struct {
	operators bool // | & ; < > ( ) ` $( or a newline: several commands, or files
	expands   bool // $NAME, globs, ~, braces
	assigns   bool // NAME=VALUE before the command
}

var assignment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s*[A-Za-z_][A-Za-z0-9_]*=`) })

// shellSyntax looks for what only a shell would understand, outside of quotes as far as these hide it.
func shellSyntax(line string) (s syntax) {
	s.assigns = assignment().MatchString(line)
	var quote byte
	wordBegins := true
	for i := 0; i < len(line); i++ {
		c := line[i]
		next := byte(0)
		if i+1 < len(line) {
			next = line[i+1]
		}
		switch {
		case c == '\\' && quote != '\'':
			i++
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case quote == c:
			quote = 0
		case quote == '\'':
		case c == '`', c == '$' && next == '(':
			s.operators = true
		case c == '$' && (next == '{' || next == '_' || next >= 'a' && next <= 'z' || next >= 'A' && next <= 'Z' || strings.IndexByte("?#@*!$-0123456789", next) >= 0 && next != 0):
			s.expands = true
		case quote == '"':
		case strings.IndexByte("|&;<>()\n", c) >= 0:
			s.operators = true
		case strings.IndexByte("*?[", c) >= 0, c == '~' && wordBegins, c == '{':
			s.expands = true
		}
		wordBegins = c == ' ' || c == '\t'
	}
	return s
}

// shell makes a command of a line that a shell has to read. A single program takes the place of the shell, so that it is the
// one that gets the signals and leaves the exit code.
func (p *process) shell(line string, s syntax) {
	first, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	if !s.operators && !s.assigns && !shellWord(first) {
		line = "exec " + line
	}
	p.command, p.args = "/bin/sh", []string{"-c", line}
}

// shellWord tells words at the head of a line that are no programs.
func shellWord(word string) bool {
	switch word {
	case "exec", "cd", "if", "while", "until", "for", "case", "{", "!", "export", "set", "unset", "source", ".", ":", "eval", "trap", "ulimit",
		"umask", "read", "wait", "exit", "alias", "type", "shift", "return", "local", "command", "times", "bg", "fg", "jobs":
		return true
	}
	return false
}
