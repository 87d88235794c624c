package config

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// maxEnvFile is the largest env_file that is read, in bytes: no process could be started with more.
const maxEnvFile = 4 << 20

// readEnvFile reads a file of K=V lines. Its problems have the file's own positions; err is set when it cannot be read at all.
func readEnvFile(path string) (map[string]string, Problems, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxEnvFile+1))
	if err != nil {
		return nil, nil, err
	}
	if len(data) > maxEnvFile {
		return nil, nil, fmt.Errorf("%s is larger than %d MiB", path, maxEnvFile>>20)
	}
	env, problems := parseEnv(path, string(data))
	return env, problems, nil
}

// parseEnv understands what dotenv files agree on: K=V lines, blanks around, "export " before, # comments (in an unquoted
// value after a blank), 'single' quotes (literal), "double" quotes (with \n \r \t \" \\ \$), both over several lines.
// Nothing is expanded. The last of two equal names counts.
func parseEnv(file, text string) (map[string]string, Problems) {
	env := map[string]string{}
	var problems Problems
	text = strings.TrimPrefix(text, "\ufeff")
	line := 1
	for text != "" {
		raw, rest, _ := strings.Cut(text, "\n")
		start := line
		bad := func(format string, args ...any) {
			problems = append(problems, Problem{File: file, Line: start, Column: 1, Msg: fmt.Sprintf(format, args...)})
		}
		line, text = line+1, rest
		entry := strings.TrimSpace(raw)
		if entry == "" || entry[0] == '#' {
			continue
		}
		if after, ok := strings.CutPrefix(entry, "export"); ok && after != "" && (after[0] == ' ' || after[0] == '\t') {
			entry = strings.TrimSpace(after)
		}
		name, value, ok := strings.Cut(entry, "=")
		name = strings.TrimSpace(name)
		if !ok {
			bad("want KEY=VALUE")
			continue
		}
		if err := validVariable(name); err != nil || strings.ContainsAny(name, " \t\"'") {
			bad("what stands before = cannot be the name of a variable")
			continue
		}
		value = strings.TrimLeft(value, " \t")
		switch {
		case value != "" && (value[0] == '"' || value[0] == '\''):
			// A quoted value may run over several lines: read on from the quote in the whole text.
			from := raw[strings.Index(raw, "=")+1:]
			whole := strings.TrimLeft(from, " \t")
			if rest != "" {
				whole += "\n" + rest
			}
			v, used, ok := quoted(whole)
			if !ok {
				bad("%s: the quote is not closed", clip(name))
				continue
			}
			tail, after, _ := strings.Cut(whole[used:], "\n")
			if tail = strings.TrimSpace(tail); tail != "" && tail[0] != '#' {
				bad("%s: text after the closing quote", clip(name))
			}
			line += strings.Count(whole[:used], "\n")
			text, value = after, v
		default:
			for i := 0; i < len(value); i++ {
				if value[i] == '#' && (i == 0 || value[i-1] == ' ' || value[i-1] == '\t') {
					value = value[:i]
					break
				}
			}
			value = strings.TrimRight(value, " \t\r")
		}
		if strings.ContainsRune(value, 0) {
			bad("%s: holds a zero byte", clip(name))
			continue
		}
		env[name] = value
	}
	return env, problems
}

// quoted reads the quoted text that s begins with and says how many bytes it took.
func quoted(s string) (value string, used int, ok bool) {
	quote := s[0]
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		c := s[i]
		switch {
		case c == quote:
			return b.String(), i + 1, true
		case c == '\\' && quote == '"' && i+1 < len(s):
			i++
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case 'r':
				b.WriteByte('\r')
			case 't':
				b.WriteByte('\t')
			case '"', '\\', '$':
				b.WriteByte(s[i])
			default:
				b.WriteByte('\\')
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, false
}

// openRegular opens a file that must be a regular one: a pipe or a device would be read once and never again.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return os.Open(path)
}
