package migrate

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/qjpcpu/supervisord/core/child"
)

// The defaults of supervisor that differ from ours or that others are reckoned from.
const (
	defaultPriority  = 999
	defaultStartSecs = 1
	mostProcesses    = 1000    // of one program
	mostBackups      = 100_000 // old files of a log
)

// surroundings are what all programs of a configuration have in common.
type surroundings struct {
	src      Source
	hostname string
	defaults *section          // [program-default]
	env      []variable        // of [supervisord]
	cwd      string            // of [supervisord], "" if none
	groups   map[string]string // program -> group
	order    map[string]int    // group -> priority
}

// program makes the processes of a [program:x].
func (p *page) program(s *section, around surroundings) {
	name := strings.TrimSpace(strings.TrimPrefix(s.name, "program:"))
	group := name
	if g, found := around.groups[name]; found {
		group = g
	}
	known := func(n, of int) values {
		return values{"here": around.src.Dir, "host_node_name": around.hostname, "program_name": name, "group_name": group,
			"process_num": n, "numprocs": of}
	}
	var early process
	read := &options{own: s, defaults: around.defaults, known: known(0, 1), used: map[string]bool{}, note: early.note}
	count, ok := read.number("numprocs", 1)
	if !ok {
		count = 1
	}
	if count > mostProcesses {
		early.note("numprocs = %d is cut to %d", count, mostProcesses)
		count = mostProcesses
	}
	first, _ := read.number("numprocs_start", 0)
	for i := range count {
		one := &process{program: name, priority: defaultPriority}
		o := &options{own: s, defaults: around.defaults, known: known(first+i, count), used: map[string]bool{"numprocs": true, "numprocs_start": true}, note: one.note}
		one.notes = append(one.notes, early.notes...)
		one.name = name
		if given, found := o.text("process_name"); found {
			one.name = given
			if count > 1 && !strings.Contains(s.value("process_name"), "process_num") {
				one.note("process_name without %%(process_num) is the same for all of numprocs")
			}
		} else if count > 1 {
			one.name = fmt.Sprintf("%s-%d", name, first+i)
		}
		one.fill(o, around, group)
		o.rest()
		if one.command == "" {
			p.tail = append(p.tail, mark+"["+s.name+"] has no command and was left out")
			return
		}
		if i > 0 { // what is the same for all stands once
			one.notes = minus(one.notes, p.processes[len(p.processes)-i].notes)
		}
		p.add(one)
	}
}

// value is a raw value, "" if there is none.
func (s *section) value(key string) string { v, _ := s.get(key); return v }

func minus(notes, said []string) []string {
	var out []string
	for _, note := range notes {
		found := false
		for _, other := range said {
			found = found || other == note
		}
		if !found {
			out = append(out, note)
		}
	}
	return out
}

// fill turns the keys of a program.
func (one *process) fill(o *options, around surroundings, group string) {
	if group != one.program {
		one.remarks = append(one.remarks, "of the group "+group)
	}
	one.environment(o, around)
	cwd, hasCwd := o.text("directory")
	if !hasCwd && around.cwd != "" {
		cwd, hasCwd = around.cwd, true
	}
	one.commandLine(o, cwd)
	if hasCwd {
		one.key("cwd", text(cwd))
		if strings.HasPrefix(cwd, "~") {
			one.note("directory begins with ~, which nobody expands here: write the folder")
			one.keys = one.keys[:len(one.keys)-1]
		}
	}
	one.rights(o)
	one.start(o, around, group)
	one.stop(o)
	one.outputs(o)
	one.extras(o)
}

