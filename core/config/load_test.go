package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
)

// environ is what ${VAR} means in tests.
var environ = []string{"HOME=/home/ann", "PATH=/usr/bin:/bin", "PORT=8080", "EMPTY=", "CANARY=s3cr3t-canary", "SIZE=big-s3cr3t-canary"}

// write puts a configuration into a folder of its own. Its /bin/sh is a program that this system has.
func write(t testing.TB, text string) (path string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "supervisord.conf")
	text = strings.ReplaceAll(text, "/bin/sh", shell)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, text string) (Config, error) {
	t.Helper()
	return Load(write(t, text), Overrides{Cwd: root(), Environ: environ})
}

func mustLoad(t testing.TB, text string) Config {
	t.Helper()
	cfg, err := load(t, text)
	if err != nil {
		t.Fatalf("cannot load:\n%v\nof:\n%s", err, text)
	}
	return cfg
}

// lines are the problems without the file's name.
func lines(err error) []string {
	var ps Problems
	if !errors.As(err, &ps) {
		return []string{"no Problems: " + fmt.Sprint(err)}
	}
	var out []string
	for _, p := range ps {
		text := p.Msg
		if p.Line > 0 {
			text = fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Msg)
		}
		out = append(out, text)
	}
	return out
}

func TestEveryProblemIsReportedAtOnceWithItsPosition(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"the file of another supervisor", "; as installed\n[program:web]\ncommand = /bin/cat\n", []string{`1:1: this is an INI file, as of Python's supervisor, want TOML (supervisord import FILE -o OUT makes a configuration of it)`}},
		{"syntax", "log = \"x\"\n[[process]\nname = \"a\"\n", []string{`2:10: syntax error: expected end of table array name delimiter ']', but got '\n' instead`}},
		{"unknown keys", "loge = \"x\"\n[[process]]\nname = \"a\"\ncomand = \"/bin/sh\"\n  arsg = []\n", []string{
			`1:1: unknown key "loge" (did you mean log?)`,
			`2:1: a has no command (is "comand" meant?)`,
			`4:1: unknown key "comand" (did you mean command?)`,
			`5:3: unknown key "arsg" (did you mean args?)`,
		}},
		{"unlike any", "[[process]]\nname='a'\ncommand='/bin/sh'\nqwertyuiop = 1\n", []string{`4:1: unknown key "qwertyuiop"`}},
		{"flag spelling in the file", "adminlisten = 1\n[[process]]\nname='a'\ncommand='/bin/sh'\nstopsig='TERM'\n", []string{
			`1:1: unknown key "adminlisten" (did you mean admin_listen?)`,
			`5:1: unknown key "stopsig" (did you mean stop_signal?)`,
		}},
		{"wrong scope", "command = 'x'\n[[process]]\nname='a'\ncommand='/bin/sh'\ndaemonize = true\n", []string{
			"1:1: command is a key of a process: it goes below its [[process]] line",
			"5:1: daemonize is a key of the daemon: it goes before the first [[process]] line",
		}},
		{"limits", "[[process]]\nname='a'\ncommand='/bin/sh'\numask = 18\nnice = 20\noom_score_adj = -1001\nmemory_max='5Q'\npids_max=-1\ncpu_max=-0.5\n[process.rlimits]\nnofile = '5:3'\n", []string{
			`4:1: umask: want a string such as "027", got an integer`,
			"5:1: nice: 20 is out of range, want -20 to 19",
			"6:1: oom_score_adj: -1001 is out of range, want -1000 to 1000",
			`7:1: memory_max: cannot read size "5Q": unknown unit "Q" (want K, M, G or T)`,
			"8:1: pids_max: -1 is out of range, want 0 to 2147483647",
			"9:1: cpu_max: -0.5 is out of range, want 0 to 4096",
			`11:1: rlimits: "nofile": the soft limit 5 is more than the hard one 3`,
		}},
		{"limits without a controller", "cgroup='off'\n[[process]]\nname='a'\ncommand='/bin/sh'\nmemory_max='64M'\npids_max=9\ncpu_max=0.5\nrlimits = { nofiles = '1', stack = 'much' }\n", []string{
			"5:1: memory_max: cannot be kept: " + noController,
			"6:1: pids_max: cannot be kept: " + noController,
			"7:1: cpu_max: cannot be kept: " + noController,
			`8:13: rlimits: "nofiles": unknown resource (did you mean nofile?)`,
		}},
		{"types", "daemonize = 1\nlog = true\nadmin_listen = '9001'\n[[process]]\nname = 3\ncommand = ['/bin/sh']\nargs = 'x'\nenv = 'A=1'\nexit_codes = ['0']\nstdout = '/tmp/x'\nautostart = 'yes'\nstop_wait_secs = true\n", []string{
			"1:1: daemonize: want true or false, got an integer",
			"2:1: log: want a string, got a boolean",
			"3:1: admin_listen: want an integer, got a string",
			"5:1: name: want a string, got an integer",
			"6:1: command: want a string, got a list",
			`7:1: args: want a list of strings, got a string: each argument is one, as in ["--port", "80"]`,
			"8:1: env: want a table of strings, got a string",
			"9:1: exit_codes: item 1: want an integer, got a string",
			`10:1: stdout: want a list of strings, got a string: write ["/tmp/x"]`,
			"11:1: autostart: want true or false, got a string",
			`12:1: stop_wait_secs: want a time: seconds as a number, or a text such as "10ms", got a boolean`,
		}},
		{"command lines", "[[process]]\nname='a'\ncommand='/bin/sh'\nargs = '-m http.server'\nstop_command = 'nginx -s quit'\n[[process]]\nname='b'\ncommand='/bin/sh'\nargs = '-c \"a b\"'\nstop_command = 'cd x && ./stop'\n", []string{
			`4:1: args: want a list of strings, got a string: each argument is one, as in ["--port", "80"]`,
			`5:1: stop_command: want a list of strings, got a string: write ["nginx", "-s", "quit"]`,
			`9:1: args: want a list of strings, got a string: each argument is one, as in ["--port", "80"]`,
			`10:1: stop_command: want a list of strings, got a string: write ["/bin/sh", "-c", "cd x && ./stop"]`,
		}},
		{"ranges", "admin_listen = 70000\n[[process]]\nname='a'\ncommand='/bin/sh'\nstop_wait_secs = -1\nkill_wait_secs = 1e300\nstd_log_size = '99999999999G'\nstd_log_count = -3\nmax_restarts = -2\nrestart_jitter = 2\nexit_codes = [" + strconv.Itoa(maxExitCode+1) + "]\nrestart_delay = 'nan'\n", []string{
			"1:1: admin_listen: 70000 is out of range, want 0 to 65535",
			"5:1: stop_wait_secs: is out of range, want 0 to 316224000 seconds",
			"6:1: kill_wait_secs: is out of range, want 0 to 316224000 seconds",
			`7:1: std_log_size: cannot read size "99999999999G": the number is too large`,
			"8:1: std_log_count: -3 is out of range, want 0 to 100000",
			"9:1: max_restarts: -2 is out of range, want -1 to 2147483647",
			"10:1: restart_jitter: 2 is out of range, want 0 to 1",
			fmt.Sprintf("11:1: exit_codes: item 1: %d is out of range, want 0 to %d", maxExitCode+1, maxExitCode),
			"12:1: restart_delay: is out of range, want 0 to 316224000 seconds",
		}},
		{"sizes", "[[process]]\nname='a'\ncommand='/bin/sh'\nstd_log_size = '10X'\n[[process]]\nname='b'\ncommand='/bin/sh'\nstd_log_size = -1\n", []string{
			`4:1: std_log_size: cannot read size "10X": unknown unit "X" (want K, M, G or T)`,
			"8:1: std_log_size: -1 is negative",
		}},
		{"choices", "cgroup = 'of'\n[[process]]\nname='a'\ncommand='/bin/sh'\nrestart = 'alway'\nstop_mode = 'forest'\n", []string{
			`1:1: cgroup: unknown value "of", want auto, off (did you mean off?)`,
			`5:1: restart: unknown value "alway", want on-failure, always, never (did you mean always?)`,
			`6:1: stop_mode: unknown value "forest", want tree, group, process`,
		}},
		{"duplicates", "[[process]]\nname='a'\ncommand='/bin/sh'\n[[process]]\nname='b'\ncommand='/bin/sh'\npid_file='/run/x'\n[[process]]\nname='a'\ncommand='/bin/sh'\npid_file='/run/x'\n", []string{
			"9:1: a second process is called a (the first is in line 2)",
			"11:1: a second process has the pid_file " + at("/run/x") + " (the first is in line 7)",
		}},
		{"names", "[[process]]\ncommand='/bin/sh'\n[[process]]\nname='a b'\ncommand='/bin/sh'\n[[process]]\nname=''\ncommand=''\n", []string{
			"1:1: the process has no name",
			`4:1: name: name "a b" may hold letters, digits, _ and, after the first, . @ -`,
			"7:1: name: a process needs a name",
			"8:1: command: is empty",
		}},
		{"one bracket", "[process]\nname='a'\n", []string{"1:2: process: want [[process]] with two brackets, got a table"}},
		{"misspelt table", "[[proces]]\nname='a'\n", []string{`1:3: unknown key "proces" (did you mean [[process]]?)`}},
		{"undefined", "[[process]]\nname='a'\ncommand='/bin/sh'\nargs = ['ok', '${NOT_THERE}']\ncwd = '${UNCLOSED'\n[process.env]\nA = 'x'\nB = '${1}'\n", []string{
			"4:1: args: item 2: ${NOT_THERE} is not defined in the daemon's environment: define it, or write ${NOT_THERE:-default}, or $${NOT_THERE} for the literal text",
			"5:1: cwd: ${ without }: write $${ for a literal ${",
			`8:1: env: "B": ${1} does not name a variable: write $${ for a literal ${`,
		}},
		{"home", "log = '~/x'\n[[process]]\nname='a'\ncommand='~/bin/x'\nstdout=['~/log']\n", []string{
			"1:1: log: ~ is not expanded: write ${HOME} or the whole path",
			"4:1: command: ~ is not expanded: write ${HOME} or the whole path",
			"5:1: stdout: item 1: ~ is not expanded: write ${HOME} or the whole path",
		}},
		{"listening beyond", "admin_listen = 9001\nadmin_bind_ip = '0.0.0.0'\n", []string{
			"2:1: admin_bind_ip: 0.0.0.0 is beyond this machine: give admin_tls_cert and admin_tls_key, or admin_insecure = true"}},
		{"bad address", "admin_listen = 9001\nadmin_bind_ip = 'moon'\nadmin_tls_cert = '/nope/cert'\n", []string{
			`2:1: admin_bind_ip: "moon" is no IP address`,
			"3:1: admin_tls_cert: admin_tls_key is missing",
			"3:1: admin_tls_cert: cannot read " + at("/nope/cert") + ": " + noFolder.Error(),
		}},
		{"delays", "[[process]]\nname='a'\ncommand='/bin/sh'\nrestart_delay='5s'\nrestart_delay_max=1\n", []string{
			"5:1: restart_delay_max: 1s is less than restart_delay (5s)"}},
		{"purge", "[[process]]\nname='a'\ncommand='/bin/sh'\npurge_files=['/', '/srv/../srv/web/', '/tmp/x']\ncwd = '/srv/web/data'\n", []string{
			"4:1: purge_files: cannot remove " + at("/") + ": it is everything",
			"4:1: purge_files: cannot remove " + at("/srv/web") + ": it is or holds the working directory",
		}},
		{"own log", "log = '/var/log/x.log'\n[[process]]\nname='a'\ncommand='/bin/sh'\nstdout=['/var/log/x.log']\n", []string{
			"5:1: stdout: " + at("/var/log/x.log") + " is the daemon's own log: two writers would overwrite each other's files"}},
		{"old files", "[[process]]\nname='a'\ncommand='/bin/sh'\nstd_log_age = '1x'\nstd_log_total = '10M'\nstd_log_compress = 1\nlog_format = 'Json'\n[[process]]\nname='b'\ncommand='/bin/sh'\nstd_log_age = -1\nstd_log_total = -1\n", []string{
			`4:1: std_log_age: "1x" is no time: want seconds as a number, or a text such as "10ms", "1s", "2m", "7d"`,
			"5:1: std_log_total: 10M is less than std_log_size (100M)",
			"6:1: std_log_compress: want true or false, got an integer",
			`7:1: log_format: unknown value "Json", want raw, prefix, time, time-prefix, json (did you mean json?)`,
			"11:1: std_log_age: is out of range, want 0 to 316224000 seconds",
			"12:1: std_log_total: -1 is negative",
		}},
		{"log to a directory", "[[process]]\nname='a'\ncommand='/bin/sh'\nstderr=['" + directory + "']\n", []string{
			fmt.Sprintf("4:1: stderr: cannot log to %q: is a directory", directory)}},
		{"signal", "[[process]]\nname='a'\ncommand='/bin/sh'\nstop_signal='TREM'\n", []string{
			`4:1: stop_signal: unknown signal "TREM" (did you mean TERM?)`}},
		{"characters", "# ümlaut\n[[process]]\nname='ä' \ncommand='/bin/sh'\nenv = {\"ü\" = 'x', BAD = 1.5}\n", []string{
			`3:1: name: name "ä" may hold letters, digits, _ and, after the first, . @ -`,
			`5:19: env: "BAD": want a string, got a float`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.text)
			got := lines(err)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(tt.want, "\n  "))
			}
			if !errors.Is(err, core.ErrInvalid) {
				t.Error("the problems are not core.ErrInvalid")
			}
		})
	}
}

