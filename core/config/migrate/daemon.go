package migrate

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// ini turns a configuration of Python's supervisor or ochinchina/supervisord.
func (p *page) ini(src Source, o Options) error {
	files := []Source{src}
	for i := 0; i < len(files) && len(files) < 1000; i++ {
		found, err := p.included(files[i], o)
		if err != nil {
			return err
		}
		for _, one := range found {
			if !containsFile(files, one) {
				files = append(files, one)
			}
		}
	}
	var sections []*section
	place := map[*section]Source{}
	for _, file := range files {
		for _, s := range parseINI(file.Text) {
			sections = append(sections, s)
			place[s] = file
		}
	}
	around := surroundings{src: src, hostname: o.Hostname, groups: map[string]string{}, order: map[string]int{}}
	for _, s := range sections {
		around.gather(p, s, place[s])
	}
	for _, s := range sections {
		around.src = place[s]
		kind, _, _ := strings.Cut(s.name, ":")
		switch kind {
		case "program":
			p.program(s, around)
		case "eventlistener":
			p.foreign(s, "listens to events of the other supervisor", "a hook of an init_script hears of events: (on 'fatal (fn [e] ...))")
		case "fcgi-program":
			p.foreign(s, "shares a socket that the other supervisor opens", "let a FastCGI manager open the socket itself and supervise that")
		}
	}
	for _, s := range sections {
		if kind, name, _ := strings.Cut(s.name, ":"); kind == "group" {
			p.tail = append(p.tail, p.group(name, around))
		}
	}
	p.prioritise()
	return nil
}

// group says what a group was and how its processes are named together.
func (p *page) group(name string, around surroundings) string {
	const shown = 12
	var names []string
	for _, one := range p.processes {
		if around.groups[one.program] == name {
			names = append(names, one.name)
		}
	}
	if len(names) > shown {
		names = append(names[:shown], "...")
	}
	return fmt.Sprintf("# There are no groups here; lists and globs name several. Those of the group %s: supervisord service restart %s",
		oneLine(name), strings.Join(names, " "))
}

func containsFile(files []Source, one Source) bool {
	for _, f := range files {
		if f.Dir == one.Dir && f.Name == one.Name {
			return true
		}
	}
	return false
}

// included reads what the [include] of a file names.
func (p *page) included(src Source, o Options) ([]Source, error) {
	var all []Source
	for _, s := range parseINI(src.Text) {
		patterns, found := s.get("files")
		if s.name != "include" || !found {
			continue
		}
		known := values{"here": src.Dir, "host_node_name": o.Hostname}
		for pattern := range strings.FieldsSeq(expand(patterns, known, p.note)) {
			if o.Include == nil || strings.Contains(pattern, edge) {
				p.note("[include] %s was not read: import these files too", quoted(pattern))
				continue
			}
			files, err := o.Include(src.Dir, pattern)
			if err != nil {
				return nil, err
			}
			names := make([]string, len(files))
			for i, file := range files {
				names[i] = file.Name
			}
			if len(files) == 0 {
				p.note("[include] %s names no file", quoted(pattern))
				continue
			}
			p.head = append(p.head, "# [include] "+oneLine(pattern)+" was read: "+oneLine(strings.Join(names, " ")))
			all = append(all, files...)
		}
	}
	return all, nil
}

// gather takes what programs need to know of the other sections, and turns those of the daemon.
func (a *surroundings) gather(p *page, s *section, src Source) {
	kind, name, _ := strings.Cut(s.name, ":")
	o := &options{own: s, known: values{"here": src.Dir, "host_node_name": a.hostname}, used: map[string]bool{}, note: func(format string, args ...any) {
		p.note("["+s.name+"] "+format, args...)
	}}
	switch kind {
	case "program", "eventlistener", "fcgi-program", "include":
		return
	case "program-default":
		a.defaults = s
		return
	case "group":
		if programs, found := o.text("programs"); found {
			for program := range strings.FieldsFuncSeq(programs, func(r rune) bool { return r == ',' || r == '\n' || r == ' ' }) {
				a.groups[program] = name
			}
		}
		if n, given := o.number("priority", -mostNumber); given {
			a.order[name] = n
		}
	case "supervisord":
		a.daemon(p, o)
	case "unix_http_server":
		if file, found := o.text("file"); found {
			p.head = append(p.head, "# [unix_http_server] file: commands find the daemon without it. To use it all the same, when the other supervisor is gone:",
				"# admin_sock = "+text(file))
		}
		o.lost("chmod", "the socket has mode 0600; admin_group lets others in")
		o.lost("chown", "the socket is the daemon's; admin_group lets others in")
		o.lost("username", "the kernel tells who connects")
		o.secret("password", "the kernel tells who connects")
	case "inet_http_server":
		a.port(p, o)
		o.lost("username", "TCP asks for the token in the state directory")
		o.secret("password", "TCP asks for the token in the state directory")
	case "supervisorctl":
		p.head = append(p.head, "# [supervisorctl] is not needed: every command finds the daemon of its configuration")
		return
	case "rpcinterface", "ctlplugin":
		p.note("[%s] has no counterpart: forms are sent over HTTP (supervisord exec, curl)", s.name)
		return
	default:
		p.note("[%s] is not known", s.name)
		return
	}
	o.rest()
}

