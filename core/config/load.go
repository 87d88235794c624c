package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/spelling"
)

// Config is a configuration that can be run: file, flags and defaults in one.
type Config struct {
	Path     string // absolute; "" when there is no file
	Settings Settings
	Specs    []core.Spec // in the order of the file, the one of the command line last
	Place    Place       // where its daemon lives
	Warnings []Problem   // what may keep a single process from starting, or is likely not meant
	Blank    bool        // there is a file, and nothing at all in it

	environ []string
}

// Warn adds warnings that are about no place of a file.
func (c *Config) Warn(texts ...string) {
	for _, text := range texts {
		c.Warnings = append(c.Warnings, Problem{Msg: text})
	}
}

// Overrides are what a command line says over the file, for this run only. The daemon keeps them for its reloads.
type Overrides struct {
	Flags   []KV         // of the daemon
	Process *ProcessArgs // one more process
	Cwd     string       // the caller's current directory, absolute; "" = the process's own
	Environ []string     // what ${VAR} means, "K=V"; nil = os.Environ()
}

// Load reads the file ("" for none), applies the overrides and the defaults, and checks everything. A configuration that is
// refused is reported as Problems, all of them at once; nothing is touched or created.
func Load(path string, over Overrides) (Config, error) {
	l, err := newLoader(path, over)
	if err != nil {
		return Config{}, err
	}
	l.read(over)
	cfg := l.finish(over)
	if err := l.problems.err(); err != nil {
		return Config{}, err
	}
	cfg.Warnings = l.warnings.sorted()
	cfg.Blank = l.blank
	return cfg, nil
}

// LoadSettings is for commands that look for the daemon of a configuration which may have been broken meanwhile: it returns
// the daemon's keys as far as they can be understood and the place that follows from them, and ignores every problem but that
// there is no place.
func LoadSettings(path string, over Overrides) (Settings, Place, error) {
	l, err := newLoader(path, over)
	if err != nil {
		return Settings{}, Place{}, err
	}
	l.lenient = true
	l.read(over)
	place, err := locate(l.path, l.settings, l.host)
	return l.settings, place, err
}

// loader is one Load under way.
type loader struct {
	tables   tables
	path     string // absolute, "" for none
	host     host
	cwd      string
	environ  []string
	lookup   func(string) (string, bool)
	lenient  bool
	blank    bool
	settings Settings
	raw      map[string]any
	marks    *marks
	accounts accounts
	programs programs
	hidden   map[string]bool // keys of the daemon whose value came out of the environment
	problems Problems
	warnings Problems
}

func newLoader(path string, over Overrides) (*loader, error) {
	l := &loader{tables: newTables(), cwd: over.Cwd, environ: over.Environ, settings: defaultSettings(), accounts: accounts{}, programs: programs{}, hidden: map[string]bool{}}
	if l.environ == nil {
		l.environ = os.Environ()
	}
	l.lookup = lookupIn(l.environ)
	l.host = realHost(l.lookup)
	if l.cwd == "" {
		dir, err := os.Getwd()
		if err != nil {
			return nil, fmt.Errorf("cannot find the current directory: %w", err)
		}
		l.cwd = dir
	}
	if path != "" {
		l.path = absolute(path, l.cwd)
	}
	return l, nil
}

func defaultSettings() Settings {
	return Settings{ReapZombie: true, Cgroup: "auto", LogLevel: "info", LogFormat: "text"}
}

// read takes in file and flags up to the daemon's settings.
func (l *loader) read(over Overrides) {
	if l.path != "" {
		if text, ok := l.open(); ok && (l.lenient && l.decode(beforeProcesses(text)) || l.decode(text)) {
			l.daemon()
		}
	}
	l.daemonFlags(over.Flags)
}

// open reads the file's text.
func (l *loader) open() (string, bool) {
	if !l.lenient {
		if err := l.host.checkFile(l.path, "the configuration"); err != nil {
			l.whole("%v", err)
			return "", false
		}
	}
	text, err := readFile(l.path)
	if err != nil {
		l.whole("cannot read the configuration: %v", reason(err))
		return "", false
	}
	l.blank = strings.TrimSpace(text) == ""
	return text, true
}

