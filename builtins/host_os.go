package builtins

import (
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/lisp"
)

// shell is how a command that is one text is run: /bin/sh reads it, on Windows cmd.exe.
func shell(text string) []string {
	if runtime.GOOS == "windows" {
		return []string{"cmd.exe", "/d", "/s", "/c", text}
	}
	return []string{"/bin/sh", "-c", text}
}

// commandPrims run programs.
func commandPrims(m *machine) []lisp.Prim {
	return []lisp.Prim{
		{Name: "os/command", Params: "command:array|list|hash",
			Doc: "Runs a program and gives a hash: code (-1 when a signal ended it), signal (its name or nil), stdout, stderr.\n" +
				"The command is an array of words, or a hash: cmd (with args), cwd, env (a hash, or an array of \"KEY=value\"), stdin, stdout\n" +
				"and stderr (a buffer or file that gets it), timeout (seconds or \"5s\"; 60 s). No shell is between. It ends with the\n" +
				"evaluation, and what it leaves running is killed. It is an error of kind timeout when the time is over, too-large when it\n" +
				"prints more than 1 MiB.",
			Example: "(hget (os/command [\"echo\" \"a b\"]) \"stdout\") => \"a b\\n\"\n" +
				"(hget (os/command {\"cmd\" \"cat\" \"stdin\" \"hello\"}) \"stdout\") => \"hello\"",
			Fn: m.osCommand},
		{Name: "os/exec", Params: "command:string|array|list|hash",
			Doc: "Runs a command line in /bin/sh (Windows: cmd.exe) and gives (code . text): text is stdout without its last newline, after a failure\n" +
				"followed by stderr. Arrays and hashes are as in os/command, but a hash with cmd and no args is a command line.",
			Example: "(os/exec \"echo hi\") => (0 . \"hi\")\n(os/exec \"echo out; echo no >&2; exit 3\") => (3 . \"out\\nno\")",
			Fn:      m.osExec},
		{Name: "os/exec!", Params: "command:string|array|list|hash",
			Doc:     "As os/exec, but gives the text of stdout alone, and a failure is an error of kind failed.",
			Example: "(os/exec! {\"cmd\" \"echo $K\" \"env\" {\"K\" \"v\"} \"cwd\" \"/\"}) => \"v\"",
			Fn:      m.osExecOrFail},
		{Name: "os/run", Params: "command:string|array|list|hash",
			Doc:     "As os/exec, but prints the command's output as it comes, and gives the code.",
			Example: "(os/run \"true\") => 0",
			Fn:      m.osRun},
		{Name: "os/which", Params: "name:string", Doc: "The file of a program, by the PATH that commands get; nil when there is none.",
			Example: "(os/which \"no-such-program\") => ()",
			Fn: func(t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
				name, _ := args[0].AsString()
				if path, found := m.which(t, name); found {
					return lisp.String(path), nil
				}
				return lisp.Nil, nil
			}},
	}
}

// environPrims are about the environment that commands get.
func environPrims(m *machine) []lisp.Prim {
	get := func(t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
		key, _ := args[0].AsString()
		return lisp.String(m.lookup(t, key)), nil
	}
	return []lisp.Prim{
		{Name: "os/env", Params: "name:string", Doc: "A variable of the environment that commands get; \"\" when it is not set.",
			Example: "(os/env \"NO_SUCH_VARIABLE\") => \"\"", Fn: get},
		{Name: "os/getenv", Params: "name:string", Doc: "The same as os/env.", Example: "(os/getenv \"NO_SUCH_VARIABLE\") => \"\"", Fn: get},
		{Name: "os/setenv", Params: "name:string value:string",
			Doc:     "Sets a variable for the commands of this program, and of its session. The daemon and its processes never see it.",
			Example: "(begin (os/setenv \"K\" \"v\") (os/exec \"echo $K\")) => (0 . \"v\")",
			Fn: func(t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
				key, _ := args[0].AsString()
				value, _ := args[1].AsString()
				if err := checkVariable(key, value); err != nil {
					return lisp.Nil, err
				}
				if err := t.Alloc(int64(len(key) + len(value) + 32)); err != nil {
					return lisp.Nil, err
				}
				e := errandOf(t)
				e.set = withVariable(e.set, key+"="+value)
				return lisp.Nil, nil
			}},
	}
}

func checkVariable(key, value string) error {
	if key == "" || strings.ContainsAny(key, "=\x00") || strings.Contains(value, "\x00") {
		return lisp.Errorf(kindInvalid, "cannot set the variable %q: a name is not empty and has no =, and neither has a NUL", cut(key, 64))
	}
	return nil
}

