package migrate

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/config"
)

var update = flag.Bool("update", false, "write the golden files")

// environ is what ${VAR} means in these tests.
var environ = []string{"HOME=/root", "PATH=/usr/bin:/bin", "OPTIONS=--fast --loud"}

// load writes a configuration into a folder of its own and loads it.
func load(t testing.TB, toml string) (config.Config, error) {
	t.Helper()
	return loadIn(t, t.TempDir(), toml)
}

func loadIn(t testing.TB, dir, toml string) (config.Config, error) {
	t.Helper()
	path := filepath.Join(dir, "supervisord.conf")
	if err := os.WriteFile(path, []byte(toml), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(path, config.Overrides{Environ: environ})
}

func convert(t testing.TB, text string) Result {
	t.Helper()
	result, err := Convert(Source{Name: "x.conf", Dir: "/srv/app", Text: text}, Options{Hostname: "host"})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// corpus are the files that were written for these tests.
func corpus(t testing.TB) []string {
	t.Helper()
	ini, err := filepath.Glob(filepath.Join("testdata", "*.ini"))
	if err != nil || len(ini) < 6 {
		t.Fatalf("found %d files, %v", len(ini), err)
	}
	return append(ini, filepath.Join("testdata", "Procfile"))
}

// TestCorpusGolden compares what every file becomes with what was looked at, and loads it: nothing that import writes is
// refused.
func TestCorpusGolden(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("what stands in testdata is for a Unix: its signals, limits and paths")
	}
	for _, path := range corpus(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		result, err := Convert(Source{Name: filepath.Base(path), Dir: "/srv/app", Text: string(text)}, Options{Hostname: "host", EnvFile: false})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		golden := path + ".toml"
		if *update {
			if err := os.WriteFile(golden, []byte(result.TOML), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || string(want) != result.TOML {
			t.Errorf("%s is not what it becomes (%v); go test ./core/config/migrate -update writes it\n%s", golden, err, result.TOML)
		}
		toml := result.TOML
		if strings.Contains(path, "ochinchina") { // its env_file is not here
			toml = strings.ReplaceAll(toml, "env_file =", "# env_file =")
		}
		loaded, err := load(t, toml)
		if err != nil {
			t.Errorf("%s: %v\n%s", path, err, result.TOML)
		} else if len(loaded.Specs) != result.Processes {
			t.Errorf("%s: %d processes, said %d", path, len(loaded.Specs), result.Processes)
		}
	}
}

// loaded is a text after its way through everything.
func loaded(t testing.TB, text string) config.Config {
	t.Helper()
	result := convert(t, text)
	c, err := load(t, result.TOML)
	if err != nil {
		t.Fatalf("%v\n%s", err, result.TOML)
	}
	return c
}

// at is the index of a process, -1 when there is none.
func at(c config.Config, name string) int {
	for i, s := range c.Specs {
		if s.Name == name {
			return i
		}
	}
	return -1
}

// TestHostileTextsArriveAsTheyAre: whatever a command or a variable holds is what the process gets.
func TestHostileTextsArriveAsTheyAre(t *testing.T) {
	for _, word := range hostile() {
		c := loaded(t, "[program:x]\ncommand=/bin/echo "+shellQuoted(word)+" end\n")
		if got := c.Specs[0].Launch.Args; !slices.Equal(got, []string{word, "end"}) {
			t.Errorf("%q becomes %q", word, got)
		}
	}
}

func hostile() []string {
	return []string{"", " ", `"`, `'`, `\`, `\\`, `""`, `"""`, "${", "$${", "$$${", "${HOME}", "$$", "}", "a\tb", "[[process]]", "#x", "=", `\u0041`, `\n`, "é☃\U0001F600", "\u2028", "\u0085", "\x7f",
		"'; rm -rf x; '", "$(x)", "`x`", "100%", strings.Repeat("x", 5000)}
}

// shellQuoted is a word as it is written in a command, with % doubled.
func shellQuoted(word string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(word, "'", `'\''`), "%", "%%") + "'"
}

// FuzzArguments holds that any argument survives the way through the INI file, the words, TOML and our loading.
func FuzzArguments(f *testing.F) {
	for _, word := range hostile() {
		f.Add(word, "x")
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, first, second string) {
		if !utf8.ValidString(first) || !utf8.ValidString(second) || strings.ContainsAny(first+second, "\x00\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029") || commented(first) || commented(second) || len(first)+len(second) > 10_000 {
			t.Skip()
		}
		line := "/bin/echo " + shellQuoted(first) + " " + shellQuoted(second)
		if strings.TrimRight(line, " \t") != line {
			t.Skip()
		}
		loaded, err := loadIn(t, dir, convert(t, "[program:x]\ncommand="+line+"\n").TOML)
		if err != nil || !slices.Equal(loaded.Specs[0].Launch.Args, []string{first, second}) {
			t.Errorf("%q %q: %v %+v", first, second, err, loaded.Specs)
		}
	})
}

// commented tells a text with what such a file takes for the beginning of a comment.
func commented(s string) bool {
	_, cut := withoutComment("x" + s)
	return cut != "" || strings.ContainsAny(s, ";#")
}

// FuzzConvert: any text at all becomes a configuration that is TOML, or an error.
func FuzzConvert(f *testing.F) {
	for _, path := range corpus(f) {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for piece := range strings.SplitSeq(string(text), "\n[") { // small ones: the fuzzer would shorten long ones for minutes
			f.Add("[" + strings.TrimPrefix(piece, "["))
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		result, err := Convert(Source{Name: "x", Dir: "/srv/app", Text: text}, Options{Hostname: "host"})
		if err != nil || len(result.TOML) > 1<<20 {
			return
		}
		_, err = loadIn(t, dir, result.TOML)
		if err == nil {
			return
		}
		// What depends on this machine (users, variables, files) may be refused; the text itself may not.
		for line := range strings.Lines(err.Error()) {
			for _, fault := range []string{"syntax error", "unknown key", "used twice", "same name", "want a ", "name:"} {
				if strings.Contains(line, fault) {
					t.Fatalf("%s\n%s", line, result.TOML)
				}
			}
		}
	})
}

func TestRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "neither an INI configuration of supervisord nor a Procfile",
		"hello\nworld\n":                "neither",
		"[[process]]\nname = \"x\"\n":   "a configuration of this supervisord already",
		"[program:x]\ncommand=\xff\n":   "not UTF-8",
		"[program:x]\ncommand=a\x00b\n": "a zero byte",
	} {
		if _, err := Convert(Source{Name: "x", Dir: "/", Text: text}, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestOneWithoutProcessesSaysSo: what there is of it is turned.
func TestOneWithoutProcessesSaysSo(t *testing.T) {
	result := convert(t, "[supervisord]\nnodaemon=true\nloglevel=trace\n[eventlistener:x]\ncommand=y\n")
	if !slices.Contains(result.Notes, "there is no process in it") || !strings.Contains(result.TOML, "\nlog_level = \"debug\"\n") {
		t.Errorf("%s", result.TOML)
	}
	if _, err := load(t, result.TOML); err != nil {
		t.Error(err)
	}
}

// TestIncludedFilesAreRead: also those that included files include, each once.
func TestIncludedFilesAreRead(t *testing.T) {
	include := func(dir, pattern string) ([]Source, error) {
		switch dir + " " + pattern {
		case "/etc conf.d/*.conf":
			return []Source{{Name: "conf.d/a.conf", Dir: "/etc/conf.d", Text: "[program:a]\ncommand=%(here)s/run\n[include]\nfiles = b.conf a.conf"}}, nil
		case "/etc/conf.d b.conf":
			return []Source{{Name: "conf.d/b.conf", Dir: "/etc/conf.d", Text: "[program:b]\ncommand=sleep 1\n"}}, nil
		case "/etc/conf.d a.conf":
			return []Source{{Name: "conf.d/a.conf", Dir: "/etc/conf.d", Text: "never"}}, nil
		case "/etc none":
			return nil, nil
		}
		return nil, fmt.Errorf("cannot read %s %s", dir, pattern)
	}
	text := "[supervisord]\n[include]\nfiles = conf.d/*.conf none\n"
	result, err := Convert(Source{Name: "s.conf", Dir: "/etc", Text: text}, Options{Include: include})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`command = "/etc/conf.d/run"`, `name = "b"`, "# [include] conf.d/*.conf was read: conf.d/a.conf\n", `# ! [include] "none" names no file`} {
		if !strings.Contains(result.TOML, want) {
			t.Errorf("%q is not in\n%s", want, result.TOML)
		}
	}
	if result.Processes != 2 {
		t.Errorf("%d processes", result.Processes)
	}
	if _, err := Convert(Source{Name: "s.conf", Dir: "/other", Text: text}, Options{Include: include}); err == nil {
		t.Error("a file that cannot be read is no error")
	}
	result = convert(t, text+"[program:x]\ncommand=y\n")
	if !slices.Contains(result.Notes, `[include] "conf.d/*.conf" was not read: import these files too`) {
		t.Errorf("notes %q", result.Notes)
	}
}

func TestDependenciesBecomePriorities(t *testing.T) {
	c := loaded(t, "[program:c]\ncommand=x\ndepends_on=b\n[program:b]\ncommand=x\ndepends_on=a\nnumprocs=2\n[program:a]\ncommand=x\npriority=2000\n[program:d]\ncommand=x\n")
	for name, want := range map[string]int{"a": 2000, "b-0": 2001, "b-1": 2001, "c": 2002, "d": 999} {
		if got := c.Specs[at(c, name)].Care.Priority; got != want {
			t.Errorf("the priority of %s is %d, want %d", name, got, want)
		}
	}
	result := convert(t, "[program:a]\ncommand=x\ndepends_on=b\n[program:b]\ncommand=x\ndepends_on=a\n")
	if !slices.Contains(result.Notes, "depends_on goes in a circle: not all of these can start first") {
		t.Errorf("notes %q", result.Notes)
	}
}

// TestSecretsStandInNoComment: what has no counterpart is told without its value where that is a password.
func TestSecretsStandInNoComment(t *testing.T) {
	result := convert(t, "[inet_http_server]\nport=9001\nusername=u\npassword=hunter2\n[unix_http_server]\npassword=hunter2\n[program:x]\ncommand=y\n")
	if strings.Contains(result.TOML, "hunter2") {
		t.Error(result.TOML)
	}
}

// theirs is a process as Python's supervisor understands it.
type theirs struct {
	Name, Directory, Out, Err string
	Argv                      []string
	Env                       map[string]string
	Autostart, Redirect       bool
	Autorestart               string
	Startsecs, Stopwaitsecs   int
	Stopsignal, Priority      int
	Exitcodes                 []int
}

// dump prints what Python's supervisor makes of a configuration.
const dump = `
import json, shlex, sys
from supervisor import options
from supervisor.datatypes import RestartUnconditionally, RestartWhenExitUnexpected
o = options.ServerOptions()
o.environ_expansions = {"ENV_HOME": "/root", "ENV_PATH": "/usr/bin:/bin", "ENV_OPTIONS": "--fast --loud"}
o.expansions = dict(o.environ_expansions)
o.realize(["-c", sys.argv[1]])
out = []
for g in o.configroot.supervisord.process_group_configs:
    for p in g.process_configs:
        if type(p).__name__ != "ProcessConfig":
            continue
        file = lambda f: f if isinstance(f, str) else ("" if f is None else "AUTO")
        out.append(dict(Name=p.name, Directory=p.directory or "", Argv=shlex.split(p.command), Env=p.environment or {}, Autostart=p.autostart, Redirect=p.redirect_stderr,
            Autorestart="always" if p.autorestart is RestartUnconditionally else "on-failure" if p.autorestart is RestartWhenExitUnexpected else "never",
            Startsecs=p.startsecs, Stopwaitsecs=p.stopwaitsecs, Stopsignal=int(p.stopsignal), Priority=p.priority, Exitcodes=list(p.exitcodes),
            Out=file(p.stdout_logfile), Err=file(p.stderr_logfile)))
print(json.dumps(out))
`

// TestSameAsPythonsSupervisor compares with what the original makes of the same file, where it is installed.
func TestSameAsPythonsSupervisor(t *testing.T) {
	const python = "/usr/bin/python3"
	if exec.Command(python, "-c", "import supervisor.options").Run() != nil {
		t.Skip("Python's supervisor is not installed")
	}
	compared := 0
	for _, name := range []string{"sample.ini", "expansions.ini", "python.ini"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if !strings.Contains(string(text), "[supervisord]") {
			text = append([]byte("[supervisord]\n"), text...)
		}
		for _, folder := range []string{"log"} {
			if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		command := exec.Command(python, "-c", dump, path)
		command.Env = environ
		said, err := command.Output()
		if err != nil {
			var failed *exec.ExitError
			if e, ok := err.(*exec.ExitError); ok {
				failed = e
				t.Fatalf("%s: %v\n%s", name, err, failed.Stderr)
			}
			t.Fatal(err)
		}
		var all []theirs
		if err := json.Unmarshal(said, &all); err != nil {
			t.Fatalf("%v in %s", err, said)
		}
		host, err := os.Hostname()
		if err != nil {
			t.Fatal(err)
		}
		result, err := Convert(Source{Name: name, Dir: dir, Text: string(text)}, Options{Hostname: host})
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := load(t, result.TOML)
		if err != nil {
			t.Fatalf("%v\n%s", err, result.TOML)
		}
		for _, want := range all {
			i := at(loaded, want.Name)
			if i < 0 {
				t.Errorf("%s: %s is missing", name, want.Name)
				continue
			}
			compare(t, name, want, loaded, i)
			compared++
		}
		if len(all) != len(loaded.Specs) {
			t.Errorf("%s: %d processes, there are %d", name, len(loaded.Specs), len(all))
		}
	}
	if compared < 10 {
		t.Errorf("only %d processes were compared", compared)
	}
}

func compare(t *testing.T, file string, want theirs, c config.Config, i int) {
	t.Helper()
	got := c.Specs[i]
	differs := func(what string, got, want any) {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %s of %s is %v, there it is %v", file, what, want, got, want)
		}
	}
	argv := append([]string{got.Launch.Command}, got.Launch.Args...)
	if len(want.Argv) > 0 && !slices.Contains(want.Argv, "--fast") { // a variable with blanks is one argument here, and noted
		if !slices.Equal(argv, want.Argv) {
			t.Errorf("%s: %s runs %q, there it runs %q", file, want.Name, argv, want.Argv)
		}
	}
	for key, value := range want.Env {
		if got.Launch.Env[key] != value {
			t.Errorf("%s: %s of %s is %q, there it is %q", file, key, want.Name, got.Launch.Env[key], value)
		}
	}
	if want.Directory != "" {
		differs("the folder of "+want.Name, got.Launch.Dir, want.Directory)
	}
	differs("autostart", got.Care.Autostart, want.Autostart)
	differs("restart", got.Care.Restart, want.Autorestart)
	differs("start_secs", int(got.Care.StartGrace.Seconds()), want.Startsecs)
	differs("stop_wait_secs", int(got.Care.StopWait.Seconds()), want.Stopwaitsecs)
	differs("stop_signal", child.SignalName(got.Care.StopSignal), child.SignalName(want.Stopsignal))
	differs("exit_codes", got.Care.ExitCodes, want.Exitcodes)
	if strings.HasPrefix(want.Out, "/") {
		differs("stdout", got.Output.Stdout, []string{want.Out})
	}
	if want.Redirect && strings.HasPrefix(want.Out, "/") {
		differs("stderr", got.Output.Stderr, []string{want.Out})
	}
}
