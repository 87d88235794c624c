package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
	"github.com/qjpcpu/supervisord/core/spelling"
)

// source is one process as somebody wrote it: a table of the file, a command line, a hash, an entry of the state file.
type source struct {
	raw    map[string]any
	origin core.Origin
	cwd    string                        // default of the working directory
	where  func(key, sub string) Problem // position of a key, or of an entry of its table; "" is the process itself
	label  func(key string) string       // the key as this source spells it
	reader func() reader
	saved  bool // it was checked when it was made: what may have changed since (users, files) is left to the start
}

// builder makes Specs of sources and collects what is wrong with them.
type builder struct {
	tables   tables
	accounts accounts
	programs programs
	lookup   func(string) (string, bool)
	root     bool
	cgroup   string // mode
	config   string // path of the configuration, "" if none
	log      string // the daemon's own log, "" if none
	main     string // the process of exit_code_from, "" if none
	output   func(name string) (stdout, stderr []string)
	problems Problems
	warnings Problems

	names, pidFiles map[string]Problem // the position of the first
}

// build makes the Spec; when something is wrong with it, it is in b.problems and the Spec is not to be used.
func (b *builder) build(src source) core.Spec {
	before := len(b.problems)
	d := draft{spec: core.Spec{Origin: src.origin, Care: core.DefaultCare(), Output: defaultOutput()}}
	hidden := b.keys(&d, src)
	spec := &d.spec
	b.required(spec, src, hidden)
	if spec.Launch.Dir == "" {
		spec.Launch.Dir = src.cwd
	}
	b.environment(&d, src)
	b.outputs(spec, src)
	b.command(spec, src)
	if !src.saved {
		b.account(spec, src, hidden)
	}
	b.care(spec, src)
	b.rotation(spec, src)
	if !src.saved {
		b.limits(spec, src)
		b.overwritten(spec, d.envFile, src)
	}
	if refused, given := src.raw["command"]; len(b.problems) == before && !(given && refused == nil) {
		// The model has the last word; what it alone refuses has no key to stand at.
		if err := spec.Validate(); err != nil {
			b.bad(src, "", "", "%v", err)
		}
	}
	return *spec
}

// defaultOutput is the rotation that holds when nothing is said; the files depend on the daemon.
func defaultOutput() core.Output { return core.Output{Size: 100 << 20, Count: 10} }

func (b *builder) bad(src source, key, sub, format string, args ...any) {
	p := src.where(key, sub)
	p.Msg = fmt.Sprintf(format, args...)
	b.problems = append(b.problems, p)
}

func (b *builder) warn(src source, key, sub, format string, args ...any) {
	p := src.where(key, sub)
	p.Msg = fmt.Sprintf(format, args...)
	b.warnings = append(b.warnings, p)
}

// keys sets every key that is given; it returns the keys whose value came out of the environment.
func (b *builder) keys(d *draft, src source) map[string]bool {
	hidden := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(src.raw)) {
		k, ok := b.tables.process[name]
		if src.raw[name] == nil && ok {
			continue
		}
		if !ok {
			b.bad(src, name, "", "%s", b.tables.unknown(name, true, ""))
			continue
		}
		if why := unavailable(name); why != "" {
			b.bad(src, name, "", "%s: %s", src.label(name), why)
			continue
		}
		r := src.reader()
		if err := r.put(d, k, src.raw[name]); err != nil {
			err = r.discreet(err)
			var at atName
			if errors.As(err, &at) {
				b.bad(src, name, at.name, "%s: %v", src.label(name), err)
			} else {
				b.bad(src, name, "", "%s: %v", src.label(name), err)
			}
		}
		hidden[name] = *r.expanded
	}
	return hidden
}

