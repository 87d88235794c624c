package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/qjpcpu/supervisord/cmd/cli"
)

// patience bounds what a transcript waits for; what is waited for comes much sooner.
const patience = 30 * time.Second

// grace is how long a daemon that a failed transcript left behind may take to end by itself.
const grace = 3 * time.Second

// TestMain makes the test binary a supervisord when it is called by that name. The transcripts call it so, and so do
// the daemons that start themselves again.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"supervisord": cli.Run, "fleet": fleet})
}

// fleet is a program that embeds supervisord and adds verbs of its own.
func fleet() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, fleetOptions()))
}

// TestScripts runs the transcripts in testdata/script, each with folders of its own.
//
// Besides the commands of testscript they know:
//
//	daemon [-name N] ARGS...    start supervisord in the foreground and return when it listens
//	follower -name N TEXT ARGS... start any other command that goes on, and return when it has printed the text
//	ended [-name N] CODE        wait for that daemon or follower to end, and compare its exit code
//	send [-name N] SIGNAL       send it a signal
//	await NAME STATE            supervisord service wait, and fail if that fails
//	printed NAME TEXT           wait until a process has printed the text
//	exitcode CODE COMMAND...    exec, and compare the exit code
//	pid NAME VARIABLE           put the pid of a process into a variable
//	gone PID|FILE               wait until a process of the system has ended; FILE holds its pid
//	mode FILE OCTAL             compare the permissions of a file
//	certificate CERT KEY        write a self-signed certificate of a name that nobody has, and its key
//	log [-name N] TEXT          wait until the daemon or follower has written this to its standard error
func TestScripts(t *testing.T) {
	root, err := os.MkdirTemp("", "sv") // short, because the path of a socket has to be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		WorkdirRoot:         root,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup:               setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon": startDaemon, "follower": startFollower, "printed": awaitPrinted, "ended": endedDaemon, "send": signalDaemon, "await": awaitState, "exitcode": checkCode,
			"pid": readPID, "gone": waitGone, "mode": checkMode, "log": searchLog, "certificate": makeCertificate,
		},
	})
}

// freeAddress is a port that nobody listens on now.
func freeAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "0"
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

type daemonsKey struct{}

// foreground is a daemon that a transcript runs in the foreground.
type foreground struct {
	command *exec.Cmd
	both    bool          // its standard output is read too
	ended   chan struct{} // closed when it was waited for
	mu      sync.Mutex
	log     strings.Builder
	more    chan struct{} // closed and replaced at every line
}

func setup(env *testscript.Env) error {
	for name, value := range map[string]string{
		"XDG_RUNTIME_DIR": "run", "XDG_STATE_HOME": "state", "HOME": "home", "TMPDIR": "tmp",
	} {
		folder := filepath.Join(env.WorkDir, value)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		env.Setenv(name, folder)
	}
	env.Setenv("SUPERVISORD_RUNTIME_DIR", filepath.Join(env.WorkDir, "run"))
	env.Setenv("PORT", freeAddress())
	env.Setenv("CONTROL", "\x1b]0;title\x07")
	env.Setenv("NO_COLOR", "1")
	env.Setenv("GORACE", "atexit_sleep_ms=0") // else every command of a test with the race detector takes a second more
	for _, name := range []string{"SUPERVISORD_CONF", "SUPERVISORD_SERVER", "SUPERVISORD_TOKEN"} {
		env.Setenv(name, "")
	}
	daemons := map[string]*foreground{}
	env.Values[daemonsKey{}] = daemons
	env.Defer(func() {
		for _, d := range daemons {
			d.end()
		}
		endBackground(env.WorkDir)
	})
	return nil
}

// end makes sure that a daemon is gone: first asked, then urged, then killed, which leaves its cgroup behind.
func (d *foreground) end() {
	if d.command.Process == nil {
		return
	}
	for range 2 {
		d.command.Process.Signal(syscall.SIGTERM)
		select {
		case <-d.ended:
			return
		case <-time.After(grace):
		}
	}
	d.command.Process.Kill()
	<-d.ended
}