func TestMessagesNeverHoldSecretValues(t *testing.T) {
	const canary = "s3cr3t-canary"
	for _, text := range []string{
		"[[process]]\nname='a'\ncommand='/bin/sh'\n[process.env]\nKEY = s3cr3t-canary\n",
		"[[process]]\nname='a'\ncommand='/bin/sh'\n[process.env]\nKEY = 's3cr3t-canary\n",
		"[[process]]\nname='a'\ncommand='/bin/sh'\n[process.env]\nKEY = \"\\q s3cr3t-canary\"\n",
		"[[process]]\nname='a'\ncommand='/bin/sh'\n[process.env]\nKEY = 98765432109876543210\n",
		"[[process]]\nname='a'\ncommand='/bin/sh'\nargs = ['--password=s3cr3t-canary', 3]\n",
		"[[process]]\nname='a'\ncommand='/bin/sh'\nargs = 's3cr3t-canary'\n",
		"[[process]]\nname='a'\ncommand='/bin/sh'\nenv = 's3cr3t-canary'\n",
		"[[process]]\nname='a'\ncommand='/bin/sh'\nenv = {A = ['s3cr3t-canary']}\n",
		"[[process]]\nname='${CANARY} x'\ncommand='/bin/sh'\n",
		"[[process]]\nname='a'\ncommand='/bin/sh'\nstd_log_size='${SIZE}'\n",
		"[[process]]\nname='a'\ncommand='/bin/sh'\nstop_signal='${CANARY}'\n",
		"[[process]]\nname='a'\ncommand='/bin/sh'\nuser='${CANARY}'\n",
		"[[process]]\nname='a'\ncommand='/bin/sh'\nrestart='${CANARY}'\n",
		"admin_bind_ip='${CANARY}'\n",
		"cgroup='${CANARY}'\n",
	} {
		_, err := load(t, text)
		if err == nil {
			t.Errorf("loads:\n%s", text)
		} else if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "98765432109876543210") {
			t.Errorf("the secret is in %v\nof:\n%s", err, text)
		}
	}
	_, err := Load(write(t, ""), Overrides{Cwd: root(), Environ: environ, Process: &ProcessArgs{Name: "a", Command: "x", Flags: []KV{{"env", "s3cr3t-canary"}}}})
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("a flag's secret: %v", err)
	}
}

