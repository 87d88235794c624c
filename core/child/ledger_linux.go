package child

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// ledger is what a Host notes in a file about the lives that are going on, for the one that comes after it should it be killed.
// The first line says in which boot of the machine and under which mark it runs, each further one that a life began
// ("+ UNIT SCOPE PID START", without a number 0 0) or is over ("- UNIT"). A line that was not written whole is none.
type ledger struct {
	path, head string
	logf       func(string, ...any)

	mu     sync.Mutex
	file   *os.File // nil: nothing is noted
	lives  map[string]life
	lines  int  // since the file was written anew
	failed bool // the last line may stand there in part: what is true is written anew with the next
}

// life is one line: the leader of a tree, and what belongs to it.
type life struct {
	unit  string
	scope Scope
	pid   int
	start uint64 // in ticks since boot; with pid the identity of a process, and 0 when it was not looked up
}

func (l life) String() string {
	return fmt.Sprintf("+ %s %s %d %d\n", l.unit, l.scope, l.pid, l.start)
}

// ledgerSlack is how many lines may be about lives that are over before the file is written anew.
const ledgerSlack = 4096

// open begins a file of its own. Whoever opens is the only one who writes it.
func (g *ledger) open() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lives = map[string]life{}
	return g.rewrite()
}

// rewrite writes what is true now. A reader finds the old file or the new one, whole.
func (g *ledger) rewrite() error {
	fresh := g.path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(fresh, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString(g.head)
	for _, l := range g.lives {
		text.WriteString(l.String())
	}
	if _, err = file.WriteString(text.String()); err == nil {
		err = os.Rename(fresh, g.path)
	}
	if err != nil {
		file.Close()
		_ = os.Remove(fresh)
		return err
	}
	if g.file != nil {
		g.file.Close()
	}
	g.file, g.lines = file, 0
	return nil
}

// begun notes a life, before its fork and, where no cgroup holds it, again with the number of its leader.
func (g *ledger) begun(k *kid) {
	if g == nil {
		return
	}
	l := life{unit: k.unit, scope: k.scope, pid: k.pid, start: k.start}
	g.note(l.unit, &l)
}

// over notes that nothing of a life is left.
func (g *ledger) over(k *kid) {
	if g != nil {
		g.note(k.unit, nil)
	}
}

func (g *ledger) note(unit string, l *life) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.file == nil {
		return
	}
	line := "- " + unit + "\n"
	if l != nil {
		g.lives[unit], line = *l, l.String()
	} else if _, known := g.lives[unit]; !known {
		return // it was over before it was noted
	} else {
		delete(g.lives, unit)
	}
	g.lines++
	var err error
	if g.failed || g.lines > ledgerSlack+2*len(g.lives) {
		err = g.rewrite()
	} else {
		_, err = g.file.WriteString(line)
	}
	if err != nil && !g.failed {
		g.logf("cannot note what runs, so a daemon that is killed may leave some of it to nobody: %v", err)
	}
	g.failed = err != nil
}

// close takes the file away: nothing runs any more.
func (g *ledger) close() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.file == nil {
		return
	}
	g.file.Close()
	g.file = nil
	if len(g.lives) == 0 {
		_ = os.Remove(g.path)
	}
}

// ledgerHead is the first line of a ledger, "" when this boot cannot be told from others.
func ledgerHead(mark string) string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return "boot " + strings.TrimSpace(string(boot)) + " mark " + mark + "\n"
}

// readLedger is what another Host has left: its mark and the lives that were going on. Nothing when it ended in order, or
// before the machine was booted.
func readLedger(path string) (mark string, lives map[string]life) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", nil
	}
	file := os.NewFile(uintptr(fd), path)
	defer file.Close()
	lines := bufio.NewReader(file)
	head, err := lines.ReadString('\n')
	words := strings.Fields(head)
	if err != nil || len(words) != 4 || ledgerHead(words[3]) != head {
		return "", nil
	}
	lives = map[string]life{}
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return words[3], lives
		}
		switch words := strings.Fields(line); {
		case len(words) == 2 && words[0] == "-":
			delete(lives, words[1])
		case len(words) == 5 && words[0] == "+":
			l := life{unit: words[1]}
			l.scope = Scope(slices.Index(scopeNames[:], words[2]))
			pid, pidErr := strconv.Atoi(words[3])
			start, startErr := strconv.ParseUint(words[4], 10, 64)
			if l.scope >= 0 && pidErr == nil && startErr == nil && pid != 1 {
				l.pid, l.start = pid, start
				lives[l.unit] = l
			}
		}
	}
}
