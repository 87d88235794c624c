package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a person at a pseudo-terminal who runs one command of supervisord.
type terminal struct {
	t       *testing.T
	master  *os.File
	slave   *os.File
	command *exec.Cmd
	mu      sync.Mutex
	seen    bytes.Buffer // all that appeared on the screen
	grown   chan struct{}
	mark    int // where the next expectation begins to look
}

// The keys of a person.
const (
	ctrlC, ctrlD, ctrlR, tabKey, upKey, enter = "\x03", "\x04", "\x12", "\t", "\x1b[A", "\r"
)

// terminal runs a command of supervisord at a terminal of 24 lines and 100 columns, coloured when it wants to be.
func (o *operated) terminal(args ...string) *terminal {
	o.t.Helper()
	return o.terminalOf(o.program, args...)
}

// terminalOf runs any program at such a terminal.
func (o *operated) terminalOf(program string, args ...string) *terminal {
	o.t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		o.t.Skipf("no pseudo-terminals here: %v", err)
	}
	p := &terminal{t: o.t, master: os.NewFile(uintptr(fd), "/dev/ptmx"), grown: make(chan struct{}, 1)}
	o.t.Cleanup(func() { p.master.Close() })
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		o.t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		o.t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 100}); err != nil {
		o.t.Fatal(err)
	}
	// Kept open, so that what the terminal was left like can be asked, and reading the master never fails.
	if p.slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { p.slave.Close() })
	p.command = exec.Command(program, args...)
	p.command.Dir = o.dir
	p.command.Env = append(slices.DeleteFunc(slices.Clone(o.env), func(pair string) bool { return strings.HasPrefix(pair, "NO_COLOR=") }), "TERM=xterm")
	p.command.Stdin, p.command.Stdout, p.command.Stderr = p.slave, p.slave, p.slave
	p.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.command.Start(); err != nil {
		o.t.Fatal(err)
	}
	go p.read()
	o.t.Cleanup(func() {
		if p.command.ProcessState == nil {
			p.command.Process.Kill()
			p.command.Wait()
		}
	})
	return p
}

func (p *terminal) read() {
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

// wait waits until text appears after what was waited for before.
func (p *terminal) wait(text string) {
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

// screen is all that has appeared since the last expectation.
func (p *terminal) screen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()[p.mark:]
}

func (p *terminal) keys(texts ...string) {
	p.t.Helper()
	if _, err := p.master.WriteString(strings.Join(texts, "")); err != nil {
		p.t.Fatal(err)
	}
}

// leave waits for the end of the command, and holds that the terminal is as it was.
func (p *terminal) leave(code int) {
	p.t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- p.command.Wait() }()
	select {
	case <-ended:
	case <-time.After(patience):
		p.t.Fatalf("the command does not end: %q", p.screen())
	}
	if got := p.command.ProcessState.ExitCode(); got != code {
		p.t.Errorf("exit code %d, want %d: %q", got, code, p.screen())
	}
	state, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	if want := uint32(unix.ICANON | unix.ECHO | unix.ISIG); state.Lflag&want != want {
		p.t.Errorf("the terminal is left in a state of %x", state.Lflag)
	}
}
