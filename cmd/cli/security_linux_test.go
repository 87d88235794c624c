package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// canary is part of every secret in these tests.
const canary = "c4n4ry"

// secretive is a daemon whose configuration, environment, files and arguments are full of secrets.
func secretive(t *testing.T) *operated {
	t.Helper()
	return operatePrepared(t, func(p *operated) {
		p.env = append(p.env, "DAEMON_TOKEN="+canary+"-daemon", "SUPERVISORD_TOKEN="+canary+"-own", "URL=https://me:"+canary+"-url@host/x")
		p.write("secrets.env", "FILE_PASSWORD="+canary+"-file\n")
		p.write("supervisord.conf", `state_dir = "state"
[[process]]
name = "web"
command = "/bin/sh"
args = ["-c", "exec sleep 1000", "--password=`+canary+`-arg", "--token", "`+canary+`-next", "redis://u:`+canary+`-user@h/1"]
env_file = "secrets.env"
stdout = ["web.log"]
stderr = []
[process.env]
API_KEY = "`+canary+`-config"
[[process]]
name = "broken"
command = "/no/such/program"
args = ["--secret=`+canary+`-broken"]
max_restarts = 0
[process.env]
DB_PASSWORD = "`+canary+`-broken"
`)
	})
}

// everything that a person or a script may ask to be shown, right and wrong.
var everything = [][]string{
	{"service", "status"}, {"service", "status", "--json"}, {"service", "env", "web"}, {"service", "usage"}, {"service", "logs", "web"}, {"service", "restart", "web"},
	{"service", "start", "broken"}, {"service", "stop", "web"}, {"service", "start", "web"}, {"service", "signal", "web", "NOSUCH"}, {"service", "status", "wbe"},
	{"events"}, {"history", "web"}, {"why", "broken"}, {"why", "web"}, {"maintail", "1000"}, {"reload", "--dry-run"}, {"reload"}, {"check"}, {"version"},
	{"exec", "-e", "(config)"}, {"exec", "-e", "CONFIG"}, {"exec", "-e", "(status)"}, {"exec", "-e", "(plan)"}, {"exec", "-e", "(events)"}, {"exec", "-e", "(os/env)"},
	{"exec", "-e", `(logs "nobody")`}, {"exec", "-e", "(nothing"}, {"exec", "-e", `(add-proc "web" "/bin/true" "--password=` + canary + `-said")`},
	{"exec", "-e", `(add-proc {"name" "more" "command" "/bin/sleep" "args" ["1000" "--api-key" "` + canary + `-said"] "env" {"MY_SECRET" "` + canary + `-said"}})`},
	{"service", "status", "more"}, {"history", "more"}, {"service", "env", "more"}, {"exec", "-e", `(add-proc {"name" "bad" "command" 5 "env" {"MY_SECRET" "` + canary + `-said"}})`},
	{"add-proc", "again", "/no/such", "--token=" + canary + "-said"}, {"remove-proc", "more"}, {"remove-proc", "again"},
}

