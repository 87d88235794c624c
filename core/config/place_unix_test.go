//go:build unix

package config

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func TestWhereADaemonLives(t *testing.T) {
	mine := t.TempDir()
	me := os.Geteuid()
	other := me + 1
	for _, tt := range []lives{
		{"root", machine(0), "/srv/shop/supervisord.conf", Settings{}, "/run/supervisord/shop-HASH.sock", "/var/lib/supervisord/shop-HASH", "/run/supervisord/shop-HASH.json", "shop-"},
		{"root ignores the session", machine(0, "XDG_RUNTIME_DIR=/run/user/0", "XDG_STATE_HOME=/x"), "/etc/web.conf", Settings{}, "/run/supervisord/web-HASH.sock", "/var/lib/supervisord/web-HASH", "", "web-"},
		{"user without session", machine(other, "HOME=/home/ann"), "/srv/shop/conf/supervisord.conf", Settings{}, "/home/ann/.local/state/supervisord/shop-HASH.sock", "/home/ann/.local/state/supervisord/shop-HASH", "", "shop-"},
		{"user with state", machine(other, "HOME=/home/ann", "XDG_STATE_HOME=/state"), "/a.conf", Settings{}, "/state/supervisord/a-HASH.sock", "/state/supervisord/a-HASH", "", "a-"},
		{"somebody else's session", machine(other, "HOME=/home/ann", "XDG_RUNTIME_DIR="+mine), "/a.conf", Settings{}, "/home/ann/.local/state/supervisord/a-HASH.sock", "/home/ann/.local/state/supervisord/a-HASH", "", "a-"},
		{"state_dir", machine(other, "HOME=/home/ann"), "/a.conf", Settings{StateDir: "/st"}, "/st/a-HASH.sock", "/st", "", "a-"},
		{"admin_sock", machine(0), "/a.conf", Settings{AdminSock: "/run/x.sock", AdminListen: 1}, "/run/x.sock", "/var/lib/supervisord/a-HASH", "", "a-"},
		{"port only", machine(0), "/a.conf", Settings{AdminListen: 1}, "", "/var/lib/supervisord/a-HASH", "", "a-"},
		{"no file", machine(0), "", Settings{}, "/run/supervisord/here-HASH.sock", "/var/lib/supervisord/here-HASH", "", "here-"},
		{"runtime directory given", machine(0, "SUPERVISORD_RUNTIME_DIR=/rt"), "/a.conf", Settings{}, "/rt/a-HASH.sock", "/var/lib/supervisord/a-HASH", "/rt/a-HASH.json", "a-"},
		{"odd names", machine(0), "/srv/ü b/supervisord.conf", Settings{}, "/run/supervisord/b-HASH.sock", "/var/lib/supervisord/b-HASH", "", "b-"},
		{"root folder", machine(0), "/supervisord.conf", Settings{}, "/run/supervisord/root-HASH.sock", "/var/lib/supervisord/root-HASH", "", "root-"},
	} {
		t.Run(tt.name, tt.test)
	}
	a, _ := locate("/srv/a/supervisord.conf", Settings{}, machine(0))
	b, _ := locate("/opt/a/supervisord.conf", Settings{}, machine(0))
	if a.Instance == b.Instance {
		t.Error("two configurations have one instance")
	}
	if _, err := locate("/a.conf", Settings{}, machine(other)); err == nil || !strings.Contains(err.Error(), "HOME") {
		t.Errorf("got %v", err)
	}
	if p, err := locate("/a.conf", Settings{}, machine(me, "HOME=/h", "XDG_RUNTIME_DIR="+mine)); me != 0 && (err != nil || p.RuntimeDir != mine+"/supervisord") {
		t.Errorf("got %+v %v", p, err)
	}
}

func TestSocketPathsFitOrAreRefused(t *testing.T) {
	uid := os.Geteuid() + 1
	long := "/" + strings.Repeat("x", 80)
	p, err := locate("/srv/a/supervisord.conf", Settings{}, machine(uid, "HOME="+long))
	if want := "/tmp/supervisord-" + strconv.Itoa(uid) + "/" + p.Instance + ".sock"; err != nil || p.Socket != want {
		t.Errorf("got %s %v, want %s", p.Socket, err, want)
	}
	home := "/" + strings.Repeat("x", 107-len("/.local/state/supervisord/")-len("0123456789.sock")-1)
	p, err = locate("/srv/a/supervisord.conf", Settings{}, machine(uid, "HOME="+home))
	if err != nil || len(p.Socket) != 107 || !strings.HasPrefix(p.Socket, home) {
		t.Errorf("got %d %s %v", len(p.Socket), p.Socket, err)
	}
	_, err = load(t, "admin_sock = '/"+strings.Repeat("s", 107)+"'\n")
	if err == nil || !strings.Contains(err.Error(), ":1:1: admin_sock: ") || !strings.Contains(err.Error(), "108 bytes, at most 107") {
		t.Errorf("got %v", err)
	}
	exact := filepath.Join("/tmp", strings.Repeat("s", 107-len("/tmp/")))
	os.Remove(exact)
	ln, err := net.Listen("unix", exact)
	if err != nil {
		t.Fatalf("107 bytes are too many here: %v", err)
	}
	ln.Close()
}