func (m *machine) osCommand(t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	_, o, err := m.finish(t, "os/command", args[0], false, nil)
	if err != nil {
		return lisp.Nil, err
	}
	h := lisp.NewHash()
	h.SetString("code", lisp.Int(int64(o.exit.Code)))
	h.SetString("signal", lisp.Nil)
	if o.exit.Signal != 0 {
		h.SetString("signal", exitValue(&o.exit))
	}
	h.SetString("stdout", lisp.String(string(o.stdout)))
	h.SetString("stderr", lisp.String(string(o.stderr)))
	return lisp.HashValue(h), nil
}

func (m *machine) osExec(t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	_, o, err := m.finish(t, "os/exec", args[0], true, nil)
	if err != nil {
		return lisp.Nil, err
	}
	text := string(o.stdout)
	if o.exit.Code != 0 {
		text += string(o.stderr)
	}
	return lisp.Cons(lisp.Int(int64(o.exit.Code)), lisp.String(chomp(text))), nil
}

func (m *machine) osExecOrFail(t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	c, o, err := m.finish(t, "os/exec!", args[0], true, nil)
	if err != nil {
		return lisp.Nil, err
	}
	if o.exit.Code != 0 {
		text := cut(oneLine(strings.TrimSpace(strings.ToValidUTF8(string(o.stderr), "?"))), longestArgument)
		if text != "" {
			text = ": " + text
		}
		return lisp.Nil, lisp.Errorf(kindFailed, "cannot finish %s: %s%s", c.name(), o.exit, text)
	}
	return lisp.String(chomp(string(o.stdout))), nil
}

func (m *machine) osRun(t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	_, o, err := m.finish(t, "os/run", args[0], true, func(part []byte) error {
		var err error
		t.Resume(func() { _, err = t.Out().Write(part) })
		return err
	})
	if err != nil {
		return lisp.Nil, err
	}
	return lisp.Int(int64(o.exit.Code)), nil
}

// finish runs a command that was given as v (lines: a text is a command line), lets others run meanwhile, charges for what it
// printed and hands it to where it shall go.
func (m *machine) finish(t *lisp.Thread, verb string, v lisp.Value, lines bool, pass func([]byte) error) (c command, o outcome, err error) {
	if c, err = m.readCommand(verb, v, lines); err != nil {
		return c, o, err
	}
	if o, err = m.run(t, c, pass); err == nil {
		err = t.Alloc(int64(len(o.stdout) + len(o.stderr) + 256))
	}
	if err == nil && c.stdoutTo != nil {
		_, err = c.stdoutTo.Write(o.stdout)
		o.stdout = nil
	}
	if err == nil && c.stderrTo != nil {
		_, err = c.stderrTo.Write(o.stderr)
		o.stderr = nil
	}
	return c, o, err
}

// readCommand reads what a command was given as. lines: a text is a command line.
func (m *machine) readCommand(verb string, v lisp.Value, lines bool) (command, error) {
	c := command{timeout: commandPatience}
	line := shell
	if text, ok := v.AsString(); ok {
		c.argv = line(text)
		return c, checkWords(verb, c.argv)
	}
	if _, ok := v.AsHash(); !ok {
		words, err := wordsOf(verb, "the command", v)
		if err != nil {
			return c, err
		}
		c.argv = words
		return c, checkWords(verb, c.argv)
	}
	h, _ := v.AsHash()
	var cmd string
	var args []string
	withArgs := false
	var problem error
	h.Each(func(k, item lisp.Value) bool {
		key, _ := textOf(k)
		switch key {
		case "cmd":
			cmd, problem = textFor(verb, key, item)
		case "args":
			withArgs = true
			args, problem = wordsOf(verb, key, item)
		case "cwd":
			if c.cwd, problem = textFor(verb, key, item); problem == nil && c.cwd != "" {
				c.cwd, problem = filepath.Abs(c.cwd)
			}
		case "stdin":
			if b, isBytes := item.AsBytes(); isBytes {
				c.stdin = string(b)
			} else {
				c.stdin, problem = textFor(verb, key, item)
			}
		case "timeout":
			c.timeout, problem = patience(verb, item, longestCommand)
		case "env":
			c.env, problem = pairsOf(verb, item)
		case "stdout":
			c.stdoutTo, problem = ioFor(verb, key, item)
		case "stderr":
			c.stderrTo, problem = ioFor(verb, key, item)
		default:
			hint := ""
			if near := lisp.Nearest(key, []string{"cmd", "args", "cwd", "env", "stdin", "stdout", "stderr", "timeout"}); near != "" {
				hint = " (did you mean " + near + "?)"
			}
			problem = lisp.Errorf(kindInvalid, "cannot call %s: unknown key %s%s, want cmd, args, cwd, env, stdin, stdout, stderr or timeout", verb, cut(lisp.Print(k), 64), hint)
		}
		return problem == nil
	})
	if problem != nil {
		return c, problem
	}
	c.argv = append([]string{cmd}, args...)
	if lines && !withArgs && cmd != "" {
		c.argv = line(cmd)
	}
	return c, checkWords(verb, c.argv)
}