// beforeProcesses is the text up to the first line that looks like the first of [[process]]: as TOML has it, a key of the daemon
// cannot come after it, and there may be thousands of processes to read. Where the line is within a string, what stands before it
// is no TOML.
func beforeProcesses(text string) string {
	from := 0
	for line := range strings.Lines(text) {
		if bare := strings.TrimLeft(line, " \t"); strings.HasPrefix(bare, "[[process]]") {
			return text[:from]
		}
		from += len(line)
	}
	return text
}

// decode makes the text a map and finds the position of each key.
func (l *loader) decode(text string) bool {
	if strings.Count(text, "[")+strings.Count(text, "{") >= maxBrackets {
		l.whole("has more than %d opening brackets: too many tables, or nested too deep", maxBrackets)
		return false
	}
	l.marks = scan(text)
	if l.marks.names > maxNames {
		l.whole("names too much: its keys, with the tables that they stand in, have more than %d MiB of names", maxNames>>20)
		return false
	}
	if l.marks.deep >= 0 {
		line, col := l.marks.position(l.marks.deep)
		l.problems = append(l.problems, Problem{l.path, line, col, fmt.Sprintf("nests deeper than %d", maxDepth)})
		return false
	}
	_, err := toml.Decode(text, &l.raw)
	if err == nil {
		return true
	}
	var syntax toml.ParseError
	if !errors.As(err, &syntax) {
		l.whole("cannot read the configuration: it is no TOML")
		return false
	}
	line, col := l.marks.position(syntax.Position.Start)
	msg := "syntax error: " + discreet(syntax.Message)
	if iniSection().MatchString(text) {
		msg = "this is an INI file, as of Python's supervisor, want TOML (supervisord import FILE -o OUT makes a configuration of it)"
	}
	l.problems = append(l.problems, Problem{l.path, line, col, msg})
	return false
}

