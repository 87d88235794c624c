// Package migrate turns the configurations of other supervisors into ours: the INI files of Python's supervisor and of
// ochinchina/supervisord, and Procfiles. It reads and writes text only; nothing is looked up on this machine.
//
// What has no counterpart is not lost silently: it stands in the result as a comment that begins with "# !", where it
// belongs, and says what to do instead.
//
// May import: core/child.
package migrate

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// Source is one file to turn.
type Source struct {
	Name string // as people know it
	Dir  string // the folder that it stands in, absolute: %(here)s
	Text string
}

// Options are what the text alone does not tell.
type Options struct {
	// Include reads the files that a pattern of [include] means, relative to a folder; nil: they are only named.
	Include  func(dir, pattern string) ([]Source, error)
	Hostname string // %(host_node_name)s
	EnvFile  bool   // there is a .env beside the Procfile
}

// Result is a configuration as it is written.
type Result struct {
	TOML      string
	Processes int
	Notes     []string // what stands in it after "# !", in its order
}

var (
	iniSection = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?m)^\[[A-Za-z_-]+(:[^\]\n]+)?\][ \t]*([;#].*)?\r?$`)
	})
	ownTable     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^[ \t]*\[\[process\]\]`) })
	procfileLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(\S.*)$`) })
)

// Convert turns a file of any kind that it knows. The error says why there is nothing to turn; a value that cannot be
// understood is a note and no error.
func Convert(src Source, o Options) (Result, error) {
	if !utf8.ValidString(src.Text) {
		return Result{}, fmt.Errorf("cannot import %s: it is not UTF-8", src.Name)
	}
	src.Text = strings.ReplaceAll(strings.TrimPrefix(src.Text, "\ufeff"), "\r\n", "\n")
	if strings.ContainsRune(src.Text, 0) {
		return Result{}, fmt.Errorf("cannot import %s: it holds a zero byte", src.Name)
	}
	p := &page{}
	var err error
	switch {
	case ownTable().MatchString(src.Text):
		err = errors.New("it is a configuration of this supervisord already")
	case iniSection().MatchString(src.Text):
		err = p.ini(src, o)
	case looksLikeProcfile(src):
		p.procfile(src, o)
	default:
		err = errors.New("it is neither an INI configuration of supervisord nor a Procfile (want lines such as [program:web], or web: COMMAND)")
	}
	if err != nil {
		return Result{}, fmt.Errorf("cannot import %s: %w", src.Name, err)
	}
	if len(p.processes) == 0 {
		p.note("there is no process in it")
	}
	return p.result(src.Name), nil
}

// looksLikeProcfile: every line says NAME: COMMAND.
func looksLikeProcfile(src Source) bool {
	found := false
	for line := range strings.Lines(src.Text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case procfileLine().MatchString(line):
			found = true
		default:
			// In a file of this name anything else is a mistake that a note tells.
			if !strings.HasPrefix(path.Base(strings.ReplaceAll(src.Name, `\`, "/")), "Procfile") {
				return false
			}
		}
	}
	return found
}
