package cli_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/qjpcpu/supervisord/repl/ptytest"
)

// completes types the beginning of a line and Tab, and waits for what the shell makes of it; then it gives the line up.
func completes(p *ptytest.Terminal, typed, want string) {
	p.Keys(typed)
	p.Wait(typed)
	p.Keys(tabKey)
	p.Wait(want)
	p.Keys(killLine, enter)
	p.Wait("ready> ")
}

// completionWorld is a daemon whose processes have names that are hard for shells.
func completionWorld(t *testing.T) *operated {
	return operate(t, sleeper("web-1")+sleeper("web-2")+sleeper("job@a.1"), "web-1", "web-2", "job@a.1")
}

func TestBashCompletes(t *testing.T) {
	bash := realProgram(t, "bash")
	o := completionWorld(t)
	o.write("deploy.glisp", "(status)")
	p := o.terminalOf(bash, "--norc", "--noprofile", "-i")
	p.Keys("bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; source <(supervisord completion bash); PS1='rea''dy> '", enter)
	p.Wait("ready> ")
	completes(p, "supervisord serv", "ice ")
	completes(p, "supervisord service omi", "t-exit-code ")
	completes(p, "supervisord service logs --stre", "am ")
	completes(p, "supervisord service logs --stream stde", "rr ")
	completes(p, "supervisord -c supervisord.conf why we", "b-")
	completes(p, "supervisord history job", "@a.1 ")
	completes(p, "supervisord history job@a", ".1 ")
	completes(p, "supervisord start -supvr.daemoni", "ze ")
	completes(p, "supervisord exec dep", "loy.glisp ")
	completes(p, "supervisord service wait web-1 runn", "ing ")
	p.Keys("supervisord service status web-", tabKey, tabKey)
	p.Wait("web-1")
	p.Wait("web-2")
	p.Keys(killLine, enter)
	p.Wait("ready> ")
	p.Keys("exit 0", enter)
	p.Leave(0)
}

func TestZshCompletes(t *testing.T) {
	zsh := realProgram(t, "zsh")
	o := completionWorld(t)
	o.write("deploy.glisp", "(status)")
	p := o.terminalOf(zsh, "-f", "-i")
	p.Keys("unsetopt zle_bracketed_paste; unset zle_bracketed_paste; autoload -U compinit && compinit -D -u; source <(supervisord completion zsh); PS1='rea''dy> '; PROMPT_SP=; unsetopt prompt_sp", enter)
	p.Wait("ready> ")
	for typed, want := range map[string]string{
		"supervisord serv":                         "ice",
		"supervisord service omi":                  "t-exit-code",
		"supervisord service logs --stre":          "am",
		"supervisord service logs --stream stde":   "rr",
		"supervisord -c supervisord.conf why we":   "b-",
		"supervisord history job@a":                ".1",
		"supervisord start -supvr.daemoni":         "ze",
		"supervisord exec dep":                     "loy.glisp",
		"supervisord service wait web-1 runn":      "ing",
		"supervisord service restart web-1 web-":   "2", // the one that is not there yet
		"supervisord fmt deploy.glisp --supervis":  "",
		"supervisord nosuch we":                    "",
		"supervisord service status --server x we": "",
	} {
		p.Keys(typed, tabKey)
		if want != "" {
			p.Wait(typed[strings.LastIndex(typed, " ")+1:] + want)
		}
		p.Keys(killLine, enter)
		p.Wait("ready> ")
	}
	p.Keys("supervisord service st", tabKey)
	p.Wait("show the processes")
	p.Keys(killLine, "exit 0", enter)
	p.Leave(0)
}

func TestFishCompletes(t *testing.T) {
	fish := realProgram(t, "fish")
	o := completionWorld(t)
	o.write("deploy.glisp", "(status)")
	for typed, want := range map[string]string{
		"supervisord serv":                        "service\tcommands on processes",
		"supervisord service omi":                 "omit-exit-code\ttake every exit code",
		"supervisord service logs --stre":         "--stream\tstdout or stderr",
		"supervisord service logs --stream stde":  "stderr",
		"supervisord -c supervisord.conf why we":  "web-1\trunning\nweb-2\trunning\n",
		"supervisord history job@a":               "job@a.1\trunning\n",
		"supervisord start -supvr.daemoni":        "-supvr.daemonize\tRun in the background.",
		"supervisord exec dep":                    "deploy.glisp",
		"supervisord service wait web-1 runn":     "running",
		"supervisord service restart web-1 web-":  "web-2\trunning\n",
		"supervisord service status ":             "web-1\trunning\nweb-2\trunning\n",
		"supervisord help env-r":                  "env-reveal\tform: The environment",
		"supervisord fmt deploy.glisp --supervis": "",
	} {
		command := exec.Command(fish, "--no-config", "-c", "supervisord completion fish | source; complete -C "+"'"+typed+"'")
		command.Dir, command.Env = o.dir, append(slices.Clone(o.env), "XDG_CONFIG_HOME="+o.dir, "XDG_DATA_HOME="+o.dir)
		out, err := command.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) || want == "" && len(out) > 0 {
			t.Errorf("%s: %v\n%s", typed, err, out)
		}
	}
}