// iniSection is the heading of a section that Python's supervisor knows, none of which can stand in our files.
var iniSection = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^[ \t]*\[((program|group|eventlistener|fcgi-program|program-default|rpcinterface):[^\]\n]*|supervisord|supervisorctl|unix_http_server|inet_http_server|include)\]`)
})

// whole notes a problem of the file as a whole.
func (l *loader) whole(format string, args ...any) {
	l.problems = append(l.problems, Problem{File: l.path, Msg: fmt.Sprintf(format, args...)})
}

// at notes a problem at a position of the file.
func (l *loader) at(t trail, format string, args ...any) {
	l.problems = append(l.problems, l.mark(t, fmt.Sprintf(format, args...)))
}

func (l *loader) mark(t trail, msg string) Problem {
	line, col := l.marks.find(t)
	return Problem{l.path, line, col, msg}
}

// daemon sets the daemon's keys from the file.
func (l *loader) daemon() {
	d := draft{settings: l.settings}
	for _, name := range slices.Sorted(maps.Keys(l.raw)) {
		t := trail("").key(name)
		if name == "process" {
			continue
		}
		k, ok := l.tables.daemon[name]
		if !ok {
			near := spelling.Nearest(name, append(l.tables.daemon.names(false), "process"))
			if near == "process" {
				l.at(t, "unknown key %s (did you mean [[process]]?)", quote(name))
				continue
			}
			l.at(t, "%s", l.tables.unknown(name, false, ""))
			continue
		}
		r := l.reader(filepath.Dir(l.path), true)
		if err := r.put(&d, k, l.raw[name]); err != nil {
			l.at(t, "%s: %v", name, r.discreet(err))
		}
		l.hidden[name] = *r.expanded
	}
	l.settings = d.settings
}

// daemonFlags sets the daemon's keys from flags; relative paths are the caller's.
func (l *loader) daemonFlags(flags []KV) {
	checkFlags(flags, false, &l.problems)
	d := draft{settings: l.settings}
	r := l.reader(l.cwd, false)
	for _, f := range flags {
		k, ok := l.tables.daemon.flag(f.Name)
		if !ok {
			continue
		}
		raw, err := fromFlag(k, f.Value)
		if err == nil {
			err = r.put(&d, k, raw)
		}
		if err != nil {
			l.problems = append(l.problems, Problem{Msg: fmt.Sprintf("%s%s: %v", flagPrefix, f.Name, err)})
		}
	}
	l.settings = d.settings
}

// reader makes values of one source; those of the file expand ${VAR}.
func (l *loader) reader(base string, expands bool) reader {
	r := reader{base: base, expanded: new(bool)}
	if expands {
		r.lookup = l.lookup
	}
	return r
}

// finish checks the settings and builds the processes.
func (l *loader) finish(over Overrides) Config {
	cfg := Config{Path: l.path, environ: l.environ}
	l.checkSettings()
	cfg.Settings = l.settings
	place, err := locate(l.path, l.settings, l.host)
	if err != nil && len(l.settings.AdminSock) <= maxSocketPath { // else it is told already, with its place
		l.whole("%v", err)
		if l.path == "" {
			l.problems[len(l.problems)-1].File = ""
		}
	}
	cfg.Place = place
	b := &builder{tables: l.tables, accounts: l.accounts, programs: l.programs, lookup: l.lookup, root: l.host.uid == 0,
		log: l.ownLog(place), output: outputDefaults(l.settings, place), config: l.path, cgroup: l.settings.Cgroup, main: l.settings.ExitCodeFrom}
	sources := l.sources()
	for _, src := range sources {
		spec := b.build(src)
		cfg.Specs = append(cfg.Specs, spec)
		b.unique(spec, src)
	}
	l.warnings = append(l.warnings, l.weakened(sources, cfg.Specs)...)
	if p := over.Process; p != nil {
		checkProcessFlags(*p, &l.problems)
		src := flagSource(l.tables, *p, l.cwd, core.FromFlags, &l.problems)
		spec := b.build(src)
		cfg.Specs = append(cfg.Specs, spec)
		b.unique(spec, src)
	}
	l.problems = append(l.problems, b.problems...)
	l.warnings = append(l.warnings, b.warnings...)
	l.checkMain(cfg.Specs)
	for _, lack := range child.Lacks(l.host.os) {
		l.warnings = append(l.warnings, Problem{Msg: "this system has reduced features: " + lack})
	}
	return cfg
}

// ownLog is the file that the daemon itself writes, "" if it is none.
func (l *loader) ownLog(place Place) string {
	switch {
	case l.settings.Log != "":
		return l.settings.Log
	case l.settings.Daemonize:
		return place.Log
	}
	return ""
}

// sources are the tables of [[process]].
func (l *loader) sources() []source {
	var out []source
	top := trail("").key("process")
	raw, ok := l.raw["process"]
	if !ok {
		return nil
	}
	var items []any
	switch v := raw.(type) {
	case []map[string]any:
		for _, m := range v {
			items = append(items, m)
		}
	case []any:
		items = v
	default:
		l.at(top, "process: want [[process]] with two brackets, got %s", kindOf(raw))
		return nil
	}
	base := filepath.Dir(l.path)
	for i, it := range items {
		t := top.item(i)
		m, ok := it.(map[string]any)
		if !ok {
			l.at(t, "process: want tables, got %s", kindOf(it))
			continue
		}
		out = append(out, source{
			raw: m, origin: core.FromFile, cwd: base,
			where:  func(key, sub string) Problem { return l.mark(within(t, key, sub), "") },
			label:  func(key string) string { return key },
			reader: func() reader { return l.reader(base, true) },
		})
	}
	return out
}

// within is the trail of a key, or of an entry of its table, or of the process itself.
func within(t trail, key, sub string) trail {
	if key != "" {
		t = t.key(key)
	}
	if sub != "" {
		t = t.key(sub)
	}
	return t
}

// outputDefaults is where output goes that nobody gave a place: the terminal in the foreground, files when there is none.
func outputDefaults(s Settings, place Place) func(name string) (stdout, stderr []string) {
	return func(name string) ([]string, []string) {
		if !s.Daemonize {
			return []string{"/dev/stdout"}, []string{"/dev/stderr"}
		}
		file := filepath.Join(place.Logs, name)
		return []string{file + ".stdout.log"}, []string{file + ".stderr.log"}
	}
}