// commandLine splits the command, or leaves it to a shell where it is written for one.
func (one *process) commandLine(o *options, cwd string) {
	line, found := o.text("command")
	if !found {
		return
	}
	words, err := split(line)
	s := shellSyntax(strings.ReplaceAll(line, "\n", " ")) // a line that goes on is one line
	switch {
	case err != nil:
		one.note("command is left to a shell as %v", err)
		one.shell(line, syntax{operators: true})
		return
	case s.operators:
		one.remarks = append(one.remarks, "a shell runs it, for there is shell syntax in its command; the other supervisor passed that on as arguments")
		one.shell(line, s)
		return
	case len(words) == 0:
		return
	}
	if s.expands && !isShell(words[0]) {
		one.remarks = append(one.remarks, "no shell reads the command, here or there: $, * and ~ are passed on as they are")
	}
	one.command, one.args = words[0], words[1:]
	for _, word := range words {
		if name := strings.Trim(word, edge); variableMark(name) == word && !slices.Contains([]string{"HOME", "USER", "PATH", "PWD", "LOGNAME", "HOSTNAME"}, name) {
			one.remarks = append(one.remarks, word+" is one argument, whatever blanks it holds")
		}
	}
	if strings.Contains(one.command, "/") && !path.IsAbs(one.command) && !strings.HasPrefix(one.command, edge) {
		if path.IsAbs(cwd) {
			one.command = path.Join(cwd, one.command)
			return
		}
		one.note("the path of the command is relative: here it is to the folder of the configuration")
	}
}

// isShell tells a program that reads commands itself.
func isShell(program string) bool {
	switch path.Base(program) {
	case "sh", "bash", "dash", "zsh", "ksh", "fish":
		return true
	}
	return false
}

func (one *process) rights(o *options) {
	if user, found := o.text("user"); found {
		name, group, both := strings.Cut(user, ":")
		one.key("user", text(name))
		if both && group != "" {
			one.key("group", text(group))
		}
	}
	if mask, found := o.text("umask"); found {
		if n, err := strconv.ParseUint(mask, 8, 16); err == nil && n <= 0o777 {
			one.key("umask", fmt.Sprintf("\"%03o\"", n))
		} else {
			o.misunderstood("umask", mask)
		}
	}
}

// start turns what decides when a process is started, and again.
func (one *process) start(o *options, around surroundings, group string) {
	if auto, given := o.boolean("autostart"); given && !auto {
		one.key("autostart", "false")
	}
	if n, given := o.number("priority", -mostNumber); given {
		one.priority = n
	}
	if n, given := around.order[group]; given {
		if one.priority != defaultPriority {
			one.note("priority = %d inside of its group: the group's %d decides", one.priority, n)
		}
		one.priority = n
	}
	if again, found := o.text("autorestart"); found {
		switch strings.ToLower(again) {
		case "unexpected":
		case "true", "yes", "on", "1", "t", "y":
			one.key("restart", `"always"`)
		case "false", "no", "off", "0", "f", "n":
			one.key("restart", `"never"`)
		default:
			o.misunderstood("autorestart", again)
		}
	}
	if codes, found := o.text("exitcodes"); found {
		var all []string
		for code := range strings.FieldsFuncSeq(codes, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' }) {
			n, err := strconv.Atoi(code)
			if err != nil || n < 0 || n > 255 {
				o.misunderstood("exitcodes", codes)
				all = nil
				break
			}
			all = append(all, strconv.Itoa(n))
		}
		if all != nil {
			one.key("exit_codes", "["+strings.Join(all, ", ")+"]")
		}
	}
	secs, given := o.number("startsecs", 0)
	if !given {
		secs = defaultStartSecs
	}
	if secs > 0 {
		one.key("start_secs", strconv.Itoa(secs))
	}
	one.retries(o, secs)
}

// retries: there a start that fails is tried again after 1 s, 2 s, ... and given up after startretries; ends of what ran count
// for nothing. Here restarts count that come within a window, so the window is as long as that many failed starts last.
func (one *process) retries(o *options, startSecs int) {
	pause, paused := o.number("restartpause", 0)
	n, given := o.number("startretries", 0)
	switch {
	case given && n == 0:
		one.note("startretries = 0 has no counterpart: it is tried again whenever it fails (restart = \"never\" never does)")
	case given:
		first, longest := 1, n
		if paused && pause > 0 {
			first, longest = pause, pause
		}
		window, delay := (n+1)*startSecs+1, first
		for range min(n, 10_000) {
			window += delay
			delay = min(2*delay, longest)
		}
		one.key("restart_delay", strconv.Itoa(first))
		one.key("restart_delay_max", strconv.Itoa(max(first, longest)))
		one.key("max_restarts", strconv.Itoa(n))
		one.key("restart_window", strconv.Itoa(window))
		return
	}
	if paused && pause > 0 {
		one.key("restart_delay", strconv.Itoa(pause))
		one.key("restart_delay_max", strconv.Itoa(pause))
	}
}