// required notes a missing or bad name and a missing command.
func (b *builder) required(spec *core.Spec, src source, hidden map[string]bool) {
	name, isText := src.raw["name"].(string)
	switch err := core.ValidName(spec.Name); {
	case src.raw["name"] == nil:
		hint := ""
		if key := misspelt("name", src.raw, b.tables.process); key != "" {
			hint = " (is " + quote(key) + " meant?)"
		}
		b.bad(src, "", "", "the process has no name%s", hint)
	case err != nil && isText && (spec.Name != "" || name == ""):
		if hidden["name"] {
			err = errHidden
		}
		b.bad(src, "name", "", "%s: %v", src.label("name"), err)
	}
	if c, given := src.raw["command"]; !given {
		hint := ""
		if key := misspelt("command", src.raw, b.tables.process); key != "" {
			hint = " (is " + quote(key) + " meant?)"
		}
		b.bad(src, "", "", "%s has no command%s", b.called(spec), hint)
	} else if c == "" {
		b.bad(src, "command", "", "%s: is empty", src.label("command"))
	} else if c, ok := c.(string); ok && strings.TrimSpace(c) == "" {
		b.bad(src, "command", "", "%s: is blank", src.label("command"))
	}
}

// misspelt is the unknown key that was probably meant for a missing one.
func misspelt(key string, raw map[string]any, known index) string {
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		if _, ok := known[name]; !ok {
			unknown = append(unknown, name)
		}
	}
	return spelling.Nearest(key, unknown)
}

func (b *builder) called(spec *core.Spec) string {
	if core.ValidName(spec.Name) != nil {
		return "the process"
	}
	return clip(spec.Name)
}

// environment puts env over env_file.
func (b *builder) environment(d *draft, src source) {
	env := map[string]string{}
	if d.envFile != "" {
		fromFile, problems, err := readEnvFile(d.envFile)
		if err != nil {
			b.bad(src, "env_file", "", "%s: cannot read %s: %v", src.label("env_file"), d.envFile, reason(err))
		}
		b.problems = append(b.problems, problems...)
		if err == nil && b.root {
			if why := untrusted(d.envFile, d.spec.Launch.User); why != "" {
				b.bad(src, "env_file", "", "%s: cannot trust %s: it %s, and what stands in it decides what is run", src.label("env_file"), d.envFile, why)
			}
		}
		maps.Copy(env, fromFile)
	}
	maps.Copy(env, d.env)
	if len(env) > 0 {
		d.spec.Launch.Env = env
	}
	if src.origin != core.FromFile {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(d.env)) {
		if _, ok := b.tables.process[name]; ok && name != "user" && name != "group" && name != "name" {
			b.warn(src, "env", name, "%s stands below [process.env] and so is a variable, not the key of the process", name)
		}
	}
}

// outputs fills in the files of output and refuses those that cannot be written as logs.
func (b *builder) outputs(spec *core.Spec, src source) {
	stdout, stderr := b.output(spec.Name)
	if _, given := src.raw["stdout"]; !given {
		spec.Output.Stdout = stdout
	}
	if _, given := src.raw["stderr"]; !given {
		spec.Output.Stderr = stderr
	}
	if src.saved {
		return
	}
	for _, out := range []struct {
		key   string
		files []string
	}{{"stdout", spec.Output.Stdout}, {"stderr", spec.Output.Stderr}} {
		if len(out.files) == 0 {
			continue
		}
		for _, file := range out.files {
			switch err := logs.Check([]string{file}); {
			case errors.Is(err, logs.ErrOthers): // the user of one service must not be able to keep all from starting
				b.warn(src, out.key, "", "%s: %s: %v", b.called(spec), src.label(out.key), err)
			case err != nil:
				b.bad(src, out.key, "", "%s: %v", src.label(out.key), err)
			}
		}
		if b.log != "" && slices.Contains(out.files, b.log) && !stream(b.log) {
			b.bad(src, out.key, "", "%s: %s is the daemon's own log: two writers would overwrite each other's files", src.label(out.key), b.log)
		}
	}
}

