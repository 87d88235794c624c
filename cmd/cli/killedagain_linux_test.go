package cli_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// startTime is when a process began, in the kernel's ticks; 0 when it has ended.
func startTime(pid int) int {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if len(fields) < 20 {
		return 0
	}
	n, _ := strconv.Atoi(fields[19])
	return n
}

// TestKilledAgainAndAgain: the daemon is killed at random moments, while it starts and while clients change everything there is. Each
// next one starts without a hand's help, and nothing of the life before is there when it listens. At the end what was added is there,
// the records hold whole lines only, and of each life that printed the lines are there from the first on without a gap.
func TestKilledAgainAndAgain(t *testing.T) {
	c, seed := newChaos(t)
	c.mortal = true
	random := rand.New(rand.NewPCG(seed, 77))
	c.ask(fmt.Sprintf(`(add-proc {"name" "kept" "command" "/bin/sh" "args" ["talker" "kept"] "cwd" %q "stdout" [%q] "stderr" []})`, c.dir, c.path("logs/kept.log")), nil)
	for round := range fullFigures(100, 10) {
		c.end = make(chan struct{})
		var clients sync.WaitGroup
		for i := range 3 {
			clients.Go(func() { c.client(rand.New(rand.NewPCG(seed, uint64(100*round+i)))) })
		}
		<-time.After(time.Duration(random.IntN(150)) * time.Millisecond)
		_ = c.daemon.command.Process.Kill()
		<-c.daemon.ended
		close(c.end)
		clients.Wait()
		c.replace(chaotic(random.IntN(3))) // no client leaves a mistake there
		for range random.IntN(3) {         // some do not live to listen
			early := exec.Command(c.program, "start")
			early.Dir, early.Env = c.dir, slices.Concat(c.env, c.daemonEnv)
			if err := early.Start(); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Duration(random.IntN(60)) * time.Millisecond)
			_ = early.Process.Kill()
			_ = early.Wait()
		}
		c.begin()
		began := startTime(c.daemon.command.Process.Pid)
		for _, pid := range c.marked() {
			if at := startTime(pid); at != 0 && at < began {
				c.complain("round %d: %d is older than the daemon, which listens", round, pid)
			}
		}
		if info, err := os.Lstat(c.address()); err != nil || info.Mode().Perm() != 0o600 {
			c.complain("round %d: the socket: %v %v", round, info, err)
		}
	}
	c.mortal = false
	c.calm("kept")
	c.linesWhole()
	c.ends(false)
	for _, what := range c.wrong {
		t.Error(what)
	}
}

// linesWhole: what was printed by a life that was killed with the daemon may be cut off at its end, and nowhere else.
func (c *chaos) linesWhole() {
	line := regexp.MustCompile(`\w+ \d+ ([0-9a-f-]{36}) (\d+) \.\n`)
	seen := map[string]map[int]bool{}
	for file, text := range c.output() {
		for _, m := range line.FindAllStringSubmatch(text, -1) {
			n, _ := strconv.Atoi(m[2])
			if seen[m[1]] == nil {
				seen[m[1]] = map[int]bool{}
			}
			if seen[m[1]][n] {
				c.complain("%s: line %d of %s is there twice", file, n, m[1])
			}
			seen[m[1]][n] = true
		}
	}
	for life, lines := range seen {
		for n := range len(lines) {
			if !lines[n+1] {
				c.complain("line %d of %s is missing, of at least %d", n+1, life, len(lines))
				break
			}
		}
	}
	if len(seen) < 10 {
		c.complain("only %d lives printed anything", len(seen))
	}
	files, err := filepath.Glob(c.path("state/*.json"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, path := range files {
		if text, err := os.ReadFile(path); err != nil || !json.Valid(text) {
			c.complain("%s holds %q (%v)", path, text, err)
		}
	}
}
