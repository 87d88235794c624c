//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// system is something that captures output.
type system struct {
	name    string
	rotates bool
	begin   func(dir string, w work) (capture, error)
}

// capture is a system at work in a folder.
type capture struct {
	logs  string               // a pattern of the files it writes
	start func() error         // lets the program begin
	cpu   func() time.Duration // what the capturing process has used
	end   func()
}

// ours is the one that has targets to reach.
const ours = "supervisord"

// systems are those that are installed.
func systems(binary string) []system {
	all := []system{
		{name: "cat", begin: func(dir string, w work) (capture, error) { return piped(dir, w, "cat") }},
		{name: "gathering copy", begin: func(dir string, w work) (capture, error) { return piped(dir, w, self(), "gather") }},
		{name: ours, rotates: true, begin: func(dir string, w work) (capture, error) { return supervised(binary, dir, w) }},
	}
	rotation := func(w work) int64 {
		if w.rotate > 0 {
			return w.rotate
		}
		return 250 << 20 // more than any of them writes here, and within what they take
	}
	if installed("s6-log") {
		all = append(all, system{name: "s6-log", rotates: true, begin: func(dir string, w work) (capture, error) {
			return piped(dir, w, "s6-log", "n1000", fmt.Sprintf("s%d", rotation(w)), filepath.Join(dir, "s6"))
		}})
	}
	if installed("svlogd") {
		all = append(all, system{name: "svlogd", rotates: true, begin: func(dir string, w work) (capture, error) {
			logs := filepath.Join(dir, "svlogd")
			if err := os.Mkdir(logs, 0o700); err != nil {
				return capture{}, err
			}
			text := fmt.Sprintf("s%d\nn1000\n", rotation(w))
			if err := os.WriteFile(filepath.Join(logs, "config"), []byte(text), 0o600); err != nil {
				return capture{}, err
			}
			return piped(dir, w, "svlogd", logs)
		}})
	}
	if installed("supervisorctl") {
		all = append(all, system{name: "Python supervisor", rotates: true, begin: pythons})
	}
	return all
}

func installed(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// producer is the program to capture, as words.
func producer(w work, dir string) []string {
	return []string{self(), "produce", w.kind, strconv.FormatInt(w.bytes, 10), dir}
}

// self is this very program.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// piped is a program that reads the output on its standard input and writes it to its standard output, or to a folder of its own.
func piped(dir string, w work, consumer ...string) (capture, error) {
	r, pipe, err := os.Pipe()
	if err != nil {
		return capture{}, err
	}
	defer r.Close()
	file, err := os.OpenFile(filepath.Join(dir, "out.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return capture{}, err
	}
	defer file.Close()
	reads := exec.Command(consumer[0], consumer[1:]...)
	reads.Stdin, reads.Stdout, reads.Stderr = r, file, os.Stderr
	if rotates := consumer[0] != "cat" && consumer[0] != self(); rotates { // they say there that they begin and end
		reads.Stderr = nil
	}
	if err := reads.Start(); err != nil {
		return capture{}, err
	}
	words := producer(w, dir)
	writes := exec.Command(words[0], words[1:]...)
	writes.Stdout = pipe
	logs := file.Name()
	if last := consumer[len(consumer)-1]; filepath.IsAbs(last) {
		logs = filepath.Join(last, "[@c]*[^g]") // current and @TIMESTAMP.s, not the configuration
	}
	ended := false
	finish := func() {
		if !ended {
			ended = true
			_ = writes.Wait()
			_ = reads.Wait() // they end with their input
		}
	}
	return capture{
		logs: logs,
		start: func() error {
			err := writes.Start()
			_ = pipe.Close()
			return err
		},
		cpu: func() time.Duration {
			if writes.Process == nil {
				return 0
			}
			finish()
			return reads.ProcessState.UserTime() + reads.ProcessState.SystemTime()
		},
		end: func() {
			_ = pipe.Close()
			finish()
		},
	}, nil
}

// supervised is supervisord with one process.
func supervised(binary, dir string, w work) (capture, error) {
	words := producer(w, dir)
	log := filepath.Join(dir, "out.log")
	text := fmt.Sprintf(`state_dir = "state"
admin_sock = "s.sock"
[[process]]
name = "producer"
command = %q
args = [%q, %q, %q, %q]
autostart = false
restart = "never"
stdout = [%q]
std_log_size = %d
std_log_count = 1000
`, words[0], words[1], words[2], words[3], words[4], log, w.rotate)
	conf := filepath.Join(dir, "supervisord.conf")
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return capture{}, err
	}
	daemon := exec.Command(binary, "-c", conf, "start")
	tell := func(args ...string) func() error {
		return func() error {
			if out, err := exec.Command(binary, append([]string{"-c", conf}, args...)...).CombinedOutput(); err != nil {
				return fmt.Errorf("%v: %s", err, out)
			}
			return nil
		}
	}
	return daemonCapture(daemon, log+"*", tell("service", "start", "producer"), tell("service", "status"))
}

// pythons is the supervisor that Debian packages.
func pythons(dir string, w work) (capture, error) {
	log, conf := filepath.Join(dir, "out.log"), filepath.Join(dir, "supervisord.conf")
	text := fmt.Sprintf(`[unix_http_server]
file=%[1]s/s.sock
[supervisord]
nodaemon=true
logfile=%[1]s/main.log
pidfile=%[1]s/pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%[1]s/s.sock
[program:producer]
command=%[2]s
autostart=false
autorestart=false
startsecs=0
stdout_logfile=%[3]s
stdout_logfile_maxbytes=%[4]d
stdout_logfile_backups=1000
`, dir, strings.Join(producer(w, dir), " "), log, w.rotate)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return capture{}, err
	}
	tell := func(args ...string) func() error {
		return func() error { return exec.Command("supervisorctl", append([]string{"-c", conf}, args...)...).Run() }
	}
	path, err := exec.LookPath("/usr/bin/supervisord")
	if err != nil {
		return capture{}, err
	}
	return daemonCapture(exec.Command(path, "-c", conf), log+"*", tell("start", "producer"), tell("pid"))
}

// daemonCapture waits until the daemon answers.
func daemonCapture(daemon *exec.Cmd, logs string, start, ping func() error) (capture, error) {
	if err := daemon.Start(); err != nil {
		return capture{}, err
	}
	end := func() {
		_ = daemon.Process.Signal(os.Interrupt)
		_ = daemon.Wait()
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(10 * time.Second)
	for ping() != nil {
		select {
		case <-tick.C:
		case <-late:
			end()
			return capture{}, fmt.Errorf("%s does not answer", daemon.Path)
		}
	}
	return capture{logs: logs, start: start, cpu: func() time.Duration { return cpuOf(daemon.Process.Pid) }, end: end}, nil
}

// cpuOf is what a living process has used, to the nanosecond and with the threads that have ended (man 3 clock_getcpuclockid).
func cpuOf(pid int) time.Duration {
	const whole = 2 // of all threads, as the scheduler counts
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|whole), &used); err != nil {
		return 0
	}
	return time.Duration(used.Nano())
}