func TestDirectoriesOthersCanChangeAreRefusedAndLeftAlone(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(t *testing.T, dir string)
		want string
	}{
		{"writable by all", func(t *testing.T, dir string) { chmod(t, dir, 0o777) }, "can be written by everybody"},
		{"writable by the group", func(t *testing.T, dir string) { chmod(t, dir, 0o770) }, "can be written by its group"},
		{"sticky", func(t *testing.T, dir string) { chmod(t, dir, 0o777|fs.ModeSticky) }, ""},
		{"readable", func(t *testing.T, dir string) { chmod(t, dir, 0o755) }, ""},
		{"owned by another", func(t *testing.T, dir string) { chown(t, dir) }, "belongs to user 12345, neither to root nor to user"},
		{"below a bad one", func(t *testing.T, dir string) { chmod(t, filepath.Dir(dir), 0o777) }, "above it, can be written by everybody"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			top := filepath.Join(t.TempDir(), "top")
			dir := filepath.Join(top, "dir")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			tt.make(t, dir)
			before, _ := os.Stat(dir)
			err := SafeDir(dir, os.Geteuid())
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			// Behind a symlink it is the same.
			link := filepath.Join(t.TempDir(), "link")
			if err := os.Symlink(dir, link); err != nil {
				t.Fatal(err)
			}
			err = SafeDir(link, os.Geteuid())
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("behind a symlink: got %v, want %q", err, tt.want)
			}
			if after, _ := os.Stat(dir); after.Mode() != before.Mode() {
				t.Errorf("the mode changed from %v to %v", before.Mode(), after.Mode())
			}
		})
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := SafeDir(filepath.Join(file, "dir"), os.Geteuid()); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("got %v", err)
	}
}

func TestAConfigurationOthersCouldWriteIsRefusedForRoot(t *testing.T) {
	path := write(t, "daemonize = true\n")
	dir := filepath.Dir(path)
	root := host{uid: 0}
	for _, tt := range []struct {
		file, dir fs.FileMode
		want      string
	}{
		{0o640, 0o700, ""},
		{0o644, 0o755, ""},
		{0o644, 0o777 | fs.ModeSticky, ""},
		{0o666, 0o700, "it can be written by everybody (mode 0666; chmod go-w it); the commands in it would run as root"},
		{0o660, 0o700, "it can be written by its group (mode 0660; chmod g-w it)"},
		{0o600, 0o777, "the directory " + dir + " can be written by everybody"},
		{0o600, 0o770, "the directory " + dir + " can be written by its group"},
	} {
		chmod(t, path, tt.file)
		chmod(t, dir, tt.dir)
		err := root.checkFile(path, "the configuration")
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%v in %v: got %v, want %q", tt.file, tt.dir, err, tt.want)
		}
		if err := (host{uid: 1000}).checkFile(path, "it"); err != nil {
			t.Errorf("a user's: %v", err)
		}
	}
	if os.Geteuid() == 0 {
		if _, err := Load(path, Overrides{}); err == nil || !strings.Contains(err.Error(), path+": cannot trust the configuration: the directory") {
			t.Errorf("got %v", err)
		}
	}
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func chown(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	if err := os.Chown(path, 12345, 12345); err != nil {
		t.Fatal(err)
	}
}

func TestUnknownUsersAndGroupsAreRefused(t *testing.T) {
	_, err := load(t, "admin_group = 'nosuchgroup-x'\n[[process]]\nname='a'\ncommand='/bin/sh'\nuser='nosuchuser-x'\n[[process]]\nname='b'\ncommand='/bin/sh'\nuser='root'\ngroup='nosuchgroup-x'\n")
	got := lines(err)
	if len(got) != 3 {
		t.Fatalf("got %q", got)
	}
	for i, want := range [][2]string{{"1:1: admin_group: ", "nosuchgroup-x"}, {"5:1: user: ", "nosuchuser-x"}, {"10:1: group: ", "nosuchgroup-x"}} {
		if !strings.HasPrefix(got[i], want[0]) || !strings.Contains(got[i], want[1]) {
			t.Errorf("got %q, want %q", got[i], want)
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
		_, err := Load(path, Overrides{Cwd: root(), Environ: environ})
		got := ""
		if err != nil {
			got = strings.Join(lines(err), "\n")
		}
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) || tt.want != "" && !strings.HasPrefix(got, "4:1: env_file: cannot trust "+file) {
			t.Errorf("mode %o, user %q: got %q, want %q", tt.mode, tt.user, got, tt.want)
		}
	}
}

func TestADeviceIsNoPIDFile(t *testing.T) {
	_, err := load(t, "[[process]]\nname='a'\ncommand='/bin/sh'\npid_file='/dev/null'\n")
	if got := lines(err); len(got) != 1 || got[0] != "4:1: pid_file: /dev/null is no regular file" {
		t.Errorf("got %q", got)
	}
}

func TestNothingOfTheSystemIsPurged(t *testing.T) {
	_, err := load(t, "[[process]]\nname='a'\ncommand='/bin/sh'\npurge_files=['/dev/sda', '/proc/1', '/sys', '/srv/x']\n")
	want := []string{"4:1: purge_files: cannot remove /dev/sda: it is the system's", "4:1: purge_files: cannot remove /proc/1: it is the system's", "4:1: purge_files: cannot remove /sys: it is the system's"}
	if got := lines(err); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAStateDirectoryThatCannotBeSaysWhatToDo: nobody makes directories in the kernel's own file systems.
func TestAStateDirectoryThatCannotBeSaysWhatToDo(t *testing.T) {
	if _, err := os.Stat("/sys/kernel"); err != nil {
		t.Skip("no /sys")
	}
	p := Place{StateDir: "/sys/supervisord-test", Logs: "/sys/supervisord-test/logs", RuntimeDir: t.TempDir(), uid: os.Geteuid()}
	if err := p.Prepare(); err == nil || !strings.HasSuffix(err.Error(), "(state_dir can name another place)") {
		t.Errorf("got %v", err)
	}
}