// secret notes that a key has no counterpart without showing its value.
func (o *options) secret(key, instead string) {
	if v, found := o.raw(key); found && v != "" {
		o.note("%s has no counterpart: %s", key, instead)
	}
}

// daemon turns [supervisord].
func (a *surroundings) daemon(p *page, o *options) {
	if file, found := o.text("logfile"); found && !strings.EqualFold(file, "NONE") {
		if strings.HasPrefix(file, "syslog") {
			p.note("logfile = %s has no counterpart", quoted(file))
		} else {
			p.key("log", text(file))
		}
	}
	foreground, _ := o.boolean("nodaemon")
	if !foreground {
		p.key("daemonize", "true")
	}
	if dir, found := o.text("directory"); found {
		a.cwd = dir
	}
	if given, found := o.text("environment"); found {
		var err error
		if a.env, err = variables(given); err != nil {
			p.note("[supervisord] environment = %s: %v", quoted(given), err)
		}
	}
	o.lost("logfile_maxbytes", "the daemon's log is rotated at 100 MB")
	o.lost("logfile_backups", "10 old files of the daemon's log are kept")
	if level, found := o.text("loglevel"); found {
		switch name := strings.ToLower(level); name {
		case "critical", "error":
			p.key("log_level", `"error"`)
		case "warn", "info":
			p.key("log_level", `"`+name+`"`)
		case "debug", "trace", "blather":
			p.key("log_level", `"debug"`)
		default:
			o.misunderstood("loglevel", level)
		}
	}
	o.lost("pidfile", "the pid stands in the runtime directory; commands find it there")
	o.lost("user", "start the daemon as that user")
	o.lost("umask", "a daemon in the background has 027; a process may have its own")
	o.lost("childlogdir", "output without a file of its own goes below state_dir")
	for _, key := range []string{"minfds", "minprocs", "nocleanup", "strip_ansi", "identifier"} {
		o.lost(key, "")
	}
	o.used["silent"] = true
}

// port turns [inet_http_server].
func (a *surroundings) port(p *page, o *options) {
	address, found := o.text("port")
	if !found {
		return
	}
	host, port := "*", strings.TrimSpace(address)
	if strings.Contains(port, ":") {
		var err error
		if host, port, err = net.SplitHostPort(port); err != nil {
			o.misunderstood("port", address)
			return
		}
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > 65535 {
		o.misunderstood("port", address)
		return
	}
	p.key("admin_listen", port)
	switch ip := net.ParseIP(host); {
	case host == "localhost", ip != nil && ip.IsLoopback():
	case host == "*", host == "", ip != nil && ip.IsUnspecified():
		o.note("port = %s was open to everybody: here it is this machine's alone, unless admin_bind_ip is given, with admin_tls_cert and admin_tls_key", quoted(address))
	default:
		o.note("port = %s: admin_bind_ip = %s would need admin_tls_cert and admin_tls_key", quoted(address), quoted(host))
	}
}

// foreign notes a section that is a process of a sort that there is none of here.
func (p *page) foreign(s *section, what, instead string) {
	p.tail = append(p.tail, mark+"["+s.name+"] "+what+": it was left out; "+instead)
	for _, o := range s.options {
		if o.key == "command" {
			p.tail = append(p.tail, "#   "+o.key+" = "+oneLine(o.value))
		}
	}
}

// prioritise gives every process a priority where one has any, and raises those that depend on others.
func (p *page) prioritise() {
	r := ranks{of: map[string]*rank{}}
	needed := false
	for _, one := range p.processes {
		needed = needed || one.priority != defaultPriority || len(one.depends) > 0
		if r.of[one.program] == nil {
			r.of[one.program] = &rank{priority: one.priority, depends: one.depends}
		}
	}
	if !needed {
		return
	}
	for _, one := range p.processes {
		r.settle(r.of[one.program])
		for _, name := range one.depends {
			if r.of[name] == nil {
				one.note("depends_on names %s, which is not there", quoted(name))
			}
		}
		one.key("priority", strconv.Itoa(r.of[one.program].priority))
	}
	if r.circle {
		p.note("depends_on goes in a circle: not all of these can start first")
	}
}

// ranks are the priorities of programs by their names.
type ranks struct {
	of     map[string]*rank
	circle bool
}

type rank struct {
	priority        int
	depends         []string
	settled, inside bool
}

// settle raises a program over all that it depends on.
func (r *ranks) settle(one *rank) {
	if one.settled {
		return
	}
	one.inside = true
	for _, name := range one.depends {
		before := r.of[name]
		switch {
		case before == nil:
		case before.inside:
			r.circle = true
		default:
			r.settle(before)
			one.priority = max(one.priority, before.priority+1)
		}
	}
	one.inside, one.settled = false, true
}