// endBackground ends the daemons that a transcript left in the background. They wrote their pids below its folder. What a daemon
// that was killed wrote may be another's number by now: its environment tells whose it is.
func endBackground(folder string) {
	filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
			return nil
		}
		var info struct{ PID int }
		if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &info) == nil && info.PID > 1 {
			// The name of the program, without the note that it was removed meanwhile.
			proc := "/proc/" + strconv.Itoa(info.PID)
			name, err := os.Readlink(proc + "/exe")
			program, _, _ := strings.Cut(filepath.Base(name), " ")
			environment, unreadable := os.ReadFile(proc + "/environ")
			ours := bytes.Contains(environment, []byte("SUPERVISORD_RUNTIME_DIR="+filepath.Join(folder, "run")+"\x00"))
			if err == nil && unreadable == nil && ours && (program == "supervisord" || program == "fleet") {
				syscall.Kill(info.PID, syscall.SIGTERM)
				if !awaitGone(info.PID, grace) {
					syscall.Kill(info.PID, syscall.SIGKILL)
				}
			}
		}
		return nil
	})
}

// awaitGone waits until the process has ended.
func awaitGone(pid int, limit time.Duration) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return errors.Is(err, unix.ESRCH)
	}
	defer unix.Close(fd)
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(limit.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		return err == nil && n == 1
	}
}

// named takes the -name option off the arguments.
func named(args []string) (string, []string) {
	if len(args) >= 2 && args[0] == "-name" {
		return args[1], args[2:]
	}
	return "", args
}

func theDaemon(ts *testscript.TestScript, name string) *foreground {
	d := ts.Value(daemonsKey{}).(map[string]*foreground)[name]
	if d == nil {
		ts.Fatalf("no daemon %q was started", name)
	}
	return d
}

func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "NO_COLOR", "WORK", "SUPERVISORD_RUNTIME_DIR",
		"SUPERVISORD_CONF", "SUPERVISORD_SERVER", "SUPERVISORD_TOKEN", "GOCOVERDIR", "GORACE"} {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func startDaemon(ts *testscript.TestScript, neg bool, args []string) {
	name, args := named(args)
	program, err := exec.LookPath("supervisord")
	ts.Check(err)
	d := &foreground{ended: make(chan struct{}), more: make(chan struct{})}
	d.command = exec.Command(program, append([]string{"start"}, args...)...)
	d.command.Dir = ts.MkAbs(".")
	d.command.Env = environ(ts)
	output, err := os.OpenFile(ts.MkAbs("stdout"+name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	ts.Check(err)
	defer output.Close()
	d.command.Stdout = output
	ts.Value(daemonsKey{}).(map[string]*foreground)[name] = d
	d.begin(ts)
	if !d.await(func(log string) bool { return strings.Contains(log, " listens on ") }) {
		ts.Fatalf("the daemon does not listen:\n%s", d.text())
	}
}

// begin starts the daemon and reads what it writes to its standard error.
func (d *foreground) begin(t interface{ Fatalf(string, ...any) }) {
	stderr, err := d.command.StderrPipe()
	if err == nil {
		if d.both {
			d.command.Stdout = d.command.Stderr
		}
		err = d.command.Start()
	}
	if err != nil {
		close(d.ended)
		t.Fatalf("cannot start a daemon: %v", err)
	}
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			d.mu.Lock()
			d.log.WriteString(lines.Text() + "\n")
			close(d.more)
			d.more = make(chan struct{})
			d.mu.Unlock()
		}
		d.command.Wait()
		close(d.ended)
	}()
}

func (d *foreground) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

// await waits until the log is as wanted; false when the daemon ended or patience did.
func (d *foreground) await(wanted func(log string) bool) bool {
	late := time.After(patience)
	for {
		d.mu.Lock()
		holds, more := wanted(d.log.String()), d.more
		d.mu.Unlock()
		if holds {
			return true
		}
		select {
		case <-more:
		case <-d.ended:
			return wanted(d.text())
		case <-late:
			return false
		}
	}
}

func startFollower(ts *testscript.TestScript, neg bool, args []string) {
	name, args := named(args)
	if name == "" || len(args) < 2 {
		ts.Fatalf("usage: follower -name N TEXT ARGS...")
	}
	program, err := exec.LookPath("supervisord")
	ts.Check(err)
	d := &foreground{ended: make(chan struct{}), more: make(chan struct{})}
	d.command = exec.Command(program, args[1:]...)
	d.command.Dir, d.command.Env = ts.MkAbs("."), environ(ts)
	ts.Value(daemonsKey{}).(map[string]*foreground)[name] = d
	d.both = true
	d.begin(ts)
	if !d.await(func(log string) bool { return strings.Contains(log, args[0]) }) {
		ts.Fatalf("the follower has not printed %q:\n%s", args[0], d.text())
	}
}

func awaitPrinted(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: printed NAME TEXT")
	}
	const name = "printed"
	startFollower(ts, false, []string{"-name", name, args[1], "service", "logs", "-f", args[0], "-n", "1000"})
	d := theDaemon(ts, name)
	d.command.Process.Kill()
	<-d.ended
	delete(ts.Value(daemonsKey{}).(map[string]*foreground), name)
}