// stop turns how a process is stopped.
func (one *process) stop(o *options) {
	if names, found := o.text("stopsignal"); found {
		all := strings.FieldsFunc(names, func(r rune) bool { return r == ',' || r == ' ' })
		if n, err := child.ParseSignal(all[0]); err == nil {
			if len(all) > 1 {
				one.note("stopsignal = %s: only the first is sent, then KILL", quoted(names))
			}
			one.key("stop_signal", text(child.SignalName(n)))
		} else {
			o.misunderstood("stopsignal", names)
		}
	}
	if n, given := o.number("stopwaitsecs", 0); given {
		one.key("stop_wait_secs", strconv.Itoa(n))
	}
	if n, given := o.number("killwaitsecs", 0); given {
		one.key("kill_wait_secs", strconv.Itoa(n))
	}
	asGroup, givenStop := o.boolean("stopasgroup")
	killed, givenKill := o.boolean("killasgroup")
	switch {
	case asGroup, killed:
		if !asGroup {
			one.remarks = append(one.remarks, "killasgroup: here the polite signal too is for the whole tree that the process has made")
		}
	case givenStop, givenKill:
		one.key("stop_mode", `"process"`)
		one.remarks = append(one.remarks, "what the process leaves behind outlives it, as before (stop_mode \"tree\" would end that too)")
	}
}

// outputs turns where output goes.
func (one *process) outputs(o *options) {
	type stream struct {
		files       []string
		given       bool
		size        int64
		sized       string
		count       int
		hasCount    bool
		description string
	}
	read := func(name string) (s stream) {
		s.description = name
		if where, found := o.text(name + "_logfile"); found {
			s.given, s.files = one.files(name+"_logfile", where)
		}
		var sized bool
		if s.size, s.sized, sized = o.size(name + "_logfile_maxbytes"); !sized {
			s.sized = ""
		}
		s.count, s.hasCount = o.number(name+"_logfile_backups", 0)
		o.lost(name+"_capture_maxbytes", "")
		o.lost(name+"_events_enabled", "a hook can look at (logs ...)")
		if on, given := o.boolean(name + "_syslog"); given && on {
			one.note("%s_syslog has no counterpart: let the program log/syslog itself, or a shipper read the file", name)
		}
		return s
	}
	out, errs := read("stdout"), read("stderr")
	joined, _ := o.boolean("redirect_stderr")
	if joined {
		errs.files, errs.given = out.files, out.given
		if !out.given {
			one.note("redirect_stderr = true without stdout_logfile: give stdout and stderr the same file")
		}
	}
	if out.given {
		one.key("stdout", list(out.files))
	}
	if errs.given {
		one.key("stderr", list(errs.files))
	}
	if !joined && out.sized != "" && errs.sized != "" && out.size != errs.size {
		one.note("stderr_logfile_maxbytes differs from that of stdout: one size holds for both")
	}
	if !joined && out.hasCount && errs.hasCount && out.count != errs.count {
		one.note("stderr_logfile_backups differs from that of stdout: one number holds for both")
	}
	switch {
	case out.sized != "":
		one.key("std_log_size", out.sized)
	case errs.sized != "" && !joined:
		one.key("std_log_size", errs.sized)
	}
	switch {
	case out.hasCount:
		one.key("std_log_count", strconv.Itoa(min(out.count, mostBackups)))
	case errs.hasCount && !joined:
		one.key("std_log_count", strconv.Itoa(min(errs.count, mostBackups)))
	}
}