// ioFor is a buffer or another io object that output goes to.
func ioFor(verb, key string, v lisp.Value) (lisp.IO, error) {
	object, _ := v.AsHost()
	if o, ok := object.(lisp.IO); ok {
		return o, nil
	}
	return nil, lisp.Errorf(kindType, "cannot call %s: %s is %s, want a buffer or another io object", verb, key, kindName(v))
}

// checkWords refuses what cannot be executed.
func checkWords(verb string, argv []string) error {
	if len(argv) == 0 || argv[0] == "" {
		return lisp.Errorf(kindInvalid, "cannot call %s: there is no command", verb)
	}
	for _, word := range argv {
		if strings.Contains(word, "\x00") {
			return lisp.Errorf(kindInvalid, "cannot call %s: a word holds a NUL", verb)
		}
	}
	return nil
}

func textFor(verb, key string, v lisp.Value) (string, error) {
	if text, ok := textOf(v); ok {
		return text, nil
	}
	return "", lisp.Errorf(kindType, "cannot call %s: %s is %s, want a string", verb, key, kindName(v))
}

// wordsOf are the words of a command: strings, and numbers as they print.
func wordsOf(verb, key string, v lisp.Value) ([]string, error) {
	items, ok := v.Elements()
	if !ok {
		return nil, lisp.Errorf(kindType, "cannot call %s: %s is %s, want an array of strings", verb, key, kindName(v))
	}
	words := make([]string, len(items))
	for i, item := range items {
		if _, isNumber := item.AsFloat(); isNumber {
			words[i] = lisp.Display(item)
			continue
		}
		word, err := textFor(verb, key, item)
		if err != nil {
			return nil, err
		}
		words[i] = word
	}
	return words, nil
}

// pairsOf are variables: a hash, or an array of "KEY=value".
func pairsOf(verb string, v lisp.Value) (pairs []string, err error) {
	h, ok := v.AsHash()
	if !ok {
		if pairs, err = wordsOf(verb, "env", v); err != nil {
			return nil, err
		}
	} else {
		h.Each(func(k, item lisp.Value) bool {
			if key, ok := textOf(k); !ok || strings.Contains(key, "=") {
				err = lisp.Errorf(kindInvalid, "cannot call %s: %s is no name of a variable", verb, cut(lisp.Print(k), 64))
			} else {
				pairs = append(pairs, key+"="+lisp.Display(item))
			}
			return err == nil
		})
	}
	for _, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		if !strings.Contains(pair, "=") {
			key = ""
		}
		if err == nil {
			err = checkVariable(key, value)
		}
	}
	return pairs, err
}

// patience reads a time to wait: seconds, or a text such as "300ms".
func patience(verb string, v lisp.Value, most time.Duration) (time.Duration, error) {
	d := time.Duration(-1)
	if text, ok := textOf(v); ok {
		if parsed, err := time.ParseDuration(text); err == nil {
			d = parsed
		}
	} else if n, ok := v.AsFloat(); ok && n >= 0 && !math.IsInf(n, 0) {
		d = most + 1
		if n <= most.Seconds() {
			d = time.Duration(n * float64(time.Second))
		}
	}
	if d < 0 || d > most {
		return 0, lisp.Errorf(kindInvalid, "cannot call %s: %s is no time to wait: want seconds or a text such as \"300ms\", up to %v", verb, cut(lisp.Print(v), 64), most)
	}
	return d, nil
}

// chomp takes away the last end of a line; cmd.exe's are two characters.
func chomp(text string) string {
	text = strings.TrimSuffix(text, "\n")
	if runtime.GOOS == "windows" {
		text = strings.TrimSuffix(text, "\r")
	}
	return text
}
