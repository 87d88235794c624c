package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestWordsBecomeCalls holds the parsing of command lines: what belongs to us, what to the program, what to nobody.
func TestWordsBecomeCalls(t *testing.T) {
	for _, test := range []struct {
		line    string
		command string
		given   string // options, sorted, name=value
		args    string
		flags   string
		more    string
	}{
		{line: "service status", command: "service status"},
		{line: "service status web 'x'", command: "service status", args: "web|'x'"},
		{line: "-c a.conf service --json status web --timeout=3s", command: "service status", given: "config=a.conf,json=true,timeout=3s", args: "web"},
		{line: "service logs -f -n 5 --stream stderr web", command: "service logs", given: "follow=true,lines=5,stream=stderr", args: "web"},
		{line: "shutdown -now -clear", command: "shutdown", given: "clear=true,now=true"},
		{line: "shutdown --now --clear", command: "shutdown", given: "clear=true,now=true"},
		{line: "start", command: "start"},
		{line: "start -c a.conf", command: "start", given: "config=a.conf"},
		{line: "start -supvr.daemonize false", command: "start", flags: "daemonize=false"},
		{line: "start --supvr.daemonize=false -c x web -supvr.stopsig INT python -c print -supvr.log x", command: "start",
			given: "config=x", args: "web|python|-c|print|-supvr.log|x", flags: "daemonize=false", more: "stopsig=INT"},
		{line: "start web -supvr.env=A=1,B=2,3 -- ./run --json", command: "start", args: "web|./run|--json", more: "env=A=1,B=2,3"},
		{line: "start -supvr.std_log_count -1", command: "start", flags: "std_log_count=-1"},
		{line: "add-proc --form w /usr/bin/python worker.py --json", command: "add-proc", given: "form=true", args: "w|/usr/bin/python|worker.py|--json"},
		{line: "exec deploy.glisp --json v2", command: "exec", args: "deploy.glisp|--json|v2"},
		{line: "exec --json -e (+) a", command: "exec", given: "eval=(+),json=true", args: "a"},
		{line: "exec -e (status) --json", command: "exec", given: "eval=(status),json=true"},
		{line: "exec - a", command: "exec", args: "-|a"},
		{line: "exec --local x.glisp -f", command: "exec", given: "local=true", args: "x.glisp|-f"},
		{line: "help service logs", command: "help", args: "service|logs"},
		{line: "service logs --help", command: "help", args: "service|logs"},
		{line: "-h", command: "help", given: "-h=true"},
		{line: "--help", command: "help"},
		{line: "service logs -h", command: "help", given: "-h=true", args: "service|logs"},
		{line: "h", command: "help"},
		{line: "events -f", command: "events", given: "follow=true"},
		{line: "service wait web running 10", command: "service wait", args: "web|running|10"},
	} {
		c, err := parse(strings.Fields(test.line))
		if err != nil {
			t.Errorf("%s: %v", test.line, err)
			continue
		}
		var given []string
		for name, value := range c.given {
			given = append(given, name+"="+value)
		}
		slices.Sort(given)
		pairs := func(all []pair) string {
			var words []string
			for _, p := range all {
				words = append(words, p.name+"="+p.value)
			}
			return strings.Join(words, ";")
		}
		for _, part := range []struct{ what, got, want string }{
			{"command", c.command.title(), test.command},
			{"options", strings.Join(given, ","), test.given},
			{"words", strings.Join(c.args, "|"), test.args},
			{"flags", pairs(c.flags), test.flags},
			{"flags after the name", pairs(c.more), test.more},
		} {
			if part.got != part.want {
				t.Errorf("%s: %s: got %q, want %q", test.line, part.what, part.got, part.want)
			}
		}
	}
}

// TestWrongWordsAreExplained: exit code 2, and what was probably meant.
func TestWrongWordsAreExplained(t *testing.T) {
	for line, want := range map[string]string{
		"":                              "no command given",
		"service":                       "service what? one of: status, start",
		"sevice status":                 "unknown command sevice (did you mean service?)",
		"service statsu":                "unknown command service statsu (did you mean service status?)",
		"service stats":                 "unknown command service stats (did you mean service usage?)",
		"statsu":                        "unknown command statsu (did you mean status?)",
		"restrat web":                   "unknown command restrat (did you mean restart?)",
		"service status --lines 3":      "unknown option --lines of service status (supervisord service status -h lists them)",
		"--lines":                       "unknown option --lines (supervisord help lists them)",
		"service status --jsn":          "unknown option --jsn of service status (did you mean --json?)",
		"service status --json=yes":     "--json takes no value",
		"service status --timeout":      "it needs a value (TIME)",
		"service status --timeout soon": "cannot use --timeout soon",
		"service status --timeout=-3s":  "cannot use --timeout -3s",
		"service signal web":            "it needs NAME SIGNAL",
		"service signal web HUP INT":    `"INT" is one word too many`,
		"service logs -n many":          "cannot use many as a number of lines",
		"service logs --stream std":     "want stdout or stderr",
		"service status -supvr.log x":   "only start and add-proc take keys as flags",
		"start -supvr.log":              "it needs a value",
		"start --json":                  "unknown option --json of start",
		"--json start":                  "cannot use --json with start",
		"version --server x":            "unknown option --server of version",
		"reload now":                    `"now" is one word too many`,
		"add-proc":                      "it needs NAME",
		"completion":                    "it needs bash|zsh|fish",
	} {
		_, err := parse(strings.Fields(line))
		var own *coded
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", line, err, want)
		} else if !errors.As(err, &own) || own.code != ExitUsage {
			t.Errorf("%q: exit code %d, want %d", line, codeOf(err), ExitUsage)
		}
	}
}

// TestEveryCommandIsExplained: each line of the table is complete, its example is understood as this command, and no two
// options of a command share a spelling.
func TestEveryCommandIsExplained(t *testing.T) {
	for _, c := range commands() {
		if c.doc == "" || strings.HasSuffix(c.doc, ".") {
			t.Errorf("%s: doc %q", c.title(), c.doc)
		}
		if c.about == "" && !c.hidden {
			t.Errorf("%s has no more to say in --help than in -h", c.title())
		}
		if (c.form != nil) == (c.text != nil || c.local != nil) {
			t.Errorf("%s: it must have one of form, text and local", c.title())
		}
		words := strings.Fields(strings.NewReplacer("'", "", "source <(", "", ")", "").Replace(c.example))
		if len(words) == 0 || words[0] != "supervisord" {
			t.Errorf("%s: example %q", c.title(), c.example)
		} else if parsed, err := parse(words[1:]); err != nil || parsed.command.title() != c.title() {
			t.Errorf("%s: example %q: %v", c.title(), c.example, err)
		}
		seen := map[string]bool{}
		for _, o := range c.allOptions() {
			for _, spelling := range []string{o.name, o.short} {
				if spelling != "" && seen[spelling] {
					t.Errorf("%s: two options are called %s", c.title(), spelling)
				}
				seen[spelling] = true
			}
			if o.doc == "" {
				t.Errorf("%s: --%s has no doc", c.title(), o.name)
			}
		}
	}
}
