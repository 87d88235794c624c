package migrate

import (
	"path"
	"strconv"
	"strings"
)

// The ports that foreman gives to the processes of a Procfile, the first one and how far the next is from it.
const (
	firstPort = 5000
	nextPort  = 100
)

// procfile turns a Procfile. A shell reads its commands, so one does here too where that makes a difference.
func (p *page) procfile(src Source, o Options) {
	p.head = append(p.head, "# A Procfile's processes run in the foreground and end together. Here each is restarted when it fails; exit_code_from and",
		"# exit_when_all_done end the daemon with its processes.")
	n := 0
	for line := range strings.Lines(src.Text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		match := procfileLine().FindStringSubmatch(line)
		if match == nil {
			p.note("%s is not understood", quoted(line))
			continue
		}
		one := &process{name: match[1], program: match[1]}
		one.procfileCommand(match[2], src.Dir)
		one.key("cwd", text(src.Dir))
		if o.EnvFile {
			one.key("env_file", basicString(strings.TrimSuffix(src.Dir, "/")+"/.env"))
		}
		if match[1] == "release" {
			one.remarks = append(one.remarks, "release is what a deployment runs once: start it by hand")
			one.key("autostart", "false")
			one.key("restart", `"never"`)
		} else {
			one.env = append(one.env, variable{"PORT", strconv.Itoa(firstPort + n*nextPort)})
			n++
		}
		p.add(one)
	}
	if n > 0 {
		p.head = append(p.head, "# PORT is what foreman would give.")
	}
}

func (one *process) procfileCommand(line, folder string) {
	s := shellSyntax(line)
	words, err := split(line)
	if err == nil && !s.operators && !s.expands && !s.assigns && !strings.Contains(line, "#") && len(words) > 0 && !shellWord(words[0]) {
		one.command, one.args = words[0], words[1:]
		if strings.Contains(one.command, "/") && !path.IsAbs(one.command) {
			one.command = path.Join(folder, one.command)
		}
		return
	}
	one.remarks = append(one.remarks, "a shell runs it, for there is shell syntax in its command")
	one.shell(line, s)
}
