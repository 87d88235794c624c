//go:build unix

package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryWeakenedSettingIsWarnedOf: each with the place of its key, and none of what is in order.
func TestEveryWeakenedSettingIsWarnedOf(t *testing.T) {
	const web = "[[process]]\nname = 'web'\ncommand = '/bin/sh'\n"
	for name, c := range map[string]struct {
		text    string
		prepare func(t *testing.T, dir string)
		root    bool
		want    string // "line:column: beginning" of the one warning; "" for none. DIR is the folder.
	}{
		"nothing":          {text: "admin_listen = 9001\n" + web},
		"disable_rce only": {text: "disable_rce = true\n" + web},
		"TCP beyond this machine, in the clear": {text: "admin_listen = 9001\nadmin_bind_ip = '0.0.0.0'\nadmin_insecure = true\n" + web,
			want: "3:1: admin_insecure: the port is open to other machines, and forms, replies and the token cross the network in the clear; who reads the token may run any command"},
		"the same without programs": {text: "admin_listen = 9001\nadmin_bind_ip = '0.0.0.0'\nadmin_insecure = true\ndisable_rce = true\n" + web,
			want: "3:1: admin_insecure: the port is open to other machines, and forms, replies and the token cross the network in the clear; who reads the token may stop, restart and signal"},
		"TCP beyond this machine with TLS": {text: "admin_listen = 9001\nadmin_bind_ip = '192.0.2.1'\nadmin_tls_cert = 'cert'\nadmin_tls_key = 'key'\n" + web,
			prepare: func(t *testing.T, dir string) { put(t, dir, "cert", 0o644); put(t, dir, "key", 0o600) },
			want:    "2:1: admin_bind_ip: the port is open to other machines: who has the token may"},
		"admin_insecure for nothing": {text: "admin_insecure = true\n" + web, want: "1:1: admin_insecure: nothing needs it here"},
		"readable key": {text: "admin_listen = 9001\nadmin_tls_cert = 'cert'\nadmin_tls_key = 'key'\n" + web,
			prepare: func(t *testing.T, dir string) { put(t, dir, "cert", 0o644); put(t, dir, "key", 0o644) },
			want:    "3:1: admin_tls_key: everybody can read DIR/key (mode 0644; chmod 600 it)"},
		"admin_group": {text: "admin_sock = 'run/s.sock'\nadmin_group = 'daemon'\n" + web, want: "2:1: admin_group: every member of daemon may run any command"},
		"open socket": {text: "admin_sock = 'open/s.sock'\n" + web,
			prepare: func(t *testing.T, dir string) { folder(t, dir, "open", 0o777|os.ModeSticky) },
			want:    "1:1: admin_sock: DIR/open is open to others (mode 0777): somebody may take its names first"},
		"state in a directory open to all": {text: "state_dir = 'open'\n" + web,
			prepare: func(t *testing.T, dir string) { folder(t, dir, "open", 0o777|os.ModeSticky) },
			want:    "1:1: state_dir: DIR/open is open to others"},
		"daemon's log where all write": {text: "log = 'open/d.log'\n" + web,
			prepare: func(t *testing.T, dir string) { folder(t, dir, "open", 0o777) },
			want:    "1:1: log: DIR/open can be written by everybody"},
		"daemon's log in a sticky directory": {text: "log = 'open/sub/d.log'\n" + web,
			prepare: func(t *testing.T, dir string) { folder(t, dir, "open", 0o777|os.ModeSticky) },
			want:    "1:1: log: DIR/open is open to everybody"},
		"daemon's log in a directory of ours": {text: "log = 'mine/d.log'\n" + web,
			prepare: func(t *testing.T, dir string) { folder(t, dir, "mine", 0o755) }},
		"F26: init_script that all may write": {text: "init_script = 'init.glisp'\n" + web,
			prepare: func(t *testing.T, dir string) { put(t, dir, "init.glisp", 0o666) },
			want:    "1:1: init_script: DIR/init.glisp can be written by everybody (mode 0666; chmod go-w it), and so somebody else can change what runs here"},
		"readable file with a secret": {text: web + "[process.env]\nA = '1'\nAPI_KEY = 's3cr3t-canary'\n",
			prepare: func(t *testing.T, dir string) { chmod(t, filepath.Join(dir, fileName), 0o644) },
			want:    "6:1: env: everybody can read this file (mode 0644) and it holds API_KEY of web"},
		"somebody else's file": {text: web, root: true,
			prepare: func(t *testing.T, dir string) { chown(t, filepath.Join(dir, fileName)) },
			want:    "belongs to user 12345, who so decides what root runs"},
		"file in somebody else's directory": {text: web, root: true,
			prepare: func(t *testing.T, dir string) { chown(t, dir) },
			want:    "the directory DIR belongs to user 12345, neither to root nor to user 0, and so somebody else decides what is run here"},
		"secret among the arguments": {text: web + "args = ['-c', 'x', '--password=s3cr3t-canary']\n",
			want: "4:1: args: number 3 of web looks like a secret"},
		"announced secret":              {text: web + "args = ['x', '--token', 's3cr3t-canary']\n", want: "4:1: args: number 3 of web looks like a secret"},
		"secret in an address":          {text: web + "args = ['postgres://me:s3cr3t-canary@db/x']\n", want: "4:1: args: number 1 of web looks like a secret"},
		"arguments that hold no secret": {text: web + "args = ['--key', '--keys', '/etc/tls.key', '--tls-key=/etc/tls.key', '--keep=3', 'http://h:80/x@y']\n"},
		"readable env_file": {text: web + "env_file = '.env'\n",
			prepare: func(t *testing.T, dir string) {
				put(t, dir, ".env", 0o644, "PORT=1\nDB_PASSWORD=s3cr3t-canary\n")
			},
			want: "4:1: env_file: everybody can read DIR/.env (mode 0644) and secrets stand in it: chmod 600 it"},
		"readable env_file without secrets": {text: web + "env_file = '.env'\n",
			prepare: func(t *testing.T, dir string) { put(t, dir, ".env", 0o644, "PORT=1\n") }},
		"env_file in a directory that all write to": {text: web + "env_file = 'open/.env'\n",
			prepare: func(t *testing.T, dir string) { folder(t, dir, "open", 0o777); put(t, dir, "open/.env", 0o600) },
			want:    "4:1: env_file: the directory DIR/open can be written by everybody (mode 0777; chmod go-w it), and what stands in it decides what web runs"},
		"F26: command that all may write": {text: "[[process]]\nname = 'web'\ncommand = './run'\n",
			prepare: func(t *testing.T, dir string) { put(t, dir, "run", 0o777) },
			want:    "3:1: command: DIR/run can be written by everybody (mode 0777; chmod go-w it), and so somebody else can change what web runs as"},
		"F26: command behind a link": {text: "[[process]]\nname = 'web'\ncommand = './run'\n",
			prepare: func(t *testing.T, dir string) {
				folder(t, dir, "open", 0o777)
				put(t, dir, "open/run", 0o755)
				if err := os.Symlink("open/run", filepath.Join(dir, "run")); err != nil {
					t.Fatal(err)
				}
			},
			want: "3:1: command: the directory DIR/open can be written by everybody"},
		"F26: command far below a directory that all write to": {text: "[[process]]\nname = 'web'\ncommand = './open/sub/sub/run'\n",
			prepare: func(t *testing.T, dir string) {
				folder(t, dir, "open", 0o777)
				folder(t, dir, "open/sub", 0o755)
				folder(t, dir, "open/sub/sub", 0o755)
				put(t, dir, "open/sub/sub/run", 0o755)
			},
			want: "3:1: command: the directory DIR/open can be written by everybody"},
		"F26: root's command of somebody else": {text: "[[process]]\nname = 'web'\ncommand = './run'\n", root: true,
			prepare: func(t *testing.T, dir string) { put(t, dir, "run", 0o755); chown(t, filepath.Join(dir, "run")) },
			want:    "3:1: command: DIR/run belongs to user 12345, neither to root nor to user 0, and so somebody else can change what web runs as root"},
		"F26: root's script of somebody else": {text: web + "args = ['-x', 'run.sh', 'more']\n", root: true,
			prepare: func(t *testing.T, dir string) { put(t, dir, "run.sh", 0o644); chown(t, filepath.Join(dir, "run.sh")) },
			want:    "4:1: args: DIR/run.sh belongs to user 12345, neither to root nor to user 0, and so somebody else can change what web runs as root"},
		"a user's own command": {text: "[[process]]\nname = 'web'\ncommand = './run'\nuser = '12345'\n", root: true,
			prepare: func(t *testing.T, dir string) { put(t, dir, "run", 0o755); chown(t, filepath.Join(dir, "run")) }},
		"text for a shell is no script": {text: web + "args = ['-c', 'run.sh']\n",
			prepare: func(t *testing.T, dir string) { put(t, dir, "run.sh", 0o777) }},
		"log of root's where the service writes": {text: web + "user = '12345'\nstdout = ['logs/deep/web.log']\n", root: true,
			prepare: func(t *testing.T, dir string) { folder(t, dir, "logs", 0o755); chown(t, filepath.Join(dir, "logs")) },
			want:    "5:1: stdout: DIR/logs can be written by user 12345, as which web runs"},
		"log of root's where the service's group writes": {text: web + "user = '12345'\ngroup = '12346'\nstdout = ['logs/web.log']\n", root: true,
			prepare: func(t *testing.T, dir string) {
				folder(t, dir, "logs", 0o775)
				if err := os.Chown(filepath.Join(dir, "logs"), 0, 12346); err != nil {
					t.Fatal(err)
				}
			},
			want: "6:1: stdout: DIR/logs can be written by user 12345, as which web runs"},
		"pid file of root's where the service writes": {text: web + "user = '12345'\nstdout = []\npid_file = 'logs/web.pid'\n", root: true,
			prepare: func(t *testing.T, dir string) { folder(t, dir, "logs", 0o757) },
			want:    "6:1: pid_file: DIR/logs can be written by user 12345, as which web runs"},
		"link that others can have put in a log's place": {text: web + "stdout = ['logs/web.log']\n", root: true,
			prepare: func(t *testing.T, dir string) {
				folder(t, dir, "logs", 0o755)
				chown(t, filepath.Join(dir, "logs"))
				if err := os.Symlink("/etc/passwd", filepath.Join(dir, "logs", "web.log")); err != nil {
					t.Fatal(err)
				}
			},
			want: "4:1: web: stdout: cannot log to \"DIR/logs/web.log\": is a symbolic link"},
		"folder that others can have put in a pid file's place": {text: web + "stdout = []\npid_file = 'run/web.pid'\n", root: true,
			prepare: func(t *testing.T, dir string) {
				folder(t, dir, "run", 0o755)
				folder(t, dir, "run/web.pid", 0o755)
				chown(t, filepath.Join(dir, "run"))
			},
			want: "5:1: web: pid_file: DIR/run/web.pid is a directory"},
		"file that others can have put on the way to a log": {text: web + "stdout = ['logs/deep/web.log']\n", root: true,
			prepare: func(t *testing.T, dir string) {
				folder(t, dir, "logs", 0o755)
				chown(t, filepath.Join(dir, "logs"))
				put(t, filepath.Join(dir, "logs"), "deep", 0o644)
			},
			want: "4:1: web: stdout: cannot log to \"DIR/logs/deep/web.log\": DIR/logs/deep is not a directory"},
		"log of root's where it does not": {text: web + "user = '12345'\nstdout = ['logs/web.log']\n", root: true,
			prepare: func(t *testing.T, dir string) { folder(t, dir, "logs", 0o755) }},
	} {
		t.Run(name, func(t *testing.T) {
			if c.root && os.Geteuid() != 0 {
				t.Skip("needs root")
			}
			path := write(t, c.text)
			dir := filepath.Dir(path)
			if c.prepare != nil {
				c.prepare(t, dir)
			}
			cfg, err := Load(path, Overrides{Environ: environ})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range cfg.Warnings {
				if strings.Contains(p.Msg, "canary") {
					t.Errorf("the secret is in %s", p)
				}
				got = append(got, strings.ReplaceAll(strings.TrimPrefix(p.String(), path+":"), dir, "DIR"))
			}
			text := strings.TrimSpace(strings.Join(got, "\n"))
			if c.want == "" && text != "" || !strings.HasPrefix(text, c.want) || len(got) > 1 {
				t.Errorf("got  %s\nwant %s", text, c.want)
			}
		})
	}
}

// TestALogBelowDevIsNoDevice: /dev/shm is a folder like any other, and open to all.
func TestALogBelowDevIsNoDevice(t *testing.T) {
	if info, err := os.Stat("/dev/shm"); err != nil || info.Mode()&(os.ModeSticky|0o002) != os.ModeSticky|0o002 {
		t.Skipf("there is no /dev/shm that all write to: %v", err)
	}
	cfg, err := Load(write(t, "log = '/dev/shm/supervisord-test/d.log'\n[[process]]\nname = 'a'\ncommand = '"+shell+"'\n"), Overrides{Environ: environ})
	if err != nil || len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0].Msg, "/dev/shm is open to everybody") {
		t.Errorf("%v %v", cfg.Warnings, err)
	}
}

// put makes a file, folder a folder.
func put(t *testing.T, dir, name string, mode os.FileMode, text ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(text, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	chmod(t, filepath.Join(dir, name), mode)
}

func folder(t *testing.T, dir, name string, mode os.FileMode) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
		t.Fatal(err)
	}
	chmod(t, filepath.Join(dir, name), mode)
}