// TestF19SecretsStayInside: whatever is asked, the secrets of the configuration, of an env_file, of arguments, of the daemon's own
// environment and its token appear in no status, event, error, log, audit line, list of processes or metric, and in no file that
// others may read.
func TestF19SecretsStayInside(t *testing.T) {
	o := secretive(t)
	o.wait("web", "running")
	o.wait("broken", "fatal")
	for _, args := range everything {
		out, errs, _ := o.run("", args...)
		if args[len(args)-1] == "(os/env)" {
			continue // a program is trusted with what the daemon has; see the README
		}
		for _, line := range strings.Split(out+errs, "\n") {
			// What somebody types is echoed to him where it is wrong: it is his.
			if strings.Contains(line, canary) && !strings.Contains(line, canary+"-said") {
				t.Errorf("%q shows %s", args, line)
			}
		}
	}
	for _, path := range []string{"/metrics", "/v1/health"} {
		if answer := o.get(path); strings.Contains(answer, canary) {
			t.Errorf("GET %s shows the secret: %s", path, answer)
		}
	}
	for _, form := range []string{`{"form": "(status)", "name": "` + canary + `-said"`, `{"token": 1}`, `{"form": "(restart 5)"}`} {
		c, err := o.socket().dial()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST /v1/eval HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(form), form)
		io.Copy(io.Discard, c)
		c.Close()
	}
	// A broken configuration is complained about without its values.
	text, err := os.ReadFile(o.path("supervisord.conf"))
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`API_KEY = "`, `API_KEY = 5 # "`}, {`API_KEY = "`, `API_KEY = "\q`}, {`name = "web"`, `name = "web" env = "`}, {`[process.env]`, `[process.env`},
		{`stderr = []`, `stderr = "${API_SECRET}"`}, {`stderr = []`, `stop_signal = "${DAEMON_TOKEN}"`}, {`stderr = []`, `user = "${DAEMON_TOKEN}"`},
		{`stderr = []`, `std_log_size = "${DAEMON_TOKEN}"`}, {`stderr = []`, `restart = "${DAEMON_TOKEN}"`},
	} {
		broken := strings.Replace(string(text), change[0], change[1], 1)
		o.write("supervisord.conf", broken)
		for _, args := range [][]string{{"check"}, {"reload"}, {"reload", "--dry-run"}} {
			if out, errs, _ := o.run("", args...); strings.Contains(out+errs, canary) {
				t.Errorf("%q with %s shows %s%s", args, change[1], out, errs)
			}
		}
	}
	o.write("supervisord.conf", string(text))
	o.searchProcesses(t)
	if log := o.daemon.text(); strings.Contains(log, canary) {
		t.Errorf("the daemon's log shows the secret:\n%s", log)
	}
	o.searchFiles(t)
}

// searchProcesses looks at the arguments of the daemon, and at who may read its environment.
func (o *operated) searchProcesses(t *testing.T) {
	t.Helper()
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", o.daemon.command.Process.Pid))
	if err != nil || bytes.Contains(line, []byte(canary)) {
		t.Errorf("ps shows %q of the daemon (%v)", line, err)
	}
}

// searchFiles looks into every file below the daemon's folders. What holds a secret must be its user's alone.
func (o *operated) searchFiles(t *testing.T) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(o.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(o.dir, path)
		private := info.Mode().Perm() == 0o600
		switch {
		case strings.HasPrefix(name, "state/") && !private && !strings.HasPrefix(name, "state/logs/"):
			t.Errorf("%s has mode %04o", name, info.Mode().Perm())
		case !bytes.Contains(text, []byte(canary)):
		case name == "state/audit.log" || strings.HasSuffix(name, ".log") || strings.HasSuffix(name, "daemon.json"):
			t.Errorf("%s holds the secret:\n%s", name, text)
		case !private:
			t.Errorf("%s holds the secret and has mode %04o", name, info.Mode().Perm())
		default:
			found++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 2 { // the configuration and the env_file, at least
		t.Errorf("only %d files hold a secret: this looks for nothing", found)
	}
}

// TestF19MemoryIsClosed: a service of the same user can read neither the environment nor the memory of the daemon, and no core
// dump is left of it.
func TestF19MemoryIsClosed(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	const uid = 65534
	o := operatePrepared(t, func(p *operated) {
		p.env = append(p.env, "DAEMON_TOKEN="+canary)
		p.credential = &syscall.Credential{Uid: uid, Gid: uid}
		program, err := os.ReadFile(p.program) // where the tests keep it, others do not get
		if err != nil {
			t.Fatal(err)
		}
		p.program = p.path("supervisord")
		if err := os.WriteFile(p.program, program, 0o755); err != nil {
			t.Fatal(err)
		}
		p.write("supervisord.conf", "state_dir = \"state\"\n"+shellProcess("spy", "cat /proc/$PPID/environ > got; echo env $?; cat /proc/$PPID/mem; echo mem $?; cat /proc/$PPID/cmdline > /dev/null; echo args $?", "restart = \"never\"\nexit_codes = [0,1]"))
	})
	o.wait("spy", "exited")
	text, err := os.ReadFile(o.path("spy.log"))
	if err != nil || !strings.Contains(string(text), "env 1\nmem 1\n") {
		t.Errorf("the spy says %q (%v)", text, err)
	}
	if got, err := os.ReadFile(o.path("got")); err != nil || len(got) > 0 {
		t.Errorf("the spy got %q (%v)", got, err)
	}
	// Its files in /proc belong to root: the kernel's word for "not to be dumped".
	info, err := os.Stat(fmt.Sprintf("/proc/%d/environ", o.daemon.command.Process.Pid))
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Errorf("%v %v", info, err)
	}
	// The services themselves are as open as ever.
	if out, errs, code := o.run("", "service", "env", "spy"); code != 0 || strings.Contains(out, canary) {
		t.Errorf("%d %s%s", code, out, errs)
	}
}

