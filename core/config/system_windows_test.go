package config

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

// What the tests of both systems expect of this one; system_unix_test.go has the other's.

const (
	shell         = `C:/windows/system32/cmd.exe`
	directory     = `C:\windows`
	noController  = "not supported on windows"
	savedUser     = ""
	openKeepsName = true
)

var noFile, noFolder error = windows.ERROR_FILE_NOT_FOUND, windows.ERROR_PATH_NOT_FOUND

var refusedKeys = map[string]string{
	"admin_group":   "is not possible on Windows: the folder of the socket says who may use it",
	"hide_args":     "is not possible on Windows",
	"user":          "is not possible on Windows: a process runs under the account of the daemon",
	"group":         "is not possible on Windows: a process runs under the account of the daemon",
	"umask":         "cannot be kept: not supported on windows",
	"nice":          "cannot be kept: not supported on windows",
	"oom_score_adj": "cannot be kept: not supported on windows",
	"rlimits":       "cannot be kept: not supported on windows",
	"memory_max":    "cannot be kept: not supported on windows",
	"pids_max":      "cannot be kept: not supported on windows",
	"cpu_max":       "cannot be kept: not supported on windows",
}

func at(path string) string {
	path = filepath.Clean(path)
	if filepath.IsAbs(path) {
		return path
	}
	return "C:" + path
}

var accountLine = regexp.MustCompile(`(?m)^(user|group) = .*\n`)

func possible(text string) string { return accountLine.ReplaceAllString(text, "") }

func possibleUser(string) string { return "" }

// private holds a folder to letting in neither everybody nor every user. A file has the list that its folder passes on, which Wine
// does not.
func private(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		if err != nil {
			t.Error(err)
		}
		return
	}
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		t.Error(err)
	} else if list := sd.String(); !strings.HasPrefix(list, "D:") || regexp.MustCompile(`;(WD|BU|AU|AN|IU)\)`).MatchString(list) {
		t.Errorf("%s: %s", path, list)
	}
}

// TestAFileHasManySpellings: whatever the case and the slashes, it is one file, which two may not have; and a configuration is one
// daemon's.
func TestAFileHasManySpellings(t *testing.T) {
	const head = "[[process]]\nname='a'\ncommand='" + shell + "'\n"
	for text, want := range map[string]string{
		head + "stdout=['SuperVisord.CONF']\n":                                                             "stdout: DIR/SuperVisord.CONF is the configuration",
		head + "stdout=['sub/../SUPERVISORD.conf']\n":                                                      "is the configuration",
		head + "pid_file='C:/WINDOWS/System32/CMD.exe'\n":                                                  "pid_file: C:\\WINDOWS\\System32\\CMD.exe is its program",
		head + "pid_file='A.log'\nstdout=['a.LOG']\n":                                                      "pid_file: DIR/A.log is its stdout",
		"log='D.log'\n" + head + "pid_file='./d.log'\n":                                                    "pid_file: DIR/d.log is the daemon's own log",
		"log='supervisord.CONF'\n" + head:                                                                  "log: DIR/supervisord.CONF is the configuration itself",
		head + "purge_files=['SUPERVISORD.conf']\n":                                                        "it is or holds the configuration",
		head + "pid_file='a.pid'\n" + "[[process]]\nname='b'\ncommand='" + shell + "'\npid_file='A.PID'\n": "a second process has the pid_file DIR/A.PID",
	} {
		path := write(t, text)
		_, err := Load(path, Overrides{Cwd: root(), Environ: environ})
		got := ""
		if err != nil {
			got = strings.ReplaceAll(strings.Join(lines(err), "\n"), filepath.Dir(path)+`\`, "DIR/")
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s\ngot %q, want %q", text, got, want)
		}
	}
	if a, b := instanceOf(`C:\Srv\Shop\supervisord.conf`), instanceOf(`c:\srv\SHOP\SUPERVISORD.CONF`); a != b {
		t.Errorf("one configuration, two daemons: %s %s", a, b)
	}
}

// TestNamesOfDevices: NUL discards what is logged to it; a device is not taken for a file.
func TestNamesOfDevices(t *testing.T) {
	const head = "[[process]]\nname='a'\ncommand='" + shell + "'\n"
	c, err := Load(write(t, "log='nul'\n"+head+"stdout=['NUL']\nstderr=['"+`\\.\nul`+"', '/dev/null']\ncwd='C:\\'\n"), Overrides{Cwd: root(), Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Specs[0]; c.Settings.Log != "/dev/null" || !slices.Equal(p.Output.Stdout, []string{"/dev/null"}) ||
		!slices.Equal(p.Output.Stderr, []string{"/dev/null", "/dev/null"}) {
		t.Errorf("log %q, stdout %q, stderr %q", c.Settings.Log, p.Output.Stdout, p.Output.Stderr)
	}
	for line, want := range map[string]string{
		"stdout=['COM1']":         "stdout: item 1: \"COM1\" cannot be the name of a file",
		"stdout=['logs/con.log']": "stdout: item 1: \"con.log\" cannot be the name of a file",
		"stderr=['a.log:b']":      "stderr: item 1: \"a.log:b\" cannot be the name of a file",
		"pid_file='lpt1'":         "pid_file: \"lpt1\" cannot be the name of a file",
		"pid_file='NUL'":          "pid_file: /dev/null is no regular file",
		"env_file='AUX'":          "env_file: \"AUX\" cannot be the name of a file",
		"purge_files=['PRN']":     "purge_files: item 1: \"PRN\" cannot be the name of a file",
	} {
		_, err := Load(write(t, head+line+"\n"), Overrides{Cwd: root(), Environ: environ})
		if err == nil || !strings.Contains(strings.Join(lines(err), "\n"), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}