func TestDefaults(t *testing.T) {
	cfg := mustLoad(t, "[[process]]\nname = 'web'\ncommand = '/bin/sh'\n")
	dir := filepath.Dir(cfg.Path)
	want := core.Spec{Name: "web", Origin: core.FromFile,
		Launch: core.Launch{Command: at(shell), Dir: dir},
		Care:   core.DefaultCare(),
		Output: core.Output{Stdout: []string{"/dev/stdout"}, Stderr: []string{"/dev/stderr"}, Size: 100 << 20, Count: 10}}
	if len(cfg.Specs) != 1 || !reflect.DeepEqual(cfg.Specs[0], want) {
		t.Errorf("got  %+v\nwant %+v", cfg.Specs, want)
	}
	if want := (Settings{ReapZombie: true, Cgroup: "auto", LogLevel: "info", LogFormat: "text"}); !reflect.DeepEqual(cfg.Settings, want) {
		t.Errorf("got %+v, want %+v", cfg.Settings, want)
	}
	if len(cfg.Warnings) != 0 {
		t.Errorf("warnings: %v", cfg.Warnings)
	}
}

func TestDaemonizedOutputGoesToFilesOfTheStateDirectory(t *testing.T) {
	cfg := mustLoad(t, "daemonize = true\nstate_dir = 'state'\n[[process]]\nname='a'\ncommand='/bin/sh'\nstdout=[]\n")
	logs := filepath.Join(filepath.Dir(cfg.Path), "state", "logs")
	if o := cfg.Specs[0].Output; len(o.Stdout) != 0 || !reflect.DeepEqual(o.Stderr, []string{filepath.Join(logs, "a.stderr.log")}) {
		t.Errorf("got %+v", o)
	}
	if cfg.Place.Logs != logs {
		t.Errorf("got %s, want %s", cfg.Place.Logs, logs)
	}
	cfg = mustLoad(t, "[[process]]\nname='a'\ncommand='/bin/sh'\nstdout=['out']\n")
	want := core.Output{Stdout: []string{filepath.Join(filepath.Dir(cfg.Path), "out")}, Stderr: []string{"/dev/stderr"}, Size: 100 << 20, Count: 10}
	if !reflect.DeepEqual(cfg.Specs[0].Output, want) {
		t.Errorf("got %+v, want %+v", cfg.Specs[0].Output, want)
	}
}

