package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/logs"
)

// flagText is a value of the file as the flag's text.
func flagText(v any) string {
	switch v := v.(type) {
	case []any:
		var items []string
		for _, it := range v {
			items = append(items, flagText(it))
		}
		return strings.Join(items, ",")
	case map[string]any:
		var items []string
		for k, it := range v {
			items = append(items, k+"="+flagText(it))
		}
		return strings.Join(items, ",")
	case string:
		return v
	}
	b, err := toml.Marshal(map[string]any{"x": v})
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(string(b), "x = "))
}

func exampleOf(t *testing.T, k Key) any {
	t.Helper()
	var m map[string]any
	if _, err := toml.Decode("x = "+k.Example, &m); err != nil {
		t.Fatalf("the example of %s is no TOML: %v", k.Name, err)
	}
	return m["x"]
}

func TestEveryKeyIsSetTheSameWayByFileFlagAndHash(t *testing.T) {
	for _, k := range Keys() {
		t.Run(k.Name, func(t *testing.T) {
			example := exampleOf(t, k)
			path := write(t, "")
			dir := filepath.Dir(path)
			for _, file := range []string{".env", "cert.pem", "key.pem"} {
				file = filepath.Join(dir, "tls", file)
				if k.Name == "env_file" {
					file = filepath.Join(dir, filepath.Base(file))
				}
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte("A=1\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			names := []string{k.Name}
			if k.Alias != "" {
				names = append(names, k.Alias)
			}
			if !k.Process {
				more, flags := "", []KV(nil)
				var process *ProcessArgs
				switch k.Name {
				case "admin_tls_cert":
					more, flags = "admin_tls_key = 'tls/key.pem'\n", []KV{{"admin_tls_key", "tls/key.pem"}}
				case "admin_tls_key":
					more, flags = "admin_tls_cert = 'tls/cert.pem'\n", []KV{{"admin_tls_cert", "tls/cert.pem"}}
				case "exit_code_from":
					process = &ProcessArgs{Name: "web", Command: shell}
				case "admin_group":
					k.Example, example = "'root'", "root"
				}
				if err := os.WriteFile(path, []byte(more+k.Name+" = "+k.Example+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				file, err := Load(path, Overrides{Cwd: dir, Environ: environ, Process: process})
				if why := refusedKeys[k.Name]; why != "" {
					_, byFlag := Load("", Overrides{Cwd: dir, Environ: environ, Process: process, Flags: []KV{{k.Name, flagText(example)}}})
					for _, err := range []error{err, byFlag} {
						if err == nil || !strings.Contains(err.Error(), k.Name+": "+why) {
							t.Errorf("%v, want %s", err, why)
						}
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range names {
					byFlag, err := Load("", Overrides{Cwd: dir, Environ: environ, Process: process, Flags: append(flags, KV{name, flagText(example)})})
					if err != nil {
						t.Fatal(err)
					}
					if !reflect.DeepEqual(file.Settings, byFlag.Settings) {
						t.Errorf("file %+v\nflag %+v", file.Settings, byFlag.Settings)
					}
				}
				if reflect.DeepEqual(file.Settings, defaultSettings()) && k.Name != "reap_zombie" {
					t.Error("the example sets nothing")
				}
				return
			}
			name, command := "web", shell
			hash := map[string]any{"name": name, "command": command, k.Name: example}
			text := "[[process]]\n"
			for key, v := range map[string]string{"name": "'web'", "command": "'" + shell + "'"} {
				if key != k.Name {
					text += key + " = " + v + "\n"
				}
			}
			if err := os.WriteFile(path, []byte(text+k.Name+" = "+k.Example+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := Load(path, Overrides{Cwd: dir, Environ: environ})
			// The flags of add-proc come as the hash that its command makes of them.
			fromFlags := func(command string, flags ...KV) (core.Spec, error) {
				hash, err := ProcessArgs{Name: name, Flags: flags, Command: command}.HashIn(dir)
				if err != nil {
					return core.Spec{}, err
				}
				return file.ProcessFromHash(hash, dir)
			}
			if why := refusedKeys[k.Name]; why != "" {
				_, byHash := file.ProcessFromHash(hash, dir)
				_, byFlag := fromFlags(command, KV{k.Name, flagText(example)})
				for _, err := range []error{err, byHash, byFlag} {
					if err == nil || !strings.Contains(err.Error(), k.Name+": "+why) {
						t.Errorf("%v, want %s", err, why)
					}
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := file.Specs[0]
			want.Origin = core.Added
			got, err := file.ProcessFromHash(hash, dir)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("file %+v\nhash %+v %v", want, got, err)
			}
			if k.Name == "name" {
				return // by position, never as a flag
			}
			for _, spelled := range names {
				flags, command := []KV{{spelled, flagText(example)}}, command
				switch k.Name {
				case "command":
					command = ""
				case "args":
					flags, command = append(flags, KV{"command", command}), ""
				}
				got, err := fromFlags(command, flags...)
				got.Launch.Args = append([]string(nil), got.Launch.Args...) // a command line always has a list, an empty one too
				want.Launch.Args = append([]string(nil), want.Launch.Args...)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("file %+v\nflag %+v %v", want, got, err)
				}
			}
			plain := mustLoad(t, "[[process]]\nname='web'\ncommand='/bin/sh'\n").Specs[0]
			if plain.Launch.Dir = dir; plain.Equal(file.Specs[0]) && k.Name != "kill_wait_secs" && k.Name != "name" {
				t.Error("the example sets nothing")
			}
		})
	}
}

func TestTheTableIsComplete(t *testing.T) {
	type scoped struct {
		name    string
		process bool
	}
	seen := map[scoped]bool{}
	for _, k := range Keys() {
		for _, name := range []string{k.Name, k.Alias} {
			if name != "" && seen[scoped{name, k.Process}] {
				t.Errorf("%s stands twice", name)
			}
			seen[scoped{name, k.Process}] = true
			// One name of both scopes must mean the same of each: log_format, how what is written is put into lines.
			if name != "" && name != "log_format" && seen[scoped{name, !k.Process}] {
				t.Errorf("%s is a key of the daemon and of a process", name)
			}
		}
		if k.Doc == "" || k.Example == "" || k.at == nil || (k.Type == Choice) != (len(k.Choices) > 0) {
			t.Errorf("%s lacks something: %+v", k.Name, k)
		}
		if !strings.HasSuffix(k.Doc, ".") {
			t.Errorf("the doc of %s is no sentence", k.Name)
		}
		if k.min > k.max {
			t.Errorf("%s has no range", k.Name)
		}
		if (k.Type == Int || k.Type == Ints || k.Type == Duration || k.Type == Number) && k.max == 0 {
			t.Errorf("%s has no largest value", k.Name)
		}
		if !strings.Contains(Markdown(), "| `"+k.Name+"`") {
			t.Errorf("%s is not in the reference", k.Name)
		}
	}
	// Every place of Settings and Spec is some key's.
	d := &draft{}
	at := map[any]bool{}
	for _, k := range Keys() {
		at[k.at(d)] = true
	}
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		for i := range v.NumField() {
			f, name := v.Field(i), path+"."+v.Type().Field(i).Name
			switch name {
			case "Spec.Origin", "Spec.Launch.Env", "Spec.Care.Steady":
				continue // made by us
			}
			if at[f.Addr().Interface()] {
				continue
			}
			if f.Kind() == reflect.Struct {
				walk(f, name)
			} else {
				t.Errorf("no key sets %s", name)
			}
		}
	}
	walk(reflect.ValueOf(&d.settings).Elem(), "Settings")
	walk(reflect.ValueOf(&d.spec).Elem(), "Spec")
}

func TestStarterLoadsAndItsCommentsAreExamples(t *testing.T) {
	cfg := mustLoad(t, Starter())
	if len(cfg.Specs) != 1 || len(cfg.Warnings) != 0 {
		t.Errorf("got %+v %v", cfg.Specs, cfg.Warnings)
	}
	for _, k := range Keys() {
		if k.Name != "env" && !strings.Contains(Starter(), "\n# "+k.Name+" = ") && !strings.Contains(Starter(), "\n"+k.Name+" = ") {
			t.Errorf("%s is not in the starter file", k.Name)
		}
	}
}

// seedExample is the example of the product's description.
const seedExample = `# Supervisord's management port
admin_listen = 9001
# Or use a Unix socket for enhanced security
# admin_sock = "/var/run/supervisord.sock"

# Supervisord's own log file
log = "/var/log/supervisord/supervisord.log"

# If true, supervisord will exit after all managed processes have exited successfully
exit_when_all_done = false

# If true, supervisord will run in the background as a daemon
daemonize = true

# Enable automatic reaping of zombie processes
reap_zombie = true

# Disable remote command execution for security
disable_rce = false

# Define a process to be managed
[[process]]
name = "my-app"
command = "/path/to/your/app"
args = ["--port", "8080"]

# Working directory for the process
cwd = "/path/to/your"

# stdout log for the process
stdout = ["/var/log/supervisord/my-app.stdout.log"]

# stderr log for the process
stderr = ["/var/log/supervisord/my-app.stderr.log"]

# Keep up to 10 log files, each up to 100MB
std_log_count = 10
std_log_size = "100M"

# Successful exit codes. If the process exits with one of these codes, it's considered a normal exit and won't be restarted.
exit_codes = [0]

# Seconds to wait before sending a KILL signal when stopping the process
stop_wait_secs = 10

# Signal to send when stopping the process (e.g., TERM, HUP, INT)
stop_signal = "TERM"

# Run process as a specific user and group
user = "nobody"
group = "nogroup"

# Set environment variables for the process
[process.env]
  GO_ENV = "production"
  API_KEY = "your-secret-key"
`

func TestTheExampleOfTheDescriptionLoads(t *testing.T) {
	text := seedExample
	if err := (accounts{}).check("", "nogroup"); err != nil { // a name of Debian; elsewhere it is the same as the user's
		text = strings.Replace(text, "nogroup", "nobody", 1)
	}
	if whole, err := load(t, text); (err != nil) != (refusedKeys["user"] != "") {
		t.Errorf("got %+v %v", whole, err)
	}
	cfg := mustLoad(t, possible(text))
	s := cfg.Specs[0]
	if s.Name != "my-app" || s.Launch.User != possibleUser("nobody") || s.Launch.Env["API_KEY"] != "your-secret-key" || s.Output.Size != 100<<20 || cfg.Settings.AdminListen != 9001 {
		t.Errorf("got %+v %+v", cfg.Settings, s)
	}
}

func TestFlagsAreUnderstood(t *testing.T) {
	got, err := ParseStart([]string{"-supvr.adminlisten", "9001", "-supvr.disable_rce=true", "app", "-supvr.env", "A=1,B=2,3", "-supvr.exitcodes=0,2", "python", "-c", "print(1)", "-supvr.user", "x"})
	want := StartArgs{Flags: []KV{{"adminlisten", "9001"}, {"disable_rce", "true"}}, Process: &ProcessArgs{Name: "app",
		Flags: []KV{{"env", "A=1,B=2,3"}, {"exitcodes", "0,2"}}, Command: "python", Args: []string{"-c", "print(1)", "-supvr.user", "x"}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v %v", got, err)
	}
	if got, err := ParseStart(nil); err != nil || got.Process != nil {
		t.Errorf("got %+v %v", got, err)
	}
	hash, err := got.Process.Hash()
	if env := hash["env"]; err != nil || !reflect.DeepEqual(env, map[string]any{"A": "1", "B": "2,3"}) {
		t.Errorf("a piece without = does not belong to the value before it: %v %v", env, err)
	}
	p := ProcessArgs{Name: "w", Command: "./run", Flags: []KV{{"stdout", "out,/x"}}}
	hash, err = p.HashIn(at("/caller"))
	if err != nil || hash["command"] != at("/caller/run") || hash["cwd"] != at("/caller") || !reflect.DeepEqual(hash["stdout"], []any{at("/caller/out"), at("/x")}) {
		t.Errorf("got %v %v", hash, err)
	}
}

func TestBadFlagsAreExplained(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"-supvr.daemonise", "true"}, []string{"unknown flag -supvr.daemonise (did you mean -supvr.daemonize?)"}},
		{[]string{"-supvr.daemonize"}, []string{"-supvr.daemonize has no value"}},
		{[]string{"-supvr.cwd", "/", "a", "b"}, []string{"-supvr.cwd is a key of a process: it goes between its name and its command"}},
		{[]string{"-supvr.pid", "/", "a", "b"}, []string{"-supvr.pid is a key of a process: it goes between its name and its command"}},
		{[]string{"a", "-supvr.log=x", "b"}, []string{"-supvr.log is a key of the daemon: supervisord start takes it, before the process's name"}},
		{[]string{"a", "-supvr.name=x", "b"}, []string{"-supvr.name is not a flag: the name is the word before the flags"}},
		{[]string{"a"}, []string{"cannot start a: it has no command (want NAME COMMAND ARGS...)"}},
		{[]string{"--daemonize", "x"}, []string{`cannot start: "--daemonize" stands where the process's name is wanted`}},
		{[]string{"a", "-supvr.command=x", "b"}, []string{"cannot start a: the command is given twice, as a word and as -supvr.command"}},
		{[]string{"a", "-supvr.args=x", "b"}, []string{"-supvr.args cannot be given beside a command: its arguments follow it"}},
	} {
		_, err := ParseStart(tt.args)
		if got := lines(err); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.args, got, tt.want)
		}
	}
	for _, tt := range []struct {
		daemon, process []KV
		want            string
	}{
		{nil, []KV{{"umask", "999"}}, `-supvr.umask: "999" is no umask, want octal digits from "000" to "777"`},
		{nil, []KV{{"rlimits", "nofile=many"}}, `-supvr.rlimits: "nofile": "many" is no limit, want a number, SOFT:HARD or "unlimited"`},
		{[]KV{{"daemonize", "maybe"}}, nil, `-supvr.daemonize: "maybe" is no boolean: want true or false`},
		{[]KV{{"adminlisten", "9x"}}, nil, `-supvr.adminlisten: "9x" is no integer, or too large`},
		{[]KV{{"admin_listen", "99999999999999999999"}}, nil, `-supvr.admin_listen: "99999999999999999999" is no integer, or too large`},
		{[]KV{{"admin_listen", "1"}, {"admin_bind_ip", "::"}}, nil, "-supvr.admin_bind_ip: :: is beyond this machine: give admin_tls_cert and admin_tls_key, or admin_insecure = true"},
		{nil, []KV{{"exitcodes", "0,x"}}, `-supvr.exitcodes: "x" is no integer, or too large`},
		{nil, []KV{{"exitcodes", fmt.Sprintf("0,%d", maxExitCode+1)}}, fmt.Sprintf("-supvr.exitcodes: item 2: %d is out of range, want 0 to %d", maxExitCode+1, maxExitCode)},
		{nil, []KV{{"env", "A"}}, "-supvr.env: want KEY=VALUE,KEY=VALUE"},
		{nil, []KV{{"std_log_size", "1Q"}}, `-supvr.std_log_size: cannot read size "1Q": unknown unit "Q" (want K, M, G or T)`},
		{nil, []KV{{"stopsig", "TERN"}}, `-supvr.stopsig: unknown signal "TERN" (did you mean TERM?)`},
	} {
		over := Overrides{Flags: tt.daemon, Cwd: root(), Environ: environ}
		if tt.process != nil {
			over.Process = &ProcessArgs{Name: "a", Flags: tt.process, Command: shell}
		}
		_, err := Load("", over)
		if got := lines(err); len(got) != 1 || got[0] != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	if _, err := ParseAddProc(nil); err == nil {
		t.Error("add-proc of nothing")
	}
}

func TestHashesAreCheckedLikeTheFile(t *testing.T) {
	cfg := mustLoad(t, "")
	spec, err := cfg.ProcessFromHash(map[string]any{"name": "a", "command": "/bin/sh", "args": []string{"${HOME}"}, "exit_codes": []int{3}, "env": map[string]string{"A": "1"},
		"priority": 3, "restart_jitter": 0, "stop_wait_secs": 2.5, "user": nil}, "")
	if err != nil || spec.Origin != core.Added || spec.Launch.Args[0] != "${HOME}" || spec.Care.ExitCodes[0] != 3 || spec.Launch.Dir != filepath.Dir(cfg.Path) {
		t.Errorf("got %+v %v", spec, err)
	}
	_, err = cfg.ProcessFromHash(map[string]any{"name": "a b", "comand": "x", "args": map[int]int{}, "stop_signal": 3.5}, "")
	want := []string{`args: want a list of strings, got something else`, `unknown key "comand" (did you mean command?)`, `stop_signal: want the name of a signal, got a float`,
		`name: name "a b" may hold letters, digits, _ and, after the first, . @ -`, `the process has no command (is "comand" meant?)`}
	if got := lines(err); !reflect.DeepEqual(got, want) || !errors.Is(err, core.ErrInvalid) {
		t.Errorf("got\n  %s", strings.Join(got, "\n  "))
	}
}

func TestEffectiveLoadsToTheSame(t *testing.T) {
	cfg := mustLoad(t, possible(strings.Replace(seedExample, `"nogroup"`, `"root"`, 1))+"[[process]]\nname='b'\ncommand='sh'\nargs=['$${X}']\nrestart_delay='15ms'\nstdout=[]\nexit_codes=[]\nrestart='never'\nstop_mode='group'\nlog_format='time-prefix'\nstd_log_age='30d'\nstd_log_total='1G'\nstd_log_compress=true\n")
	if o := cfg.Specs[len(cfg.Specs)-1].Output; o.Age != 30*24*time.Hour || o.Total != 1<<30 || !o.Compress || o.Format != logs.TimePrefix {
		t.Errorf("%+v", o)
	}
	again := reload(t, cfg)
	if !reflect.DeepEqual(normal(again.Specs), normal(cfg.Specs)) {
		t.Errorf("got  %+v\nwant %+v", again.Specs, cfg.Specs)
	}
}

// normal makes empty lists and tables one thing.
func normal(specs []core.Spec) []core.Spec {
	out := make([]core.Spec, len(specs))
	for i, s := range specs {
		for _, list := range []*[]string{&s.Launch.Args, &s.Output.Stdout, &s.Output.Stderr, &s.Care.PurgeFiles} {
			*list = append([]string(nil), *list...)
		}
		s.Care.ExitCodes = append([]int(nil), s.Care.ExitCodes...)
		if len(s.Launch.Env) == 0 {
			s.Launch.Env = nil
		}
		out[i] = s
	}
	return out
}

// effective is what Effective says, as the text of a configuration.
func effective(t *testing.T, cfg Config) string {
	t.Helper()
	m := Effective(cfg)
	for name, v := range m {
		if v == "" {
			delete(m, name)
		}
	}
	data, err := toml.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), "${", "$${")
}

// reload writes what Effective says into a file and loads that.
func reload(t *testing.T, cfg Config) Config {
	t.Helper()
	text := effective(t, cfg)
	again, err := load(t, text)
	if err != nil {
		t.Fatalf("cannot load what Effective says: %v\n%s", err, text)
	}
	return again
}