// command makes a relative program absolute and warns of one that cannot be started now.
func (b *builder) command(spec *core.Spec, src source) {
	l := &spec.Launch
	if strings.TrimSpace(l.Command) == "" {
		return
	}
	if isPath(l.Command) {
		if homeless(l.Command) {
			b.bad(src, "command", "", "%s: %v", src.label("command"), errHome)
			return
		}
		given := l.Command
		l.Command = src.reader().abs(l.Command)
		if src.saved {
			return
		}
		why := b.programs.executable(l.Command)
		if why == nil {
			return
		}
		hint := ""
		if !filepath.IsAbs(given) && b.programs.executable(filepath.Join(l.Dir, given)) == nil {
			hint = " (a relative path means the folder of the configuration, not cwd; there is one in cwd)"
		} else if strings.ContainsAny(given, " \t") {
			hint = apart(given)
		}
		b.warn(src, "command", "", "%s: %s cannot be started now: %v%s", b.called(spec), l.Command, why, hint)
		return
	}
	if src.saved {
		return
	}
	path, ok := l.Env["PATH"]
	if !ok {
		path, _ = b.lookup("PATH")
	}
	for _, dir := range filepath.SplitList(path) {
		if filepath.IsAbs(dir) && b.programs.executable(filepath.Join(dir, l.Command)) == nil {
			return
		}
	}
	hint := ""
	if strings.ContainsAny(l.Command, " \t") {
		hint = apart(l.Command)
	}
	b.warn(src, "command", "", "%s: %s cannot be started now: not found in PATH%s", b.called(spec), quote(l.Command), hint)
}

// apart says how a command line is written here: by the shell that it needs, or in words.
func apart(line string) string {
	words := commandWords(line)
	if len(words) < 2 {
		return " (arguments belong into args)"
	}
	return " (arguments belong into args: command = " + words[0] + ", args = [" + strings.Join(words[1:], ", ") + "])"
}

// commandWords are the quoted words that do what a command line says, with the shell that it needs; none of a long one.
func commandWords(line string) []string {
	const longest = 120
	if len(line) > longest {
		return nil
	}
	words := []string{"/bin/sh", "-c", line}
	if !strings.ContainsAny(line, "|&;<>()$`*?[]{}~#'\"\\") {
		words = strings.Fields(line)
	}
	for i, word := range words {
		words[i] = strconv.Quote(word)
	}
	return words
}

// programs remembers the answers of executable while one configuration is read: a thousand processes are often one program. A nil
// one remembers nothing.
type programs map[string]error

func (p programs) executable(path string) error {
	why, seen := p[path]
	if !seen {
		why = executable(path)
		if p != nil {
			p[path] = why
		}
	}
	return why
}

// executable is nil when the file could be executed by somebody.
func executable(path string) error {
	info, err := os.Stat(programFile(path))
	switch {
	case err != nil:
		return reason(err)
	case info.IsDir():
		return errors.New("it is a directory")
	case !mayExecute(info):
		return errors.New("it is not executable")
	}
	return nil
}

// account refuses users and groups that do not exist and warns of what needs root and of a missing folder.
func (b *builder) account(spec *core.Spec, src source, hidden map[string]bool) {
	l := spec.Launch
	if l.User != "" || l.Group != "" {
		key := "user"
		if l.User == "" {
			key = "group"
		}
		err := b.accounts.check(l.User, l.Group)
		if err != nil && l.User != "" && l.Group != "" && b.accounts.check(l.User, "") == nil {
			key = "group"
		}
		switch {
		case err != nil && hidden[key]:
			b.bad(src, key, "", "%s: %v", src.label(key), errHidden)
		case err != nil:
			b.bad(src, key, "", "%s: %v", src.label(key), err)
		case !b.root:
			b.warn(src, key, "", "%s: only root can start a process as another user", b.called(spec))
		}
	}
	if info, err := os.Stat(l.Dir); err != nil {
		b.warn(src, "cwd", "", "%s: its working directory %s cannot be used now: %v", b.called(spec), l.Dir, reason(err))
	} else if !info.IsDir() {
		b.warn(src, "cwd", "", "%s: its working directory %s is no directory", b.called(spec), l.Dir)
	}
}