func TestTimesAreSecondsOrTextsWithAUnit(t *testing.T) {
	cfg := mustLoad(t, "[[process]]\nname='a'\ncommand='/bin/sh'\nstop_wait_secs=3\nkill_wait_secs=0.5\nrestart_delay='20ms'\nrestart_delay_max='2m'\nstart_secs='7'\nrestart_window='1h'\n")
	c := cfg.Specs[0].Care
	for _, d := range [][2]time.Duration{{c.StopWait, 3 * time.Second}, {c.KillWait, 500 * time.Millisecond}, {c.RestartDelay, 20 * time.Millisecond},
		{c.RestartDelayMax, 2 * time.Minute}, {c.StartGrace, 7 * time.Second}, {c.RestartWindow, time.Hour}} {
		if d[0] != d[1] {
			t.Errorf("got %v, want %v", d[0], d[1])
		}
	}
}

func TestVariablesExpandInTheFile(t *testing.T) {
	cfg := mustLoad(t, "[[process]]\nname='a'\ncommand='/bin/sh'\nargs=['${PORT}', 'x${NONE:-d}y', '${EMPTY:-e}', '${EMPTY}', '$${PORT}', '$PORT', '$$', 'a${PORT}b${HOME}']\nstop_mode='${MODE:-group}'\n")
	want := []string{"8080", "xdy", "e", "", "${PORT}", "$PORT", "$$", "a8080b/home/ann"}
	if s := cfg.Specs[0]; !reflect.DeepEqual(s.Launch.Args, want) || s.Care.StopMode != child.Group {
		t.Errorf("got %q", s.Launch.Args)
	}
}

