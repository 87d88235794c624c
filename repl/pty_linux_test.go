package repl

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

const terminalEnv = "REPL_TEST_TERMINAL"

// runTerminal is the re-executed test binary at its pseudo-terminal.
func runTerminal(sock string) int {
	c, err := NewClient("unix:"+sock, "")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	t := &Terminal{
		Client: c, In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Interactive: true,
		History: os.Getenv("REPL_TEST_HISTORY"), Banner: "welcome; try (help)",
		Complete: func(_ context.Context, word string, head bool) []Candidate {
			if head {
				return []Candidate{{"start", "begins"}, {"status", "the state"}, {"stop", "ends"}}
			}
			return []Candidate{{`"web"`, "running"}}
		},
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	return t.Run(ctx)
}

// pty is a person at a terminal.
type pty struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	mu     sync.Mutex
	seen   bytes.Buffer // all that appeared on the screen
	grown  chan struct{}
	mark   int // where the next expectation begins to look
}

func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(arg)); e != 0 {
		return e
	}
	return nil
}

// openPTY starts a terminal in a session of its own.
func openPTY(t *testing.T, h *host, history string) *pty {
	t.Helper()
	fd, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	master := os.NewFile(uintptr(fd), "/dev/ptmx")
	var number, unlocked uint32
	if err := ioctl(master, syscall.TIOCGPTN, unsafe.Pointer(&number)); err != nil {
		t.Fatal(err)
	}
	if err := ioctl(master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked)); err != nil {
		t.Fatal(err)
	}
	size := [4]uint16{24, 80}
	if err := ioctl(master, syscall.TIOCSWINSZ, unsafe.Pointer(&size)); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &pty{t: t, master: master, cmd: exec.Command(exe), grown: make(chan struct{}, 1)}
	p.cmd.Env = append(os.Environ(), terminalEnv+"="+h.sock, "REPL_TEST_HISTORY="+history, "TERM=xterm")
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, slave
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			if err != nil {
				return
			}
			p.mu.Lock()
			p.seen.Write(b[:n])
			p.mu.Unlock()
			select {
			case p.grown <- struct{}{}:
			default:
			}
		}
	}()
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.cmd.Process.Kill()
			p.cmd.Wait()
		}
		master.Close()
	})
	return p
}

// wait waits until text appears after what was waited for before.
func (p *pty) wait(text string) {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		p.mu.Lock()
		rest := p.seen.String()[p.mark:]
		i := strings.Index(rest, text)
		if i >= 0 {
			p.mark += i + len(text)
		}
		p.mu.Unlock()
		if i >= 0 {
			return
		}
		select {
		case <-p.grown:
		case <-deadline:
			p.t.Fatalf("%q does not appear in %q", text, rest)
		}
	}
}

func (p *pty) keys(text string) {
	p.t.Helper()
	if _, err := p.master.WriteString(text); err != nil {
		p.t.Fatal(err)
	}
}

// leave waits for the end of the program.
func (p *pty) leave(code int) {
	p.t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	await(p.t, "the end of the terminal", ended)
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("exit code %d, want %d", got, code)
	}
}

const (
	ctrlC, ctrlD, ctrlR, tab, up = "\x03", "\x04", "\x12", "\t", "\x1b[A"
)

