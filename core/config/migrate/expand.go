package migrate

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Between the reading and the writing a variable of the environment stands in a text as its name between two zero bytes, which
// no source holds, so that quotes and words can be looked for without regard to it.
const edge = "\x00"

func variableMark(name string) string { return edge + name + edge }

var markedVariable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(edge + "([^" + edge + "]*)" + edge) })

// unmark writes a text as our configuration reads it: ${NAME} for a variable, $${ for what is literally ${.
func unmark(s string) string {
	var b strings.Builder
	rest := s
	for {
		at := markedVariable().FindStringSubmatchIndex(rest)
		if at == nil {
			b.WriteString(strings.ReplaceAll(rest, "${", "$${"))
			return b.String()
		}
		b.WriteString(strings.ReplaceAll(rest[:at[0]], "${", "$${"))
		b.WriteString("${" + rest[at[2]:at[3]] + "}")
		rest = rest[at[1]:]
	}
}

// values are what %(NAME)s stands for.
type values map[string]any // string or int

var percent = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`%(?:%|\(([^)]*)\)([-+ #0]*)(\d*)(?:\.(\d+))?([sdiouxXr]))`)
})

// plainVariable is a name that ${} takes.
var plainVariable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,254}$`) })

// expand replaces %(NAME)s as Python's % does. What it cannot replace it leaves, and says so by note.
func expand(s string, known values, note func(format string, args ...any)) string {
	var b strings.Builder
	rest := s
	for {
		at := percent().FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		before := rest[:at[0]]
		if strings.Contains(before, "%") {
			note("%s holds a %% that stands for nothing", quoted(s))
		}
		b.WriteString(before)
		whole := rest[at[0]:at[1]]
		switch {
		case whole == "%%":
			b.WriteByte('%')
		default:
			group := func(n int) string {
				if at[2*n] < 0 {
					return ""
				}
				return rest[at[2*n]:at[2*n+1]]
			}
			b.WriteString(conversion(whole, group(1), group(2), group(3), group(5), known, b.String(), note))
		}
		rest = rest[at[1]:]
	}
	if strings.Contains(rest, "%") {
		note("%s holds a %% that stands for nothing", quoted(s))
	}
	b.WriteString(rest)
	return b.String()
}

// conversion is one %(NAME)s.
func conversion(whole, name, flags, width, verb string, known values, before string, note func(string, ...any)) string {
	if variable, found := strings.CutPrefix(name, "ENV_"); found && known[name] == nil {
		if !plainVariable().MatchString(variable) {
			note("%s names no variable that can be written here", whole)
			return whole
		}
		if strings.HasSuffix(before, "$") {
			note("a $ before %s cannot be written here: $${ would be a literal ${", whole)
		}
		return variableMark(variable)
	}
	switch v := known[name].(type) {
	case string:
		return fmt.Sprintf("%"+strings.ReplaceAll(flags, "0", "")+width+"s", v)
	case int:
		if verb == "s" || verb == "r" {
			return fmt.Sprintf("%"+strings.ReplaceAll(flags, "0", "")+width+"s", strconv.Itoa(v))
		}
		if verb == "i" || verb == "u" {
			verb = "d"
		}
		return fmt.Sprintf("%"+flags+width+verb, v)
	}
	note("%s is not known here", whole)
	return whole
}