func TestEnvFileStandsBelowEnv(t *testing.T) {
	path := write(t, "[[process]]\nname='a'\ncommand='/bin/sh'\nenv_file='.env'\nenv={B='own', PORT=8080, ON=true}\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), ".env"), []byte("A=1\nB=2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(path, Overrides{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"A": "1", "B": "own", "PORT": "8080", "ON": "true"}; !reflect.DeepEqual(cfg.Specs[0].Launch.Env, want) {
		t.Errorf("got %v", cfg.Specs[0].Launch.Env)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), ".env"), []byte("A=1\noops\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Load(path, Overrides{Environ: environ})
	if want := filepath.Join(filepath.Dir(path), ".env") + ":2:1: want KEY=VALUE"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := os.Remove(filepath.Join(filepath.Dir(path), ".env")); err != nil {
		t.Fatal(err)
	}
	if _, err = Load(path, Overrides{Environ: environ}); err == nil || !strings.Contains(err.Error(), ":4:1: env_file: cannot read ") {
		t.Errorf("got %v", err)
	}
}

func TestWhatMayBeRightLaterIsAWarning(t *testing.T) {
	cfg := mustLoad(t, "[[process]]\nname='a'\ncommand='/no/such/program'\ncwd='/no/such/dir'\n[[process]]\nname='b'\ncommand='nosuchprogram -x'\n[process.env]\nstop_signal = 'INT'\n")
	var got []string
	for _, w := range cfg.Warnings {
		got = append(got, fmt.Sprintf("%d:%d: %s", w.Line, w.Column, w.Msg))
	}
	want := []string{
		"3:1: a: " + at("/no/such/program") + " cannot be started now: " + noFolder.Error(),
		"4:1: a: its working directory " + at("/no/such/dir") + " cannot be used now: " + noFolder.Error(),
		`7:1: b: "nosuchprogram -x" cannot be started now: not found in PATH (arguments belong into args: command = "nosuchprogram", args = ["-x"])`,
		"9:1: stop_signal stands below [process.env] and so is a variable, not the key of the process",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n  %s", strings.Join(got, "\n  "))
	}
}

// TestACommandLineIsTakenApart: people who come from supervisors that take one are shown what to write, and it is right.
func TestACommandLineIsTakenApart(t *testing.T) {
	for line, want := range map[string]string{
		"sleep 100":                        `command = "sleep", args = ["100"]`,
		"python  app.py\t--port 80":        `command = "python", args = ["app.py", "--port", "80"]`,
		"echo $HOME && ls":                 `command = "/bin/sh", args = ["-c", "echo $HOME && ls"]`,
		`say "a b"`:                        `command = "/bin/sh", args = ["-c", "say \"a b\""]`,
		"one ":                             "",
		"x " + strings.Repeat("long ", 30): "",
	} {
		got := apart(line)
		if want == "" {
			if got != " (arguments belong into args)" {
				t.Errorf("%q: %s", line, got)
			}
			continue
		}
		if got != " (arguments belong into args: "+want+")" {
			t.Errorf("%q: %s", line, got)
			continue
		}
		cfg := mustLoad(t, "[[process]]\nname = 'a'\n"+strings.Replace(want, ", args", "\nargs", 1)+"\n")
		if l := cfg.Specs[0].Launch; len(l.Args) == 0 {
			t.Errorf("%q: %+v", line, l)
		}
	}
}

func TestMissingFileIsAProblem(t *testing.T) {
	dir := t.TempDir()
	_, err := Load(filepath.Join(dir, "x.conf"), Overrides{})
	if want := filepath.Join(dir, "x.conf") + ": cannot read the configuration: " + noFile.Error(); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if _, err = Load(dir, Overrides{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("got %v", err)
	}
}

func TestFilesThatAreNoTextAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"\xff\xfel\x00o\x00":                  "UTF-16",
		"log = 'x'\nx = '\xff'\n":             "not UTF-8 (line 2)",
		"x = " + strings.Repeat("[", 100):     "1:69: nests deeper than 64",
		"x = " + strings.Repeat("[", 300_000): "nested too deep",
	} {
		if _, err := load(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %.200v, want %s", err, want)
		}
	}
	if cfg := mustLoad(t, "\ufeffdaemonize = true\n"); !cfg.Settings.Daemonize {
		t.Error("a byte order mark hides the first key")
	}
}

func TestCommandLineAddsAProcess(t *testing.T) {
	path := write(t, "daemonize = true\nlog = 'a.log'\n[[process]]\nname='a'\ncommand='/bin/sh'\n")
	args, err := ParseStart([]string{"-supvr.daemonize", "false", "-supvr.log=b.log", "b", "-supvr.cwd", "sub", "--supvr.stopsig", "INT", "./run", "-supvr.x", "${HOME}"})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(path, Overrides{Flags: args.Flags, Process: args.Process, Cwd: at("/caller"), Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Settings.Daemonize || cfg.Settings.Log != at("/caller/b.log") {
		t.Errorf("flags do not win: %+v", cfg.Settings)
	}
	b := cfg.Specs[1]
	if len(cfg.Specs) != 2 || b.Name != "b" || b.Origin != core.FromFlags || b.Launch.Command != at("/caller/run") || b.Launch.Dir != at("/caller/sub") ||
		!reflect.DeepEqual(b.Launch.Args, []string{"-supvr.x", "${HOME}"}) || child.SignalName(b.Care.StopSignal) != "INT" {
		t.Errorf("got %+v", b)
	}
	_, err = Load(path, Overrides{Process: &ProcessArgs{Name: "a", Command: shell}, Cwd: root(), Environ: environ})
	if want := "a second process is called a (the first is in line 4)"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	cfg, err = Load("", Overrides{Process: &ProcessArgs{Name: "a", Command: "sh"}, Cwd: at("/caller"), Environ: environ})
	if err != nil || len(cfg.Specs) != 1 || cfg.Specs[0].Launch.Dir != at("/caller") {
		t.Errorf("without a file: %+v %v", cfg, err)
	}
}

func TestFiveThousandServicesLoadInLinearTime(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "[[process]]\nname = \"web-%d\"\ncommand = \"./run.exe\"\nargs = [\"-c\", \"sleep %d\"]\nuser = \"root\"\nstdout = [\"/tmp/x/%d.log\"]\nexit_codes = [0, 2]\n[process.env]\nA = \"1\"\nB = \"${PORT}\"\n", i, i, i)
	}
	path := write(t, possible(b.String()))
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "run.exe"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	cfg, err := Load(path, Overrides{Environ: environ})
	took := time.Since(start)
	if err != nil || len(cfg.Specs) != 5000 {
		t.Fatal(len(cfg.Specs), err)
	}
	t.Logf("%d services, %d bytes in %v", len(cfg.Specs), b.Len(), took)
	// A fifth of a second on an idle machine. The bound leaves room for the race detector on a busy one and still catches
	// work that grows with the square.
	if took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestLoadSettingsForgives(t *testing.T) {
	path := write(t, "admin_sock = '/run/x.sock'\nstate_dir='s'\nunknown = 1\n[[process]]\nname = 3\n")
	s, place, err := LoadSettings(path, Overrides{Environ: environ})
	if err != nil || s.AdminSock != at("/run/x.sock") || place.Socket != at("/run/x.sock") || place.StateDir != filepath.Join(filepath.Dir(path), "s") {
		t.Errorf("got %+v %+v %v", s, place, err)
	}
	if _, _, err = LoadSettings(write(t, "= broken ["), Overrides{Environ: environ}); err != nil {
		t.Error(err)
	}
}

// The daemon's keys are found without reading the processes, which may be thousands, and wherever the text seems to begin them.
func TestLoadSettingsReadsTheDaemonsKeys(t *testing.T) {
	for name, text := range map[string]string{
		"processes behind":   "state_dir = '/s'\n[[process]]\nname = 'a'\n",
		"broken behind":      "state_dir = '/s'\n[[process]]\nname = \n",
		"in a string":        "log = \"\"\"\n[[process]]\n\"\"\"\nstate_dir = '/s'\n",
		"in a literal":       "log = '''\n  [[process]]\n'''\nstate_dir = '/s'\n",
		"in a string behind": "state_dir = '/s'\n[[process]]\nname = \"\"\"\n[[process]]\n\"\"\"\n",
		"in a comment":       "# [[process]]\nstate_dir = '/s'\n",
		"no process":         "state_dir = '/s'",
	} {
		if s, _, err := LoadSettings(write(t, text), Overrides{Environ: environ}); err != nil || s.StateDir != at("/s") {
			t.Errorf("%s: got %+v %v", name, s, err)
		}
	}
}

// Of a great many mistakes the first hundred are told, and how many more there are.
func TestAWallOfProblemsIsCutOff(t *testing.T) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "bad%d = 1\n", i)
	}
	_, err := Load(write(t, text.String()), Overrides{})
	var all Problems
	if !errors.As(err, &all) || len(all) != 1000 {
		t.Fatalf("%d problems: %.300v", len(all), err)
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 101 || !strings.Contains(lines[99], "bad99") || lines[100] != "and 900 more problems" {
		t.Errorf("%d lines, the last ones: %q", len(lines), lines[max(0, len(lines)-2):])
	}
}