func TestPersonTalksToTheDaemon(t *testing.T) {
	h := serve(t, ServerOptions{Eval: toy})
	history := filepath.Join(t.TempDir(), "history")
	p := openPTY(t, h, history)
	p.wait("welcome; try (help)")
	p.wait(prompt)

	// A form over three lines, with its indentation, is one form.
	p.keys("(let [a 1]\r")
	p.wait(continuation + "  ")
	p.keys("(list a ; why\r")
	p.wait(continuation + "    ")
	p.keys("2))\r")
	p.wait("(let [a 1]\r\n  (list a ; why\r\n    2))\r\n")
	p.wait(prompt)
	if got := h.seen(); len(got) != 1 || got[0].Form != "(let [a 1]\n  (list a ; why\n    2))" {
		t.Errorf("sent %+v", got)
	}

	// It is recalled as one, and found by searching backwards.
	p.keys(up + "\r")
	p.wait("\r\n(let [a 1] (list a 2))\r\n")
	p.wait(prompt)
	p.keys("(other)\r")
	p.wait("\r\n(other)\r\n")
	p.wait(prompt)
	p.keys(ctrlR + "list a")
	p.wait("(list a 2")
	p.keys("\r")
	p.wait("\r\n(let [a 1] (list a 2))\r\n")
	p.wait(prompt)

	// Completion: the word, its quote, and the list with what each is.
	p.keys("(stat" + tab)
	p.wait("(status ")
	p.keys(`"w` + tab + ")\r")
	p.wait("\r\n(status \"web\")\r\n")
	p.wait(prompt)
	p.keys("(st" + tab + tab)
	p.wait("status  the state\r\n")
	p.wait("(st")
	p.keys(ctrlC)
	p.wait("^C")
	p.wait(prompt)

	// A failure has its place, and ends nothing.
	p.keys("(fail wbe)\r")
	p.wait("not-found: cannot do it: no such process\r\n  (fail wbe)\r\n        ^\r\n  in outer\r\n")
	p.wait(prompt)

	// Ctrl-C gives up an unfinished form, and ends a running one on the server.
	p.keys("(never\r")
	p.wait(continuation)
	p.keys(ctrlC)
	p.wait(prompt)
	p.keys("(wait)\r")
	p.wait("waiting\r\n")
	p.keys(ctrlC)
	p.wait("interrupted")
	p.wait(prompt)
	for began := time.Now(); ; gosched() {
		if _, used := h.server.unix.census(); used == 0 {
			break
		}
		if time.Since(began) > patience {
			t.Fatal("the evaluation goes on")
		}
	}
	p.keys("(still)\r")
	p.wait("\r\n(still)\r\n")
	p.wait(prompt)
	p.keys(ctrlD)
	p.leave(0)

	// The next session remembers.
	p = openPTY(t, h, history)
	p.wait(prompt)
	p.keys(up)
	p.wait("(still)")
	p.keys(ctrlC)
	p.wait(prompt)
	p.keys("(exit 3)\r")
	p.leave(3)
	if text, err := os.ReadFile(history); err != nil || !strings.HasPrefix(string(text), "(let [a 1] (list a 2))\n") {
		t.Errorf("history: %q %v", text, err)
	}
	for _, r := range h.seen() {
		if strings.Contains(r.Form, "never") {
			t.Error("a form that was given up was sent")
		}
	}
}

func TestDaemonMayComeAndGo(t *testing.T) {
	h := serve(t, ServerOptions{Eval: toy})
	p := openPTY(t, h, "")
	p.wait(prompt)
	p.keys("(session)\r")
	p.wait("repl-")
	p.wait(prompt)
	if err := h.server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.keys("(session)\r")
	p.wait("cannot reach the daemon")
	p.wait(prompt)
	again := NewServer(ServerOptions{Eval: toy})
	ln, err := ListenUnix(h.sock, ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- again.Serve(ln) }()
	p.keys("(session)\r")
	p.wait("\r\n" + h.seen()[0].Session)
	p.wait(prompt)
	p.keys("(exit)\r")
	p.leave(0)
	if err := again.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	await(t, "the end", ended)
}

// TestEndOfTheContextEndsTheTerminal, and leaves the terminal as it was.
func TestEndOfTheContextEndsTheTerminal(t *testing.T) {
	h := serve(t, ServerOptions{Eval: toy})
	for _, typed := range []string{"", "(half", "(wait)\r"} {
		p := openPTY(t, h, "")
		p.wait(prompt)
		before := len(h.seen())
		p.keys(typed)
		if typed != "" {
			p.wait(strings.TrimSuffix(typed, "\r"))
		}
		if strings.HasSuffix(typed, "\r") {
			p.wait("waiting")
		}
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		p.leave(0)
		if typed == "(half" && len(h.seen()) > before {
			t.Error("half a form was sent")
		}
	}
}
