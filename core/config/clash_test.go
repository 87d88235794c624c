package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNothingIsConfiguredToBeOverwritten(t *testing.T) {
	const head = "[[process]]\nname='a'\ncommand='/bin/sh'\n"
	for text, want := range map[string]string{
		head + "stdout=['supervisord.conf']\n":                    "4:1: stdout: DIR/supervisord.conf is the configuration",
		head + "pid_file='supervisord.conf'\n":                    "4:1: pid_file: DIR/supervisord.conf is the configuration",
		head + "pid_file='/bin/sh'\n":                             "4:1: pid_file: /bin/sh is its program",
		head + "pid_file='/tmp'\n":                                "4:1: pid_file: /tmp is a directory",
		head + "pid_file='/dev/null'\n":                           "4:1: pid_file: /dev/null is no regular file",
		head + "pid_file='a.log'\nstdout=['a.log']\n":             "4:1: pid_file: DIR/a.log is its stdout",
		"log='d.log'\n" + head + "pid_file='d.log'\n":             "5:1: pid_file: DIR/d.log is the daemon's own log",
		head + "env_file='supervisord.conf'\nstderr=['/bin/sh']":  "5:1: stderr: /bin/sh is its program",
		head + "stdout=['out/']\n":                                "4:1: stdout: item 1 names a directory",
		"log='supervisord.conf'\n":                                "1:1: log: DIR/supervisord.conf is the configuration itself",
		"admin_sock='/tmp'\n":                                     "1:1: admin_sock: /tmp exists and is no socket",
		"admin_sock='supervisord.conf'\n":                         "1:1: admin_sock: DIR/supervisord.conf is the configuration itself",
		"state_dir='supervisord.conf'\n":                          "1:1: state_dir: DIR/supervisord.conf is the configuration itself",
		"state_dir='/bin/sh'\n":                                   "1:1: state_dir: /bin/sh is no directory",
		head + "std_log_size='99999999G'\n":                       "4:1: std_log_size: is out of range, want at most 1024T",
		head + "std_log_size=1125899906842625\n":                  "4:1: std_log_size: is out of range, want at most 1024T",
		head + "args=['${PORT:-${HOME}}']\n":                      "4:1: args: item 1: the default of ${PORT} holds another ${: defaults are literal",
		head + "stop_signal=99\n":                                 "4:1: stop_signal: unknown signal 99",
		head + "stop_signal=15\nstd_log_size=1125899906842624\n":  "",
		head + "pid_file='a.pid'\nargs=['${NO:-$x}', '$${a:-${']": "4:1",
	} {
		path := write(t, text)
		_, err := Load(path, Overrides{Cwd: "/", Environ: environ})
		got := ""
		if err != nil {
			got = strings.ReplaceAll(strings.Join(lines(err), "\n"), filepath.Dir(path), "DIR")
		}
		if want == "4:1" { // some problem, at this place or behind it
			if !strings.HasPrefix(got, "5:1: args: item 2: ") {
				t.Errorf("%s\ngot %q", text, got)
			}
			continue
		}
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s\ngot %q, want %q", text, got, want)
		}
	}
}

// Whoever writes the variables (LD_PRELOAD, PATH) of what root starts decides what root runs.
func TestRootTrustsNoEnvFileThatOthersWrite(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	for _, tt := range []struct {
		mode os.FileMode
		user string
		want string
	}{
		{0o666, "", "can be written by everybody"}, {0o660, "", "can be written by its group"}, {0o660, "root", "can be written by its group"},
		{0o660, "nobody", ""}, {0o662, "nobody", "can be written by everybody"}, {0o644, "", ""},
	} {
		path := write(t, "[[process]]\nname='a'\ncommand='/bin/sh'\nenv_file='.env'\nuser='"+tt.user+"'\n")
		file := filepath.Join(filepath.Dir(path), ".env")
		if err := os.WriteFile(file, []byte("A=1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		chmod(t, file, tt.mode)
		_, err := Load(path, Overrides{Cwd: "/", Environ: environ})
		got := ""
		if err != nil {
			got = strings.Join(lines(err), "\n")
		}
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) || tt.want != "" && !strings.HasPrefix(got, "4:1: env_file: cannot trust "+file) {
			t.Errorf("mode %o, user %q: got %q, want %q", tt.mode, tt.user, got, tt.want)
		}
	}
}