// care looks at keys that only make sense together.
func (b *builder) care(spec *core.Spec, src source) {
	c := &spec.Care
	if _, given := src.raw["restart"]; !given && b.main != "" && spec.Name == b.main {
		c.Restart = core.Never // the daemon ends with it
	}
	if len(c.StopCommand) > 0 && isPath(c.StopCommand[0]) {
		if homeless(c.StopCommand[0]) {
			b.bad(src, "stop_command", "", "%s: %v", src.label("stop_command"), errHome)
			return
		}
		c.StopCommand = slices.Clone(c.StopCommand)
		c.StopCommand[0] = src.reader().abs(c.StopCommand[0])
		if why := b.programs.executable(c.StopCommand[0]); why != nil && !src.saved {
			b.warn(src, "stop_command", "", "%s: %s cannot be started now: %v", b.called(spec), c.StopCommand[0], why)
		}
	}
	if _, given := src.raw["restart_delay_max"]; c.RestartDelayMax < c.RestartDelay {
		if given {
			b.bad(src, "restart_delay_max", "", "%s: %v is less than restart_delay (%v)", src.label("restart_delay_max"), c.RestartDelayMax, c.RestartDelay)
		} else {
			c.RestartDelayMax = c.RestartDelay // a first wait beyond the default longest one is the longest
		}
	}
	for _, file := range c.PurgeFiles {
		if why := b.untouchable(file, spec); why != "" {
			b.bad(src, "purge_files", "", "%s: cannot remove %s: %s", src.label("purge_files"), file, why)
		}
	}
}

// rotation looks at the limits of files together.
func (b *builder) rotation(spec *core.Spec, src source) {
	o := &spec.Output
	if o.Total > 0 && o.Total < o.Size {
		b.bad(src, "std_log_total", "", "%s: %s is less than std_log_size (%s)", src.label("std_log_total"), sizeText(o.Total), sizeText(o.Size))
	}
	if o.Size > 0 {
		return
	}
	for _, k := range []struct {
		key   string
		given bool
	}{{"std_log_age", o.Age > 0}, {"std_log_total", o.Total > 0}, {"std_log_compress", o.Compress}} {
		if k.given {
			b.warn(src, k.key, "", "%s: %s means nothing with std_log_size = 0: nothing is rotated", b.called(spec), k.key)
		}
	}
}

// untouchable says why a file may not be declared as one to remove.
func (b *builder) untouchable(file string, spec *core.Spec) string {
	above := func(path string) bool {
		rel, err := filepath.Rel(file, path) // whatever the case, where the system has none
		return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
	}
	for _, dir := range []string{"/dev", "/proc", "/sys"} {
		if file == dir || strings.HasPrefix(file, dir+"/") {
			return "it is the system's"
		}
	}
	switch {
	case filepath.Dir(file) == file:
		return "it is everything"
	case b.config != "" && above(b.config):
		return "it is or holds the configuration"
	case above(spec.Launch.Dir):
		return "it is or holds the working directory"
	}
	return ""
}

// unique refuses a second process of one name, or with one pid file.
func (b *builder) unique(spec core.Spec, src source) {
	note := func(seen *map[string]Problem, value, same, key, text string) {
		if value == "" {
			return
		}
		if *seen == nil {
			*seen = map[string]Problem{}
		}
		if first, twice := (*seen)[same]; twice {
			also := ""
			if first.Line > 0 {
				also = fmt.Sprintf(" (the first is in line %d)", first.Line)
			}
			b.bad(src, key, "", text, value, also)
			return
		}
		(*seen)[same] = src.where(key, "")
	}
	if core.ValidName(spec.Name) == nil {
		note(&b.names, spec.Name, spec.Name, "name", "a second process is called %s%s")
	}
	note(&b.pidFiles, spec.Launch.PIDFile, folded(spec.Launch.PIDFile), "pid_file", "a second process has the pid_file %s%s")
}

// accounts remembers which users and groups exist, for one load.
type accounts map[[2]string]error

func (a accounts) check(user, group string) error {
	key := [2]string{user, group}
	err, known := a[key]
	if !known {
		_, err = child.LookupUser(user, group)
		a[key] = err
	}
	return err
}