// files are the places of one stream.
func (one *process) files(key, where string) (given bool, files []string) {
	files = []string{}
	for place := range strings.SplitSeq(where, ",") {
		switch place = strings.TrimSpace(place); {
		case strings.EqualFold(place, "AUTO"):
			return false, nil
		case strings.EqualFold(place, "NONE"), place == "", place == "/dev/null":
		case strings.EqualFold(place, "syslog"), strings.HasPrefix(strings.ToLower(place), "syslog@"):
			one.note("%s = %s has no counterpart: let a shipper read a file", key, quoted(place))
		case place == "/dev/fd/1", place == "/proc/self/fd/1":
			files = append(files, "/dev/stdout")
		case place == "/dev/fd/2", place == "/proc/self/fd/2":
			files = append(files, "/dev/stderr")
		case strings.HasSuffix(place, "/"):
			one.note("%s = %s names a folder", key, quoted(place))
		default:
			files = append(files, place)
		}
	}
	return true, files
}

// environment turns the variables, those of [supervisord] first.
func (one *process) environment(o *options, around surroundings) {
	all := append([]variable(nil), around.env...)
	if given, found := o.text("environment"); found {
		own, err := variables(given)
		if err != nil {
			one.note("environment = %s: %v", quoted(given), err)
		}
		all = append(all, own...)
		for _, v := range own {
			o.known["ENV_"+v.name] = v.value // what follows may ask for it
		}
	}
	for _, v := range all {
		if v.name == "" || strings.Contains(v.name, edge) {
			one.note("environment: %s cannot be the name of a variable", quoted(v.name))
			continue
		}
		at := -1
		for i, have := range one.env {
			if have.name == v.name {
				at = i
			}
		}
		if at >= 0 {
			one.env[at] = v
		} else {
			one.env = append(one.env, v)
		}
	}
}

// variables reads KEY=value,KEY="value, with commas".
func variables(s string) ([]variable, error) {
	var all []variable
	rest := s
	for {
		rest = strings.TrimLeft(rest, ", \t\n")
		if rest == "" {
			return all, nil
		}
		name, after, found := strings.Cut(rest, "=")
		if !found || strings.ContainsAny(name, ",\"'") {
			return all, fmt.Errorf("%s is no KEY=value", quoted(rest))
		}
		after = strings.TrimLeft(after, " \t\n")
		var value string
		if after != "" && (after[0] == '"' || after[0] == '\'') {
			end := strings.IndexByte(after[1:], after[0])
			if end < 0 {
				return all, errors.New("a quote is not closed")
			}
			value, rest = after[1:1+end], after[end+2:]
			if tail, _, _ := strings.Cut(rest, ","); strings.TrimSpace(tail) != "" {
				value += strings.TrimSpace(tail)
			}
			_, rest, _ = strings.Cut(rest, ",")
		} else {
			value, rest, _ = strings.Cut(after, ",")
			value = strings.Trim(strings.TrimSpace(value), `"'`)
		}
		all = append(all, variable{strings.TrimSpace(name), value})
	}
}

// extras are what ochinchina/supervisord has besides.
func (one *process) extras(o *options) {
	if names, found := o.text("depends_on"); found {
		for name := range strings.SplitSeq(names, ",") {
			if name = strings.TrimSpace(name); name != "" {
				one.depends = append(one.depends, name)
			}
		}
		one.remarks = append(one.remarks, "depends_on = "+names+": its priority lets these start first; a start waits for start_secs, not for more")
	}
	if files, found := o.text("envfiles"); found {
		all := strings.Split(files, ",")
		one.key("env_file", text(strings.TrimSpace(all[0])))
		if len(all) > 1 {
			one.note("envFiles = %s: there can be one env_file", quoted(files))
		}
	}
	for _, key := range []string{"cron", "restart_cron", "restartcron", "restart-cron"} {
		if when, found := o.text(key); found {
			one.note(`%s = %s has no counterpart here: put (every "24h" (fn [] (restart %s))) into an init_script`, key, quoted(when), strconv.Quote(one.name))
		}
	}
	for _, key := range []string{"restart_when_binary_changed", "restart_cmd_when_binary_changed", "restart_signal_when_binary_changed", "restart_directory_monitor",
		"restart_file_pattern", "restart_cmd_when_file_changed", "restart_signal_when_file_changed"} {
		o.lost(key, "a hook of an init_script can look, and restart")
	}
	o.lost("serverurl", "processes find the daemon by SUPERVISOR_ADDRESS")
}
