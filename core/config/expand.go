package config

import (
	"fmt"
	"strings"
)

// expand replaces ${VAR} and ${VAR:-default} (when VAR is unset or empty) by what lookup says, once and not recursively;
// $${ is a literal ${ and every other $ is itself. The default is literal and runs to the next }. Errors name the variable, never a value.
func expand(s string, lookup func(string) (string, bool)) (string, error) {
	if !strings.Contains(s, "${") {
		return s, nil
	}
	var b strings.Builder
	for {
		at := strings.Index(s, "${")
		if at < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		if at > 0 && s[at-1] == '$' {
			b.WriteString(s[:at-1])
			b.WriteString("${")
			s = s[at+2:]
			continue
		}
		b.WriteString(s[:at])
		inside, rest, closed := strings.Cut(s[at+2:], "}")
		if !closed {
			return "", fmt.Errorf("${ without }: write $${ for a literal ${")
		}
		name, otherwise, optional := strings.Cut(inside, ":-")
		if !variableName(name) {
			return "", fmt.Errorf("${%s} does not name a variable: write $${ for a literal ${", clip(name))
		}
		if strings.Contains(otherwise, "${") {
			return "", fmt.Errorf("the default of ${%s} holds another ${: defaults are literal", name)
		}
		value, found := lookup(name)
		switch {
		case optional && value == "":
			value = otherwise
		case !found:
			return "", fmt.Errorf("${%s} is not defined in the daemon's environment: define it, or write ${%s:-default}, or $${%s} for the literal text", name, name, name)
		}
		b.WriteString(value)
		s = rest
	}
}

// variableName reports whether the name is one that ${} takes.
func variableName(name string) bool {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && len(name) <= 255
}

// lookupIn makes the look-up of an environment "K=V"; of several entries with one name the last counts, as in os/exec.
func lookupIn(environ []string) func(string) (string, bool) {
	m := make(map[string]string, len(environ))
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok && name != "" {
			m[variable(name)] = value
		}
	}
	return func(name string) (string, bool) { v, ok := m[variable(name)]; return v, ok }
}
