// Package ptytest is a person at a pseudo-terminal, for tests of programs that one talks to.
//
// May import: no other room.
package ptytest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The keys of a person.
const (
	CtrlC = "\x03"
	CtrlD = "\x04"
	CtrlR = "\x12"
	CtrlU = "\x15"
	Tab   = "\t"
	Up    = "\x1b[A"
	Enter = "\r"
)

// The size of the terminal, in characters.
const (
	Rows    = 24
	Columns = 100
)

// patience bounds what a person waits for; what is waited for comes much sooner.
const patience = 30 * time.Second

// Terminal is a pseudo-terminal with one program at it, which leads a session of its own there. Its methods are for one
// goroutine, and fail the test.
type Terminal struct {
	Program *exec.Cmd

	t      testing.TB
	master *os.File
	slave  *os.File
	mu     sync.Mutex
	seen   bytes.Buffer // all that appeared on the screen
	grown  chan struct{}
	mark   int // where the next expectation begins to look
}

// Start starts the program at a terminal of its own; its standard streams are set here. What is left of it ends with the test.
// Where there are no pseudo-terminals the test is skipped.
func Start(t testing.TB, program *exec.Cmd) *Terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	p := &Terminal{Program: program, t: t, master: os.NewFile(uintptr(fd), "/dev/ptmx"), grown: make(chan struct{}, 1)}
	t.Cleanup(func() { p.master.Close() })
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: Rows, Col: Columns}); err != nil {
		t.Fatal(err)
	}
	// Kept open, so that what the terminal was left like can be asked, and reading the master never fails.
	if p.slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.slave.Close() })
	program.Stdin, program.Stdout, program.Stderr = p.slave, p.slave, p.slave
	program.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read()
	t.Cleanup(func() {
		if program.ProcessState == nil {
			_ = program.Process.Kill()
			_ = program.Wait()
		}
	})
	return p
}

func (p *Terminal) read() {
	b := make([]byte, 4096)
	for {
		n, err := p.master.Read(b)
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
}

// Wait waits until text appears after what was waited for before.
func (p *Terminal) Wait(text string) {
	p.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		rest := p.Screen()
		if i := strings.Index(rest, text); i >= 0 {
			p.mark += i + len(text)
			return
		}
		select {
		case <-p.grown:
		case <-deadline.C:
			p.t.Fatalf("%q does not appear in %q", text, rest)
		}
	}
}

// Screen is all that has appeared since what was waited for last.
func (p *Terminal) Screen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()[p.mark:]
}

// Keys types.
func (p *Terminal) Keys(texts ...string) {
	p.t.Helper()
	if _, err := p.master.WriteString(strings.Join(texts, "")); err != nil {
		p.t.Fatal(err)
	}
}

// Leave waits for the end of the program, and holds that it had this exit code and left the terminal as it was: lines are
// edited and echoed, and Ctrl-C is a signal.
func (p *Terminal) Leave(code int) {
	p.t.Helper()
	p.end()
	if got := p.Program.ProcessState.ExitCode(); got != code {
		p.t.Errorf("exit code %d, want %d: %q", got, code, p.Screen())
	}
	state, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	if want := uint32(unix.ICANON | unix.ECHO | unix.ISIG); state.Lflag&want != want {
		p.t.Errorf("the terminal is left in a state of %x", state.Lflag)
	}
}

// HangUp closes the terminal, as one does by closing a window, and waits until the program has ended: the kernel sends HUP to who
// leads the session at it, and to who is in its foreground.
func (p *Terminal) HangUp() {
	p.t.Helper()
	if err := p.master.Close(); err != nil {
		p.t.Fatal(err)
	}
	p.end()
}

// end waits for the end of the program; how it ended stands in its ProcessState.
func (p *Terminal) end() {
	p.t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- p.Program.Wait() }()
	select {
	case <-ended:
	case <-time.After(patience):
		p.t.Fatalf("the program does not end: %q", p.Screen())
	}
}