func searchLog(ts *testscript.TestScript, neg bool, args []string) {
	name, args := named(args)
	d := theDaemon(ts, name)
	if len(args) != 1 {
		ts.Fatalf("usage: log [-name N] TEXT")
	}
	if neg {
		if strings.Contains(d.text(), args[0]) {
			ts.Fatalf("%q is in the log:\n%s", args[0], d.text())
		}
		return
	}
	if !d.await(func(log string) bool { return strings.Contains(log, args[0]) }) {
		ts.Fatalf("%q is not in the log:\n%s", args[0], d.text())
	}
}

func endedDaemon(ts *testscript.TestScript, neg bool, args []string) {
	name, args := named(args)
	d := theDaemon(ts, name)
	if len(args) != 1 {
		ts.Fatalf("usage: ended [-name N] CODE")
	}
	select {
	case <-d.ended:
	case <-time.After(patience):
		ts.Fatalf("the daemon has not ended:\n%s", d.text())
	}
	delete(ts.Value(daemonsKey{}).(map[string]*foreground), name)
	if got := strconv.Itoa(d.command.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("the daemon ended with %s, want %s:\n%s", d.command.ProcessState, args[0], d.text())
	}
}

func signalDaemon(ts *testscript.TestScript, neg bool, args []string) {
	name, args := named(args)
	number := unix.SignalNum("SIG" + args[0])
	if number == 0 {
		ts.Fatalf("no such signal: %s", args[0])
	}
	ts.Check(theDaemon(ts, name).command.Process.Signal(number))
}

func awaitState(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec("supervisord", append([]string{"service", "wait"}, append(args, "30")...)...)
	if err == nil {
		return
	}
	for name, d := range ts.Value(daemonsKey{}).(map[string]*foreground) {
		d.mu.Lock()
		ts.Logf("daemon %q said:\n%s", name, d.log.String())
		d.mu.Unlock()
	}
	ts.Fatalf("cannot await %q: %v", args, err)
}

func readPID(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: pid NAME VARIABLE")
	}
	ts.Check(ts.Exec("supervisord", "service", "status", "--json", args[0]))
	var all []struct{ PID int }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &all))
	if len(all) != 1 {
		ts.Fatalf("%s is not one process", args[0])
	}
	ts.Setenv(args[1], strconv.Itoa(all[0].PID))
}

func waitGone(ts *testscript.TestScript, neg bool, args []string) {
	pid, err := strconv.Atoi(args[0])
	if err != nil {
		pid, err = strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[0])))
	}
	ts.Check(err)
	if neg {
		if err := syscall.Kill(pid, 0); err != nil {
			ts.Fatalf("process %d is gone: %v", pid, err)
		}
		return
	}
	if pid < 2 || !awaitGone(pid, patience) {
		ts.Fatalf("process %d has not ended", pid)
	}
}

func checkCode(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exitcode CODE COMMAND ARGS...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

func checkMode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := strconv.FormatUint(uint64(info.Mode().Perm()), 8); (got == args[1]) == neg {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}
