package cli_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"github.com/qjpcpu/supervisord/cmd/cli"
)

// patience is for what takes a moment and not for ever; Wine starts a program in a tenth of a second when it is alone.
const patience = time.Minute

func TestMain(m *testing.M) {
	switch {
	case strings.EqualFold(filepath.Base(os.Args[0]), "supervisord.exe"):
		cli.Run()
	case len(os.Args) > 2 && os.Args[1] == "program":
		program(os.Args[2:])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// program is what is supervised.
func program(what []string) {
	stay := func() { <-time.After(time.Hour) }
	switch what[0] {
	case "stay":
		fmt.Println("ready")
		stay()
	case "once": // fails the first time; FILE remembers it
		if f, err := os.OpenFile(what[1], os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			f.Close()
			os.Exit(3)
		}
		stay()
	case "lines":
		for i := range 300 {
			fmt.Printf("line %d\n", i)
		}
	case "tree":
		fmt.Println("pid", os.Getpid())
		if depth, _ := strconv.Atoi(what[1]); depth > 1 {
			next := exec.Command(os.Args[0], "program", "tree", strconv.Itoa(depth-1))
			next.Stdout = os.Stdout
			if err := next.Start(); err != nil {
				os.Exit(9)
			}
		}
		stay()
	case "server": // hears no signal and ends when somebody asks at the address in FILE
		signal.Ignore(os.Interrupt)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			err = os.WriteFile(what[1], []byte(l.Addr().String()), 0o600)
		}
		if err != nil {
			os.Exit(9)
		}
		fmt.Println("ready")
		l.Accept()
		fmt.Println("asked to end")
	case "ask": // the stop_command of server
		address, err := os.ReadFile(what[1])
		if err == nil {
			_, err = net.Dial("tcp", string(address))
		}
		fmt.Println("asking", os.Getenv("SUPERVISOR_PID"), err)
	}
}

// product is one folder with a configuration.
type product struct {
	t      *testing.T
	dir    string
	exe    string
	daemon *exec.Cmd
	log    *bufio.Reader // what the daemon says
}

func install(t *testing.T, configuration string) *product {
	t.Helper()
	dir := t.TempDir()
	p := &product{t: t, dir: dir, exe: os.Getenv("SUPERVISORD_EXE")}
	if p.exe == "" {
		p.exe = filepath.Join(dir, "supervisord.exe")
		self, err := os.ReadFile(os.Args[0])
		if err == nil {
			err = os.WriteFile(p.exe, self, 0o700)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	p.configure(configuration)
	return p
}

func (p *product) configure(text string) {
	p.t.Helper()
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		p.t.Fatal(err)
	}
	text = "state_dir = 'state'\n" + strings.ReplaceAll(text, "PROGRAM", "command = '"+self+"'\nargs = ['program', ") // closed by the line
	if err := os.WriteFile(filepath.Join(p.dir, "supervisord.conf"), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *product) command(args ...string) *exec.Cmd {
	c := exec.Command(p.exe, args...)
	c.Dir = p.dir
	c.Env = append(os.Environ(), "NO_COLOR=1")
	return c
}

// started tries again what Wine itself has failed to start, which it does once in some hundred starts.
func started(start func() error) (err error) {
	for range 4 {
		if err = start(); !errors.Is(err, windows.ERROR_INTERNAL_ERROR) {
			break
		}
	}
	return err
}

// run runs one command and returns its exit code and all that it printed.
func (p *product) run(args ...string) (code int, text string) {
	p.t.Helper()
	var out []byte
	err := started(func() (err error) {
		out, err = p.command(args...).CombinedOutput()
		return err
	})
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		p.t.Fatalf("%v: %v", args, err)
	}
	if failed != nil {
		code = failed.ExitCode()
	}
	return code, strings.ReplaceAll(string(out), "\r", "")
}

// must runs a command that succeeds and prints all of these.
func (p *product) must(args []string, want ...string) string {
	p.t.Helper()
	code, text := p.run(args...)
	if code != 0 {
		p.t.Fatalf("%v: exit code %d:\n%s", args, code, text)
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			p.t.Errorf("%v: no %q in\n%s", args, w, text)
		}
	}
	return text
}

// refused runs a command that ends with this code and says this.
func (p *product) refused(want int, says string, args ...string) {
	p.t.Helper()
	if code, text := p.run(args...); code != want || !strings.Contains(text, says) {
		p.t.Errorf("%v: exit code %d, want %d; want %q in\n%s", args, code, want, says, text)
	}
}

// start starts the daemon in the foreground and returns when it listens.
func (p *product) start() {
	p.t.Helper()
	var out io.Reader
	err := started(func() (err error) {
		p.daemon = p.command("start")
		if out, err = p.daemon.StderrPipe(); err != nil {
			return err
		}
		return p.daemon.Start()
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { p.daemon.Process.Kill() })
	p.log = bufio.NewReader(out)
	p.await(" listens on ")
}

// await reads the daemon's log until a line holds the text.
func (p *product) await(text string) {
	p.t.Helper()
	var seen strings.Builder
	for {
		line, err := p.log.ReadString('\n')
		seen.WriteString(line)
		if strings.Contains(line, text) {
			return
		}
		if err != nil {
			p.t.Fatalf("the daemon never says %q: %v\n%s", text, err, &seen)
		}
	}
}

// shutdown ends the daemon in order and compares its exit code.
func (p *product) shutdown() {
	p.t.Helper()
	go io.Copy(io.Discard, p.log)
	p.must([]string{"shutdown"})
	if err := p.daemon.Wait(); err != nil {
		p.t.Errorf("the daemon: %v", err)
	}
}

// hold opens the processes whose pids a text names in lines "pid N", so that their ends can be seen and no number becomes
// another's.
func (p *product) hold(text string, want int) []windows.Handle {
	p.t.Helper()
	var all []windows.Handle
	for line := range strings.Lines(text) {
		number, found := strings.CutPrefix(strings.TrimSpace(line), "pid ")
		if !found {
			continue
		}
		pid, err := strconv.Atoi(number)
		if err != nil {
			p.t.Fatal(err)
		}
		all = append(all, p.open(pid))
	}
	if len(all) != want {
		p.t.Fatalf("%d pids, want %d, in\n%s", len(all), want, text)
	}
	return all
}

func (p *product) open(pid int) windows.Handle {
	p.t.Helper()
	h, err := windows.OpenProcess(windows.SYNCHRONIZE|windows.PROCESS_TERMINATE, false, uint32(pid))
	if err != nil {
		p.t.Fatalf("process %d: %v", pid, err)
	}
	p.t.Cleanup(func() { windows.CloseHandle(h) })
	return h
}

// gone waits for the ends of all of them.
func (p *product) gone(all []windows.Handle) {
	p.t.Helper()
	for i, h := range all {
		if event, err := windows.WaitForSingleObject(h, uint32(patience.Milliseconds())); event != windows.WAIT_OBJECT_0 {
			p.t.Errorf("process %d lives: %v", i, err)
		}
	}
}

type status struct {
	Name, State, Reason string
	PID, Restarts       int
}

func (p *product) status(name string) status {
	p.t.Helper()
	// Exit code 3 when something is not as wanted. On standard error a slow machine may be told to be patient.
	var text []byte
	failed := started(func() (err error) {
		text, err = p.command("service", "status", "--json", name).Output()
		return err
	})
	var all []status
	if err := json.Unmarshal(text, &all); err != nil || len(all) != 1 {
		p.t.Fatalf("status of %s: %v %v\n%s", name, failed, err, text)
	}
	return all[0]
}

const walk = `
[[process]]
name = 'steady'
PROGRAM'stay']
stdout = ['steady.log']
stop_wait_secs = 1
[[process]]
name = 'once'
PROGRAM'once', 'once.mark']
stop_wait_secs = 1
[[process]]
name = 'tree'
PROGRAM'tree', '3']
stdout = ['tree.log']
stop_wait_secs = 1
[[process]]
name = 'lines'
PROGRAM'lines']
stdout = ['lines.log']
std_log_size = '1K'
std_log_count = 2
[[process]]
name = 'server'
PROGRAM'server', 'server.address']
stdout = ['server.log']
stop_command = ['SELF', 'program', 'ask', 'server.address']
stop_wait_secs = 60
`

func configuration() string {
	self, _ := filepath.Abs(os.Args[0])
	return strings.ReplaceAll(walk, "SELF", self)
}

// TestTheProductIsOperated is a day of the product: every step is a subtest, and a failed one ends the walk.
func TestTheProductIsOperated(t *testing.T) {
	whole := t
	p := install(t, configuration())
	step := func(name string, f func()) {
		if !whole.Failed() {
			whole.Run(name, func(t *testing.T) {
				p.t = t
				defer func() { p.t = whole }()
				f()
			})
		}
	}
	p.must([]string{"check"}, "5 processes")
	p.start()
	step("a crash is followed by a restart", func() {
		p.await("once: backoff, exit code 3")
		p.await("once: running")
		if s := p.status("once"); s.Restarts != 1 || s.State != "running" {
			p.t.Errorf("once: %+v", s)
		}
	})
	step("status tells what runs", func() {
		p.must([]string{"service", "wait", "server", "running", "60"})
		p.must([]string{"service", "status", "steady"}, "steady  running")
		p.must([]string{"why", "steady"}, "steady is running")
	})
	step("a second daemon is refused", func() { p.refused(8, "is running already: pid "+strconv.Itoa(p.daemon.Process.Pid), "start") })
	step("nobody comes in without the token", func() {
		info, err := os.ReadFile(filepath.Join(p.dir, "state", "daemon.json"))
		var at struct{ Address string }
		if err = errors.Join(err, json.Unmarshal(info, &at)); err != nil {
			p.t.Fatal(err)
		}
		if strings.HasPrefix(at.Address, "unix:") {
			return // the folder of the socket lets in nobody else
		}
		p.refused(5, "unauthorized", "service", "status", "--server", at.Address)
	})
	step("logs are kept and rotate", func() {
		p.must([]string{"service", "wait", "lines", "exited", "60"})
		p.must([]string{"service", "logs", "lines"}, "line 200", "line 299")
		old, err := filepath.Glob(filepath.Join(p.dir, "lines.log.*"))
		if err != nil || len(old) != 2 {
			p.t.Errorf("old files: %q %v", old, err)
		}
		active, err := os.ReadFile(filepath.Join(p.dir, "lines.log"))
		if err != nil || len(active) > 1024 || !strings.HasSuffix(string(active), "line 299\n") {
			p.t.Errorf("lines.log: %v %q", err, active)
		}
	})
	step("a log that is open can be renamed and opened anew", func() {
		if err := os.Rename(filepath.Join(p.dir, "steady.log"), filepath.Join(p.dir, "moved.log")); err != nil {
			p.t.Fatal(err)
		}
		p.must([]string{"exec", "-e", "(reopen-logs)"})
		if _, err := os.Stat(filepath.Join(p.dir, "steady.log")); err != nil {
			p.t.Error(err)
		}
	})
	step("usage measures the whole tree", func() {
		p.printedLines("tree", 3)
		p.must([]string{"exec", "-e", `(map #(hget % "processes") (usage "tree" "lines"))`}, "[3 0]")
		p.must([]string{"service", "usage", "tree"}, "NAME  MEMORY", "tree  ")
	})
	step("a stop ends the whole tree", func() {
		all := p.hold(p.printedLines("tree", 3), 3)
		p.must([]string{"service", "stop", "tree"}, "tree  stopped")
		p.gone(all)
	})
	step("a stop_command stops what hears no signal", func() {
		leader := p.status("server").PID
		begun := time.Now()
		p.must([]string{"service", "stop", "server"}, "server  stopped")
		if time.Since(begun) > patience/2 {
			p.t.Errorf("stopped after %v", time.Since(begun))
		}
		p.must([]string{"service", "logs", "server"}, fmt.Sprintf("asking %d <nil>", leader), "asked to end")
		if s := p.status("server"); s.State != "stopped" || s.Reason != "" {
			p.t.Errorf("server: %+v", s)
		}
	})
	step("reload changes what changed", func() {
		before := p.status("once")
		p.configure(strings.Replace(configuration(), "'stay']", "'stay', 'anew']", 1) + "[[process]]\nname = 'late'\nPROGRAM'stay']\nstdout = []\nstop_wait_secs = 1\n")
		p.must([]string{"reload", "--dry-run"}, "renew  steady", "add    late", "keep   once")
		p.must([]string{"reload"})
		p.must([]string{"service", "status", "late"}, "late  running")
		if after := p.status("once"); after.PID != before.PID {
			p.t.Errorf("once has another pid: %+v %+v", before, after)
		}
	})
	step("add-proc and remove-proc", func() {
		self, _ := filepath.Abs(os.Args[0])
		p.must([]string{"add-proc", "extra", "-supvr.stop_wait_secs", "1", self, "program", "stay"}, "extra  added")
		p.must([]string{"service", "status", "extra"}, "extra  running")
		p.must([]string{"remove-proc", "extra"}, "extra  removed")
		p.refused(4, "no such process", "service", "status", "extra")
	})
	step("exec evaluates", func() {
		p.must([]string{"exec", "-e", `(map #(hget % "name") (status "steady" "late"))`}, `["steady" "late"]`)
		if err := os.WriteFile(filepath.Join(p.dir, "two.glisp"), []byte(`(println "1 + 1 =" (+ 1 1))`), 0o600); err != nil {
			p.t.Fatal(err)
		}
		p.must([]string{"exec", "two.glisp"}, "1 + 1 = 2")
		p.must([]string{"exec", "-e", `(os/exec "echo hello& exit 3")`}, `(3 . "hello")`)
	})
	step("the prompt reads what is piped", func() {
		lines := "(+ 1 1)\r\n(map #(hget % \"state\")\r\n  (status \"steady\"))\r\n(car 1)\r\n"
		var out []byte
		err := started(func() (err error) {
			repl := p.command("repl")
			repl.Stdin = strings.NewReader(lines)
			out, err = repl.CombinedOutput()
			return err
		})
		text := strings.ReplaceAll(string(out), "\r", "")
		var failed *exec.ExitError
		if !errors.As(err, &failed) || failed.ExitCode() != 2 || !strings.HasPrefix(text, "2\n[\"running\"]\n") || !strings.Contains(text, "line 4: cannot call car") {
			p.t.Errorf("%v\n%s", err, text)
		}
	})
	step("KILL is known, HUP is not", func() {
		p.refused(2, "there are no others on Windows", "service", "signal", "late", "HUP")
		pid := p.status("late").PID
		p.must([]string{"service", "signal", "late", "KILL"})
		p.await("late: backoff, signal KILL")
		p.await("late: running")
		if s := p.status("late"); s.PID == pid || s.Restarts != 1 {
			p.t.Errorf("late: %+v, was pid %d", s, pid)
		}
	})
	step("shutdown ends everything in order", func() {
		leader := p.open(p.status("late").PID)
		p.shutdown()
		p.gone([]windows.Handle{leader})
		p.refused(6, "", "service", "status")
	})
}

// printedLines waits until a process has printed n lines.
func (p *product) printedLines(name string, n int) string {
	p.t.Helper()
	follow := p.command("service", "logs", "-f", name)
	out, err := follow.StdoutPipe()
	if err == nil {
		err = follow.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	defer follow.Wait()
	defer follow.Process.Kill()
	var seen strings.Builder
	for lines := bufio.NewScanner(out); n > 0 && lines.Scan(); n-- {
		seen.WriteString(lines.Text() + "\n")
	}
	return seen.String()
}

// TestNothingOfADaemonThatIsKilledSurvives: G15. The daemon in the background is ended as the task manager ends it; its lock
// and its address do not keep the next one from starting.
func TestNothingOfADaemonThatIsKilledSurvives(t *testing.T) {
	p := install(t, "[[process]]\nname = 'tree'\nPROGRAM'tree', '3']\nstop_wait_secs = 1\n")
	for range 2 {
		p.must([]string{"start", "-supvr.daemonize", "true"}, "supervisord runs (pid ")
		all := p.hold(p.printedLines("tree", 3), 3)
		var info struct{ PID int }
		text, err := os.ReadFile(filepath.Join(p.dir, "state", "daemon.json"))
		if err = errors.Join(err, json.Unmarshal(text, &info)); err != nil {
			t.Fatal(err)
		}
		daemon := p.open(info.PID)
		if err := windows.TerminateProcess(daemon, 1); err != nil {
			t.Fatal(err)
		}
		p.gone(append(all, daemon))
		if logs, err := filepath.Glob(filepath.Join(p.dir, "state", "logs", "*")); err != nil || len(logs) == 0 {
			t.Errorf("what it printed is not in the state directory: %v", err)
		} else if err := os.Remove(logs[0]); err != nil { // so that the next one's pids are read
			t.Error(err)
		}
	}
	p.must([]string{"start", "-supvr.daemonize", "true"})
	p.must([]string{"shutdown"}, "tree  stopped")
	p.refused(6, "", "service", "status")
}

// TestWhatWindowsLacksIsRefusedAtLoad: not ignored.
func TestWhatWindowsLacksIsRefusedAtLoad(t *testing.T) {
	for line, says := range map[string]string{
		"user = 'nobody'":            "user: is not possible on Windows",
		"group = 'nogroup'":          "group: is not possible on Windows",
		"umask = '022'":              "umask",
		"nice = 5":                   "nice",
		"rlimits = { nofile = 100 }": "rlimits",
		"memory_max = '1G'":          "memory_max",
		"stop_signal = 'HUP'":        "there are no others on Windows",
	} {
		p := install(t, "[[process]]\nname = 'a'\nPROGRAM'stay']\n"+line+"\n")
		p.refused(2, says, "check")
		p.refused(2, says, "start")
	}
	for line, says := range map[string]string{"hide_args = true": "hide_args: is not possible", "admin_group = 'ops'": "admin_group: is not possible"} {
		p := install(t, line+"\n[[process]]\nname = 'a'\nPROGRAM'stay']\n")
		p.refused(2, says, "check")
	}
}
