package cli_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// realPatience bounds every wait of this file; what is waited for comes much sooner.
const realPatience = 30 * time.Second

// realProgram finds an installed program. Where SUPERVISORD_REAL is "required" (as in continuous integration, which
// installs them) a missing one is a failure.
func realProgram(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin") {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	if os.Getenv("SUPERVISORD_REAL") == "required" {
		t.Fatalf("%s is not installed, and SUPERVISORD_REAL demands it", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// realDaemon is a supervisord of its own in a folder of its own, driven through its command line.
type realDaemon struct {
	t           *testing.T
	binary, dir string
}

// run runs one command and gives what it printed and its exit code.
func (d *realDaemon) run(args ...string) (string, int) {
	d.t.Helper()
	command := exec.Command(d.binary, args...)
	command.Dir = d.dir
	command.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + d.dir, "XDG_RUNTIME_DIR=" + d.dir + "/run", "XDG_STATE_HOME=" + d.dir + "/state", "SUPERVISORD_CONF=" + d.dir + "/supervisord.conf"}
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.t.Fatalf("supervisord %s: %v", strings.Join(args, " "), err)
	}
	return string(output), command.ProcessState.ExitCode()
}

func (d *realDaemon) must(args ...string) string {
	d.t.Helper()
	output, code := d.run(args...)
	if code != 0 {
		d.t.Fatalf("supervisord %s: exit code %d\n%s", strings.Join(args, " "), code, output)
	}
	return output
}

// pid asks for a process's pid; 0 when it has none.
func (d *realDaemon) pid(name string) int {
	d.t.Helper()
	var all []struct {
		Name string
		PID  int
	}
	output := d.must("exec", "-e", fmt.Sprintf("(status %q)", name), "--json")
	if err := json.Unmarshal([]byte(output), &all); err != nil || len(all) != 1 {
		d.t.Fatalf("(status %q) printed %q: %v", name, output, err)
	}
	return all[0].PID
}

// eventually tries until it holds: other programs' readiness has no event that a test could wait for.
func eventually(t *testing.T, what string, holds func() error) {
	t.Helper()
	deadline := time.After(realPatience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := holds()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: %v", what, err)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func redisPing(port int) error {
	connection, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(connection, "PING\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(connection).ReadString('\n')
	if err == nil && answer != "+PONG\r\n" {
		err = fmt.Errorf("redis answered %q", answer)
	}
	return err
}

func fetch(client *http.Client, url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || string(body) != "served\n") {
		err = fmt.Errorf("nginx answered %s %q", response.Status, body)
	}
	return err
}

// process identifies a process beyond the reuse of its number.
type process struct {
	pid   int
	start string
}

// descendants lists a process and everything below it.
func descendants(t *testing.T, root int) []process {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	children := map[int][]process{}
	var all []process
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended while we looked
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parent, _ := strconv.Atoi(fields[1])
		one := process{pid: pid, start: fields[19]}
		children[parent] = append(children[parent], one)
		if pid == root {
			all = append(all, one)
		}
	}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i].pid]...)
	}
	return all
}

func (p process) lives() bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		return false
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	return fields[19] == p.start
}

const nginxConf = `daemon off;
%s
worker_processes 4;
pid %[2]s/nginx.pid;
error_log stderr notice;
events { worker_connections 256; }
http {
	log_format numbered 'number=$arg_n status=$status agent=$http_user_agent';
	access_log /dev/stdout numbered;
	client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
	keepalive_requests 100000;
	server { listen 127.0.0.1:%[3]d; location / { return 200 "served\n"; } }
}
`

const realConf = `daemonize = true

[[process]]
name = "nginx"
command = %q
args = ["-p", %q, "-c", %q, "-e", "stderr"]
stop_signal = "QUIT"
stdout = ["nginx.access.log"]
stderr = ["nginx.error.log"]
std_log_size = "64K"
std_log_count = 1000

[[process]]
name = "redis"
command = %q
args = [%q, "--maxclients", "%d"]
`

