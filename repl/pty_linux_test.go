package repl

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/repl/ptytest"
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

// openPTY starts a terminal loop at a pseudo-terminal.
func openPTY(t *testing.T, h *host, history string) *ptytest.Terminal {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(exe)
	command.Env = append(os.Environ(), terminalEnv+"="+h.sock, "REPL_TEST_HISTORY="+history, "TERM=xterm")
	return ptytest.Start(t, command)
}

func TestPersonTalksToTheDaemon(t *testing.T) {
	h := serve(t, ServerOptions{Eval: toy})
	history := filepath.Join(t.TempDir(), "history")
	p := openPTY(t, h, history)
	p.Wait("welcome; try (help)")
	p.Wait(prompt)

	// A form over three lines, with its indentation, is one form.
	p.Keys("(let [a 1]\r")
	p.Wait(continuation + "  ")
	p.Keys("(list a ; why\r")
	p.Wait(continuation + "    ")
	p.Keys("2))\r")
	p.Wait("(let [a 1]\r\n  (list a ; why\r\n    2))\r\n")
	p.Wait(prompt)
	if got := h.seen(); len(got) != 1 || got[0].Form != "(let [a 1]\n  (list a ; why\n    2))" {
		t.Errorf("sent %+v", got)
	}

	// It is recalled as one, and found by searching backwards.
	p.Keys(ptytest.Up + "\r")
	p.Wait("\r\n(let [a 1] (list a 2))\r\n")
	p.Wait(prompt)
	p.Keys("(other)\r")
	p.Wait("\r\n(other)\r\n")
	p.Wait(prompt)
	p.Keys(ptytest.CtrlR + "list a")
	p.Wait("(list a 2")
	p.Keys("\r")
	p.Wait("\r\n(let [a 1] (list a 2))\r\n")
	p.Wait(prompt)

	// Completion: the word, its quote, and the list with what each is.
	p.Keys("(stat" + ptytest.Tab)
	p.Wait("(status ")
	p.Keys(`"w` + ptytest.Tab + ")\r")
	p.Wait("\r\n(status \"web\")\r\n")
	p.Wait(prompt)
	p.Keys("(st" + ptytest.Tab + ptytest.Tab)
	p.Wait("status  the state\r\n")
	p.Wait("(st")
	p.Keys(ptytest.CtrlC)
	p.Wait("^C")
	p.Wait(prompt)

	// A failure has its place, and ends nothing.
	p.Keys("(fail wbe)\r")
	p.Wait("not-found: cannot do it: no such process\r\n  (fail wbe)\r\n        ^\r\n  in outer\r\n")
	p.Wait(prompt)

	// Ctrl-C gives up an unfinished form, and ends a running one on the server.
	p.Keys("(never\r")
	p.Wait(continuation)
	p.Keys(ptytest.CtrlC)
	p.Wait(prompt)
	p.Keys("(wait)\r")
	p.Wait("waiting\r\n")
	p.Keys(ptytest.CtrlC)
	p.Wait("interrupted")
	p.Wait(prompt)
	for began := time.Now(); ; gosched() {
		if _, used := h.server.unix.census(); used == 0 {
			break
		}
		if time.Since(began) > patience {
			t.Fatal("the evaluation goes on")
		}
	}
	p.Keys("(still)\r")
	p.Wait("\r\n(still)\r\n")
	p.Wait(prompt)
	p.Keys(ptytest.CtrlD)
	p.Leave(0)

	// The next session remembers.
	p = openPTY(t, h, history)
	p.Wait(prompt)
	p.Keys(ptytest.Up)
	p.Wait("(still)")
	p.Keys(ptytest.CtrlC)
	p.Wait(prompt)
	p.Keys("(exit 3)\r")
	p.Leave(3)
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
	p.Wait(prompt)
	p.Keys("(session)\r")
	p.Wait("repl-")
	p.Wait(prompt)
	if err := h.server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Keys("(session)\r")
	p.Wait("cannot reach the daemon")
	p.Wait(prompt)
	again := NewServer(ServerOptions{Eval: toy})
	ln, err := ListenUnix(h.sock, ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- again.Serve(ln) }()
	p.Keys("(session)\r")
	p.Wait("\r\n" + h.seen()[0].Session)
	p.Wait(prompt)
	p.Keys("(exit)\r")
	p.Leave(0)
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
		p.Wait(prompt)
		before := len(h.seen())
		p.Keys(typed)
		if typed != "" {
			p.Wait(strings.TrimSuffix(typed, "\r"))
		}
		if strings.HasSuffix(typed, "\r") {
			p.Wait("waiting")
		}
		if err := p.Program.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		p.Leave(0)
		if typed == "(half" && len(h.seen()) > before {
			t.Error("half a form was sent")
		}
	}
}