// TestF01NoTCPByDefault: a daemon that was told of no port has none, and its socket is its user's alone.
func TestF01NoTCPByDefault(t *testing.T) {
	o := operate(t, sleeper("web"), "web")
	pid := o.daemon.command.Process.Pid
	inodes := map[string]bool{}
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if to, err := os.Readlink(filepath.Join(folder, entry.Name())); err == nil {
			if inode, found := strings.CutPrefix(to, "socket:["); found {
				inodes[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	if len(inodes) == 0 {
		t.Error("the daemon has no socket at all")
	}
	for _, kind := range []string{"tcp", "tcp6", "udp", "udp6", "raw", "raw6"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, kind))
		if err != nil {
			continue // a machine without it
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 9 && inodes[fields[9]] {
				t.Errorf("the daemon has a %s socket: %s", kind, line)
			}
		}
	}
	for path, want := range map[string]fs.FileMode{o.address(): fs.ModeSocket | 0o600, filepath.Dir(o.address()): fs.ModeDir | 0o700, o.path("state"): fs.ModeDir | 0o700} {
		if info, err := os.Lstat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v %v, want %v", path, info.Mode(), err, want)
		}
	}
	if _, err := os.Stat(o.path("state/token")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a token was made although there is no port: %v", err)
	}
}

// TestF11ServicesAreRefused: the user of a service does not get in, not even as a member of admin_group; another member does.
func TestF11ServicesAreRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	const member, service = 65533, 65534
	o := operatePrepared(t, func(p *operated) {
		if err := os.Chmod(p.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Mkdir(p.path("run"), 0o755), os.Chmod(p.path("run"), 0o755)); err != nil { // whatever the umask
			t.Fatal(err)
		}
		p.write("supervisord.conf", "state_dir = \"state\"\nadmin_sock = \"run/s.sock\"\nadmin_group = \"nogroup\"\n"+
			shellProcess("spy", "exec sleep 1000", fmt.Sprintf("user = %q", strconv.Itoa(service))))
	})
	o.wait("spy", "running")
	for _, c := range []struct {
		uid, gid, code int
	}{{0, 0, 0}, {service, 65534, 5}, {member, 65534, 0}, {member, 65532, 6}} {
		var out bytes.Buffer
		command := exec.Command("/bin/sh", "-c", "curl -sS --unix-socket \"$0\" http://x/v1/health 2>&1; exit $?", o.path("run/s.sock"))
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(c.uid), Gid: uint32(c.gid)}}
		command.Stdout, command.Stderr = &out, &out
		_ = command.Run()
		text := out.String()
		switch c.code {
		case 0:
			if !strings.Contains(text, `"running"`) {
				t.Errorf("uid %d gid %d is refused: %s", c.uid, c.gid, text)
			}
		case 5:
			if !strings.Contains(text, "that of a supervised process") {
				t.Errorf("uid %d gid %d: %s", c.uid, c.gid, text)
			}
		default: // the mode of the socket keeps him out
			if strings.Contains(text, "{") {
				t.Errorf("uid %d gid %d: %s", c.uid, c.gid, text)
			}
		}
	}
	if log := o.daemon.text(); !strings.Contains(log, fmt.Sprintf("refused uid %d", service)) {
		t.Errorf("the log does not say who was refused:\n%s", log)
	}
	audit, err := os.ReadFile(o.path("state/audit.log"))
	if err != nil || !strings.Contains(string(audit), fmt.Sprintf(`"who":"uid %d pid `, service)) || strings.Contains(string(audit), fmt.Sprintf(`"who":"uid %d pid `, member)) {
		t.Errorf("the audit log does not say who was refused, and nobody else (%v):\n%s", err, audit)
	}
}