// TestRealProgramsAreKeptServing supervises nginx and redis-server as an operator would: both serve, come back after
// SIGKILL, are left alone by a reload that concerns the other, lose no line of their log, and leave nothing behind.
func TestRealProgramsAreKeptServing(t *testing.T) {
	nginx, redis := realProgram(t, "nginx"), realProgram(t, "redis-server")
	dir := t.TempDir()
	binary := filepath.Join(dir, "supervisord")
	if output, err := exec.Command("go", "build", "-o", binary, "github.com/qjpcpu/supervisord/cmd/supervisord").CombinedOutput(); err != nil {
		t.Fatalf("cannot build: %v\n%s", err, output)
	}
	webPort, redisPort := freePort(t), freePort(t)
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;" // the workers write below a private folder
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, name := range []string{"run", "state"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	nginxFile := write("nginx.conf", fmt.Sprintf(nginxConf, user, dir, webPort))
	redisFile := write("redis.conf", fmt.Sprintf("bind 127.0.0.1\nport %d\ndir %s\nsave \"\"\ndaemonize no\n", redisPort, dir))
	configure := func(clients int) {
		write("supervisord.conf", fmt.Sprintf(realConf, nginx, dir, nginxFile, redis, redisFile, clients))
	}
	configure(100)

	d := &realDaemon{t: t, binary: binary, dir: dir}
	d.must("start")
	t.Cleanup(func() { d.run("shutdown", "--now") })
	web := fmt.Sprintf("http://127.0.0.1:%d/", webPort)
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	webServes := func() error { return fetch(client, web+"?n=probe") }
	redisServes := func() error { return redisPing(redisPort) }
	eventually(t, "nginx serves", webServes)
	eventually(t, "redis serves", redisServes)

	for _, one := range []struct {
		name   string
		serves func() error
	}{{"nginx", webServes}, {"redis", redisServes}} {
		before := d.pid(one.name)
		if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, one.name+" has a new pid", func() error {
			if now := d.pid(one.name); now == 0 || now == before {
				return fmt.Errorf("pid is %d, was %d", now, before)
			}
			return nil
		})
		client.CloseIdleConnections()
		eventually(t, one.name+" serves again", one.serves)
	}

	nginxBefore, redisBefore := d.pid("nginx"), d.pid("redis")
	configure(50)
	d.must("reload")
	if now := d.pid("nginx"); now != nginxBefore {
		t.Errorf("a reload that changes redis alone gave nginx pid %d, was %d", now, nginxBefore)
	}
	if now := d.pid("redis"); now == redisBefore {
		t.Errorf("redis still has pid %d after its arguments changed", now)
	}
	eventually(t, "redis serves after the reload", redisServes)

	const requests, clients = 10000, 8
	var load sync.WaitGroup
	failures := make(chan error, clients)
	for c := range clients {
		load.Go(func() {
			for n := c; n < requests; n += clients {
				if err := fetch(client, web+"?n="+strconv.Itoa(n)); err != nil {
					failures <- fmt.Errorf("request %d: %w", n, err)
					return
				}
			}
		})
	}
	load.Wait()
	close(failures)
	for err := range failures {
		t.Fatal(err)
	}

	tree := descendants(t, d.pid("nginx"))
	if len(tree) < 5 {
		t.Fatalf("nginx has %d processes, want a master and four workers", len(tree))
	}
	client.CloseIdleConnections()
	d.must("service", "stop")
	for _, one := range tree {
		if one.lives() {
			t.Errorf("pid %d of nginx lives after service stop", one.pid)
		}
	}

	logs, err := filepath.Glob(filepath.Join(dir, "nginx.access.log*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(logs) < 5 {
		t.Errorf("only %d log files: the log was to be rotated several times", len(logs))
	}
	line := regexp.MustCompile(`^number=(\d+|probe) status=200 agent=\S+$`)
	seen := make([]int, requests)
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for one := range strings.Lines(string(text)) {
			match := line.FindStringSubmatch(strings.TrimSuffix(one, "\n"))
			if match == nil {
				t.Fatalf("%s: torn line %q", path, one)
			}
			if n, err := strconv.Atoi(match[1]); err == nil {
				seen[n]++
			}
		}
	}
	for n, times := range seen {
		if times != 1 {
			t.Errorf("request %d stands %d times in the access log, want once", n, times)
		}
	}
	d.must("shutdown")
}