// A file is refused in a moment and in little memory, however it is made to take a lot of both: what is said names the limit.
func TestWhatWouldTakeAllMemoryIsRefused(t *testing.T) {
	long := strings.Repeat("x", 1_000_000)
	for name, c := range map[string]struct{ text, want string }{
		"dots":             {strings.Repeat("a.", 100_000) + "b = 1\n", "nests deeper than 64"},
		"dots in a header": {"[" + strings.Repeat("a.", 100_000) + "b]\nc = 1\n", "nests deeper than 64"},
		"dots in a table":  {"[[process]]\nenv = {" + strings.Repeat("a.", 100_000) + "b = 1}\n", "nests deeper than 64"},
		"dots below dots":  {"[" + strings.Repeat("a.", 40) + "b]\n" + strings.Repeat("a.", 40) + "b = 1\n", "nests deeper than 64"},
		"tables":           {"x = " + strings.Repeat("{a = ", 100_000), "nests deeper than 64"},
		"arrays":           {"x = " + strings.Repeat("[", 100_000), "nests deeper than 64"},
		"brackets":         {"x = " + strings.Repeat("[", 200_000), "more than 200000 opening brackets"},
		"processes":        {strings.Repeat("[[process]]\n", 100_000), "more than 200000 opening brackets: too many tables"},
		"a long name":      {"[" + long + "]\n" + strings.Repeat("a = 1\n", 1000), "more than 64 MiB of names"},
		"long names":       {strings.Repeat("["+long[:500]+"."+long[:500]+"]\n"+strings.Repeat("a = 1\n", 1000), 100), "more than 64 MiB of names"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, c.text)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Load(path, Overrides{})
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 300 {
				t.Errorf("got %.500v, want %s", err, c.want)
			}
			if taken := int(after.TotalAlloc - before.TotalAlloc); taken > 40<<20+20*len(c.text) {
				t.Errorf("it took %d MiB for %d kB", taken>>20, len(c.text)>>10)
			}
		})
	}
}