// TestF09RefusedRequestsAreAudited: wrong tokens and web pages at the port leave lines in the audit log, a bounded number of them and
// none of a secret; the socket and the token work as before.
func TestF09RefusedRequestsAreAudited(t *testing.T) {
	port := freeAddress()
	o := operatePrepared(t, func(o *operated) {
		o.write("supervisord.conf", "state_dir = \"state\"\nadmin_sock = \"s.sock\"\nadmin_listen = "+port+"\n"+sleeper("web"))
	})
	o.wait("web", "running")
	before, err := os.ReadFile(o.path("state/audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(headers ...string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:"+port+"/v1/eval?token=canary", strings.NewReader(`{"form":"(shutdown)"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			request.Header.Set(headers[i], headers[i+1])
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	if got := ask("Origin", "http://evil.example"); got != http.StatusForbidden {
		t.Errorf("a web page is answered %d", got)
	}
	for range 300 {
		if got := ask("Authorization", "Bearer canary"); got != http.StatusUnauthorized && got != http.StatusTooManyRequests {
			t.Fatalf("a wrong token is answered %d", got)
		}
	}
	token, err := os.ReadFile(o.path("state/token"))
	if err != nil {
		t.Fatal(err)
	}
	o.env = append(o.env, "SUPERVISORD_TOKEN="+strings.TrimSpace(string(token)))
	if out, errs, code := o.run("", "--server", "127.0.0.1:"+port, "service", "status"); code != 0 {
		t.Errorf("the token's owner is refused: %d %s%s", code, out, errs)
	}
	if out, errs, code := o.run("", "service", "status"); code != 0 {
		t.Errorf("the socket refuses: %d %s%s", code, out, errs)
	}
	after, err := os.ReadFile(o.path("state/audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(after[len(before):])
	line := regexp.MustCompile(`^\{"at":"[^"]+","id":\d+,"who":"tcp 127\.0\.0\.1:\d+","head":"request","name":"POST /v1/eval","number":\d+,"decision":"forbidden","outcome":"(unauthorized|forbidden)","error":"[^"]+"\}\n$`)
	lines := 0
	for l := range strings.Lines(text) {
		if lines++; !line.MatchString(l) {
			t.Errorf("no line as it should be: %s", l)
		}
	}
	if lines < 11 || lines > 25 { // the first ten and the hundredth, of each hour that it took
		t.Errorf("%d lines in the audit log for 301 refusals:\n%s", lines, text)
	}
	if log := o.daemon.text(); strings.Contains(text+log, "canary") {
		t.Errorf("what was guessed is on record:\n%s%s", text, log)
	}
}

// TestF25WhatIsNoRequestIsAudited: garbage at either door leaves a line with who sent it and none of what was sent.
func TestF25WhatIsNoRequestIsAudited(t *testing.T) {
	port := freeAddress()
	o := operatePrepared(t, func(o *operated) {
		o.write("supervisord.conf", "state_dir = \"state\"\nadmin_sock = \"s.sock\"\nadmin_listen = "+port+"\n"+sleeper("web"))
	})
	host := "127.0.0.1:" + port
	for _, at := range []gate{o.socket(), {network: "tcp", address: host}} {
		for _, text := range []string{"\x1b]0;canary\a\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("canary", 1<<14) + "\r\n\r\n", "DELETE /v1/eval HTTP/1.1\r\nHost: " + host + "\r\n\r\n"} {
			c, err := at.dial()
			if err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(patience))
			io.WriteString(c, text)
			io.Copy(io.Discard, c)
			c.Close()
		}
	}
	text, err := os.ReadFile(o.path("state/audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"uid \\d+ pid \\d+", "tcp 127\\.0\\.0\\.1:\\d+"} {
		for i, what := range []string{`"number":1,"decision":"forbidden","outcome":"invalid","error":"[^"]*: Bad Request"`, `"number":2,.*: Request Header Fields Too Large"`, `"name":"DELETE /v1/eval","number":3,.*the method is DELETE`} {
			if got := regexp.MustCompile(`(?m)^.*"who":"`+who+`","head":"request",.*`+what+`.*$`).FindAllString(string(text), -1); len(got) != 1 {
				t.Errorf("%d lines of %s for request %d:\n%s", len(got), who, i+1, text)
			}
		}
	}
	if strings.Contains(string(text)+o.daemon.text(), "canary") {
		t.Errorf("what was sent is on record:\n%s%s", text, o.daemon.text())
	}
}

// TestF14LinksAreNotFollowed: a link in the place of any file of the daemon's own leads nowhere, and the victim stays as it is.
func TestF14LinksAreNotFollowed(t *testing.T) {
	for _, name := range []string{"lock", "token", "audit.log", "added.json", "supervisord.log", "daemon.json", "s.sock", "web.log", "web.pid"} {
		t.Run(name, func(t *testing.T) {
			o := newOperated(t)
			state := o.path("state")
			if err := os.Mkdir(state, 0o700); err != nil {
				t.Fatal(err)
			}
			victim := o.path("victim")
			o.write("victim", "precious")
			if err := os.Symlink(victim, filepath.Join(state, name)); err != nil {
				t.Fatal(err)
			}
			port := freeAddress()
			o.write("supervisord.conf", fmt.Sprintf("state_dir = \"state\"\nadmin_sock = \"state/s.sock\"\nadmin_listen = %s\nlog = \"state/supervisord.log\"\n"+
				"[[process]]\nname = \"web\"\ncommand = \"/bin/sh\"\nargs = [\"-c\", \"echo hello; exec sleep 1000\"]\nstdout = [\"state/web.log\"]\nstderr = []\npid_file = \"state/web.pid\"\n", port))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			command := exec.CommandContext(ctx, o.program, "start", "-supvr.daemonize", "true")
			command.Dir, command.Env = o.dir, o.env
			out, err := command.CombinedOutput()
			if err == nil {
				t.Cleanup(func() { o.run("", "shutdown", "--now") })
				_, _, _ = o.run("", "service", "wait", "web", "running", "5")
				_, _, _ = o.run("", "exec", "-e", `(add-proc "x" "/bin/sleep" "1000")`)
			}
			if text, readErr := os.ReadFile(victim); readErr != nil || string(text) != "precious" {
				t.Errorf("the victim holds %q (%v); start said %v %s", text, readErr, err, out)
			}
			if info, err := os.Lstat(victim); err != nil || info.Mode() != 0o600 {
				t.Errorf("the victim is %v %v", info, err)
			}
			if err != nil && !strings.Contains(string(out), "supervisord: ") {
				t.Errorf("start says %q", out)
			}
		})
	}
}

// TestF14RootsLogIsNotWrittenWhereAllWrite: as root the daemon does not start when its log or audit log stands where everybody could
// put a link in its place, and touches nothing there.
func TestF14RootsLogIsNotWrittenWhereAllWrite(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("this is about root")
	}
	for name, text := range map[string]string{
		"log":       "state_dir = \"state\"\nlog = \"open/d.log\"\n",
		"audit log": "state_dir = \"open\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			o := newOperated(t)
			open := o.path("open")
			if err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777|os.ModeSticky)); err != nil {
				t.Fatal(err)
			}
			o.write("supervisord.conf", text+sleeper("web"))
			out, errs, code := o.run("", "start", "-supvr.daemonize", "true")
			if code == 0 {
				o.run("", "shutdown", "--now")
			}
			if want := "the directory " + open + " can be written by everybody (mode 0777)"; code != 1 || !strings.Contains(errs, want) {
				t.Errorf("exit code %d, want 1 and %q:\n%s%s", code, want, out, errs)
			}
			for _, file := range []string{"d.log", "audit.log"} {
				if _, err := os.Lstat(filepath.Join(open, file)); err == nil {
					t.Errorf("%s was made", file)
				}
			}
		})
	}
}

// TestD09D10LongStop: a stop that takes long delays nobody, and goes on when who asked for it has gone.
func TestD09D10LongStop(t *testing.T) {
	o := operate(t, shellProcess("slow", "trap 'echo asked' TERM; echo up; while :; do sleep 0.05; done", "stop_wait_secs = 2")+sleeper("quick"), "slow", "quick")
	c, err := net.Dial("unix", o.address())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, request(`(stop "slow")`))
	o.wait("slow", "stopping")
	for range 20 {
		o.prompt("a long stop")
	}
	if out, errs, code := o.run("", "service", "restart", "quick"); code != 0 {
		t.Errorf("restart of another: %d %s%s", code, out, errs)
	}
	c.Close()
	o.wait("slow", "stopped")
	if out, _, _ := o.run("", "history", "slow"); !strings.Contains(out, "KILL") {
		t.Errorf("it was not killed in the end: %s", out)
	}
}

// TestD14StoppedDaemonKeepsItsSocket: one that does not answer, not even at the socket, is no dead one.
func TestD14StoppedDaemonKeepsItsSocket(t *testing.T) {
	o := operate(t, sleeper("web"), "web")
	before, err := os.Lstat(o.address())
	if err != nil {
		t.Fatal(err)
	}
	process := o.daemon.command.Process
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer process.Signal(syscall.SIGCONT)
	var waiting []net.Conn
	defer func() {
		for _, c := range waiting {
			c.Close()
		}
	}()
	for range 300 { // more than a backlog
		c, err := net.DialTimeout("unix", o.address(), 10*time.Millisecond)
		if err != nil {
			break
		}
		waiting = append(waiting, c)
	}
	if out, errs, code := o.run("", "start"); code != 8 || !strings.Contains(errs, "pid "+strconv.Itoa(process.Pid)) {
		t.Errorf("a second daemon: %d %s%s", code, out, errs)
	}
	if after, err := os.Lstat(o.address()); err != nil || !os.SameFile(before, after) {
		t.Errorf("the socket is another now: %v", err)
	}
}

// TestD13StaleSocketIsReplaced: after a kill the next daemon listens at the same place, with the same mode.
func TestD13StaleSocketIsReplaced(t *testing.T) {
	o := operate(t, sleeper("web"), "web")
	path := o.address()
	if err := o.daemon.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-o.daemon.ended
	if _, err := os.Lstat(path); err != nil {
		t.Fatalf("a killed daemon leaves no socket: %v", err)
	}
	o.begin()
	if info, err := os.Lstat(path); o.address() != path || err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%s: %v %v, was %s", o.address(), info, err, path)
	}
	o.wait("web", "running")
}

// TestF25EveryChangeIsAudited: over all ways to ask, one line before and one after each change, one for each refusal, with who
// asked; and nothing that anybody says makes a line of its own.
func TestF25EveryChangeIsAudited(t *testing.T) {
	o := operate(t, sleeper("web"), "web")
	asked := 0
	for _, args := range [][]string{
		{"service", "restart", "web"}, {"service", "stop", "web"}, {"service", "start", "web"}, {"service", "signal", "web", "HUP"}, {"service", "reset", "web"},
		{"service", "omit-exit-code", "web"}, {"reload"}, {"add-proc", "x", "/bin/sleep", "1000"}, {"remove-proc", "x"}, {"service", "stop", "nobody\n{\"at\":\"forged\"}"},
		{"exec", "-e", `(+ 1 (- 2 1))`},
	} {
		o.run("", args...)
		asked++
	}
	for _, args := range [][]string{{"service", "status"}, {"events"}, {"why", "web"}, {"service", "env", "web"}} {
		o.run("", args...) // looking leaves no line
	}
	if err := o.daemon.command.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if !o.daemon.await(func(log string) bool { return strings.Contains(log, " reloaded") }) {
		t.Error("HUP reloads nothing")
	}
	asked += 2
	o.daemon.end()
	text, err := os.ReadFile(o.path("state/audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"who":"signal hangup","head":"reload"`, `"who":"signal terminated","head":"shutdown"`} {
		if n := strings.Count(string(text), want); n != 2 {
			t.Errorf("%d lines with %s", n, want)
		}
	}
	line := regexp.MustCompile(`^\{"at":"[^"]+","id":\d+,.*"who":"(uid \d+ pid \d+|signal [a-z]+)","head":"[a-z-]+".*"decision":"(allowed|forbidden)".*\}$`)
	begins, ends := 0, 0
	for l := range strings.Lines(string(text)) {
		l = strings.TrimSuffix(l, "\n")
		if !line.MatchString(l) || strings.HasPrefix(l, `{"at":"forged"`) {
			t.Errorf("no line of ours: %s", l)
		}
		begins += strings.Count(l, `"phase":"begin"`)
		ends += strings.Count(l, `"phase":"end"`)
	}
	// wait of operate is a program too.
	if own := strings.Count(string(text), `"head":"program"`) / 2; begins != ends || begins != asked+own-1 {
		t.Errorf("%d begun and %d ended in the audit log for %d changes and %d programs:\n%s", begins, ends, asked, own, text)
	}
}
