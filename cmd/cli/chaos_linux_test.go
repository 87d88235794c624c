package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The words of the chaos: a process prints numbered lines, each life under a name of its own, and keeps count beside.
const talker = `read -r life </proc/sys/kernel/random/uuid
n=0
[ "$2" = forks ] && { setsid sleep 1000 & sleep 1000 & }
[ "$2" = deaf ] && trap '' TERM
while :; do
	i=0
	while [ $i -lt 20 ]; do i=$((i+1)); n=$((n+1)); echo "$1 $$ $life $n ."; done
	echo $n >"counts/$life"
	case $2 in [0-9]*) [ $n -ge 60 ] && { echo "$1 $$ $life bye $2 ."; exit "$2"; } ;; esac
	sleep 0.05
done
`

// chaotic is the configuration in one of its variants. The first four processes are in all of them.
func chaotic(variant int) string {
	var b strings.Builder
	process := func(name, kind string, special ...string) {
		fmt.Fprintf(&b, "[[process]]\nname = %q\ncommand = \"/bin/sh\"\nargs = [\"talker\", %q, %q]\nstdout = [\"logs/%s.log\"]\nstderr = []\n", name, name, kind, name)
		keys := map[string]string{"std_log_size": `"4K"`, "std_log_count": "100000", "restart_delay": `"5ms"`, "restart_delay_max": `"30ms"`, "stop_wait_secs": "0.5"}
		for i := 0; i < len(special); i += 2 {
			keys[special[i]] = special[i+1]
		}
		for key, value := range keys {
			fmt.Fprintf(&b, "%s = %s\n", key, value)
		}
	}
	b.WriteString("state_dir = \"state\"\n")
	process("steady", "", [][]string{{}, {"env", `{ V = "2" }`}, {"stop_signal", `"INT"`}}[variant]...)
	process("crasher", "3", [][]string{{}, {"restart", `"always"`}, {"start_secs", "0.05"}}[variant]...)
	process("deaf", "deaf", [][]string{{}, {"stop_wait_secs", "0.2"}, {"std_log_compress", "true"}}[variant]...)
	process("forker", "forks", [][]string{{}, {"priority", "5"}, {"std_log_size", `"16K"`}}[variant]...)
	switch variant {
	case 0:
		process("done", "0", "restart", `"always"`)
	case 1:
		process("late", "7", "restart", `"never"`)
		fmt.Fprintf(&b, "[[process]]\nname = \"missing\"\ncommand = \"/nonexistent/program\"\nmax_restarts = 2\n")
	}
	return b.String()
}

// chaos is a daemon under many hands at once, and what was seen of it.
type chaos struct {
	*operated
	mark   string
	mortal bool // the daemon may die at any moment, and leave who asks without a reply
	end    chan struct{}
	mu     sync.Mutex
	events []chaosEvent
	wrong  []string
	done   map[string]int // of each deed
}

type chaosEvent struct {
	Seq            uint64
	Name, From, To string
	PID            int
	Exit           any
	Text           string
}

// newChaos starts the daemon of a chaos, and tells the seed of what its clients want.
func newChaos(t *testing.T) (c *chaos, seed uint64) {
	t.Helper()
	seed = uint64(time.Now().UnixNano())
	if text := os.Getenv("SUPERVISORD_CHAOS_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SUPERVISORD_CHAOS_SEED=%d", seed)
	c = &chaos{mark: fmt.Sprintf("CHAOS_MARK=%d-%d", os.Getpid(), seed), end: make(chan struct{}), done: map[string]int{}}
	c.operated = operatePrepared(t, func(o *operated) {
		for _, dir := range []string{"logs", "counts"} {
			if err := os.Mkdir(o.path(dir), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		o.write("talker", talker)
		o.write("supervisord.conf", chaotic(0))
		o.daemonEnv = []string{c.mark}
	})
	return c, seed
}

func (c *chaos) complain(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.wrong) < 20 {
		c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
	}
}

// ask sends a form and fails the test when it is answered in a way that no client should see.
func (c *chaos) ask(form string, into any) int {
	status, body, _, err := c.socket().ask(form)
	var reply struct {
		Value json.RawMessage
		Error *struct{ Kind, Message string }
	}
	switch {
	case err != nil && c.mortal:
		return 0
	case err != nil:
		c.complain("%s: no reply: %v", form, err)
		return 0
	case json.Unmarshal([]byte(body), &reply) != nil:
		c.complain("%s: %d %q is no reply", form, status, body)
	case !slices.Contains([]int{200, 400, 404, 409, 429, 500, 504}, status), reply.Error != nil && strings.Contains(reply.Error.Message, "internal error"):
		c.complain("%s: %d %s", form, status, body)
	case into != nil && status == 200:
		if err := json.Unmarshal(reply.Value, into); err != nil {
			c.complain("%s: %v: %s", form, err, body)
		}
	}
	return status
}

// collect takes over the events that happened since the last time.
func (c *chaos) collect() {
	c.mu.Lock()
	last := uint64(0)
	if n := len(c.events); n > 0 {
		last = c.events[n-1].Seq
	}
	c.mu.Unlock()
	var more []chaosEvent
	c.ask(fmt.Sprintf("(events %d)", last), &more)
	if len(more) > 0 && more[0].Seq != last+1 {
		c.complain("events %d to %d are not kept any more", last+1, more[0].Seq-1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, more...)
}

// marked are the processes of the system that carry the mark: the daemon and all that comes from it.
func (c *chaos) marked() (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == c.daemon.command.Process.Pid {
			continue
		}
		if c.carries(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (c *chaos) carries(pid int) bool {
	environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return bytes.Contains(environ, []byte(c.mark))
}

// zombies are the dead children that the daemon has not reaped.
func (c *chaos) zombies() (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		stat, _ := os.ReadFile("/proc/" + entry.Name() + "/stat")
		_, after, found := strings.Cut(string(stat), ") ")
		fields := strings.Fields(after)
		if pid, err := strconv.Atoi(entry.Name()); err == nil && found && fields[0] == "Z" && fields[1] == strconv.Itoa(c.daemon.command.Process.Pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// strike sends a signal to a process, if it is one of the daemon's: by a handle, as its number may be another's by now.
func (c *chaos) strike(pid int, sig syscall.Signal) {
	handle, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	defer unix.Close(handle)
	// Whoever is between fork and exec is a part of the daemon still, and to stop it is to stop the daemon.
	program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	own, ownErr := os.Readlink(fmt.Sprintf("/proc/%d/exe", c.daemon.command.Process.Pid))
	if err == nil && ownErr == nil && program != own && c.carries(pid) {
		_ = unix.PidfdSendSignal(handle, sig, nil, 0)
	}
}

// deeds are what a client does at random.
func (c *chaos) deeds() map[string]func(*rand.Rand) {
	pick := func(r *rand.Rand, all ...string) string { return all[r.IntN(len(all))] }
	name := func(r *rand.Rand) string {
		return pick(r, "steady", "crasher", "deaf", "forker", "done", "late", "missing", "x1", "x2", "*")
	}
	form := func(format string) func(*rand.Rand) {
		return func(r *rand.Rand) { c.ask(fmt.Sprintf(format, name(r)), nil) }
	}
	daemon := c.daemon.command.Process
	return map[string]func(*rand.Rand){
		"start":   form("(start %q)"),
		"stop":    form("(stop %q)"),
		"restart": form("(restart %q)"),
		"reset":   form("(reset %q)"),
		"look":    form("(begin (status) (logs %q \"lines=5\") (usage) nil)"),
		"signal": func(r *rand.Rand) {
			c.ask(fmt.Sprintf("(signal %q %q)", name(r), pick(r, "KILL", "STOP", "CONT", "USR1", "ABRT")), nil)
		},
		"add": func(r *rand.Rand) {
			n := pick(r, "x1", "x2")
			c.ask(fmt.Sprintf(`(add-proc {"name" %q "command" "/bin/sh" "args" ["talker" %q "5"] "cwd" %q "stdout" [%q] "stderr" []})`, n, n, c.dir, c.path("logs/"+n+".log")), nil)
		},
		"remove": func(r *rand.Rand) { c.ask(fmt.Sprintf("(remove-proc %q)", pick(r, "x1", "x2")), nil) },
		"reload": func(r *rand.Rand) {
			text := chaotic(r.IntN(3))
			if r.IntN(4) == 0 {
				text += "comand = 1\n"
			}
			c.replace(text)
			if r.IntN(2) == 0 {
				_ = daemon.Signal(syscall.SIGHUP)
			} else {
				c.ask("(reload)", nil)
			}
		},
		"reopen": func(r *rand.Rand) {
			from := c.path("logs/" + pick(r, "steady", "crasher", "deaf") + ".log")
			_ = os.Rename(from, fmt.Sprintf("%s-moved-%d", from, r.Uint64()))
			if r.IntN(2) == 0 {
				_ = daemon.Signal(syscall.SIGUSR2)
			} else {
				c.ask("(reopen-logs)", nil)
			}
		},
		"kill": func(r *rand.Rand) {
			if all := c.marked(); len(all) > 0 {
				c.strike(all[r.IntN(len(all))], []syscall.Signal{syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGSTOP, syscall.SIGTERM}[r.IntN(4)])
			}
		},
		"pause": func(r *rand.Rand) {
			if r.IntN(4) == 0 {
				_ = daemon.Signal(syscall.SIGSTOP)
				<-time.After(time.Duration(r.IntN(50)) * time.Millisecond)
				_ = daemon.Signal(syscall.SIGCONT)
			}
		},
		"leave": func(r *rand.Rand) {
			conn, err := c.socket().dial()
			if err != nil {
				if !c.mortal {
					c.complain("%v", err)
				}
				return
			}
			defer conn.Close()
			stream := "Accept: application/x-ndjson\r\n"
			io.WriteString(conn, pick(r, request("(follow)", stream), request(`(events 0 "follow")`, stream), request(`(restart "steady")`),
				request(`(wait "late" "running" 30)`), request("(loop (x 1) (recur x))"), "garbage\r\n\r\n", "POST /v1/eval HTTP/1.1\r\nHost"))
			<-time.After(time.Duration(r.IntN(30)) * time.Millisecond)
		},
	}
}

// replace puts another configuration in the place of the present one.
func (c *chaos) replace(text string) {
	file, err := os.CreateTemp(c.dir, "conf")
	if err == nil {
		_, err = io.WriteString(file, text)
		file.Close()
	}
	if err == nil {
		err = os.Rename(file.Name(), c.path("supervisord.conf"))
	}
	if err != nil {
		c.complain("%v", err)
	}
}

// client does one deed after the other until the end.
func (c *chaos) client(r *rand.Rand) {
	deeds := c.deeds()
	names := slices.Sorted(maps.Keys(deeds))
	for {
		select {
		case <-c.end:
			return
		default:
		}
		name := names[r.IntN(len(names))]
		deeds[name](r)
		c.mu.Lock()
		c.done[name]++
		c.mu.Unlock()
	}
}

// TestChaos: several clients start, stop, restart, reload, add, remove, signal, rotate, kill and leave at random, while processes crash
// and the daemon is paused. Afterwards there is no zombie and nothing stray, each life has exactly one end in the journal, the registry
// is what the configuration says, every line that was printed is in the logs exactly once, and the audit log has an end for each
// beginning. SUPERVISORD_CHAOS_SEED repeats what the clients want, though not how it falls out.
func TestChaos(t *testing.T) {
	c, seed := newChaos(t)
	for variant := range 3 {
		c.replace(chaotic(2 - variant))
		if status := c.ask("(plan)", nil); status != 200 {
			t.Fatalf("variant %d is answered %d", 2-variant, status)
		}
	}
	goroutines, files := c.gauge("supervisord_goroutines"), c.gauge("supervisord_open_fds")
	var clients sync.WaitGroup
	for i := range 6 {
		clients.Go(func() { c.client(rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	lasts := time.After(time.Duration(fullFigures(60, 3)) * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for going := true; going; {
		select {
		case <-tick.C:
			c.collect()
		case <-lasts:
			going = false
		}
	}
	close(c.end)
	clients.Wait()
	c.calm()
	c.settles("goroutines", goroutines+10, func() int { return c.gauge("supervisord_goroutines") })
	c.settles("descriptors", files+10, func() int { return c.gauge("supervisord_open_fds") })
	c.settles("zombies", 0, func() int { return len(c.zombies()) })
	c.collect()
	c.livesEnded()
	c.linesKept()
	c.bytesAccounted()
	c.ends(true)
	t.Logf("%d events; %v", len(c.events), c.done)
	for _, what := range c.wrong {
		t.Error(what)
	}
	if t.Failed() {
		for _, e := range c.events[max(0, len(c.events)-2000):] {
			t.Logf("%d %s %s -> %s pid %d exit %v %s", e.Seq, e.Name, e.From, e.To, e.PID, e.Exit, e.Text)
		}
	}
}

// calm brings everything to the first configuration, up once and then to rest.
func (c *chaos) calm(added ...string) {
	c.t.Helper()
	c.replace(chaotic(0))
	c.ask("(reload)", nil)
	for _, name := range []string{"x1", "x2"} {
		if status := c.ask(fmt.Sprintf("(remove-proc %q)", name), nil); status != 200 && status != 404 {
			c.complain("cannot remove %s: %d", name, status)
		}
	}
	if status := c.ask("(reload)", nil); status != 200 {
		c.complain("the last reload: %d", status)
	}
	registry := append([]string{"steady", "crasher", "deaf", "forker", "done"}, added...)
	if got := c.value(`(map #(hget % "name") (status))`); got != `["`+strings.Join(registry, `" "`)+`"]` {
		c.complain("registered are %s, want %v", got, registry)
	}
	if got := c.value(`(filter #(not= (hget % "op") "keep") (hget (plan) "steps"))`); got != "[]" {
		c.complain("after a reload there is a plan: %s", got)
	}
	if status := c.ask("(start)", nil); status != 200 {
		c.complain("the last start: %d", status)
	}
	for name, one := range c.statusOf() {
		if one.State == "running" && !c.carries(one.PID) && c.statusOf()[name].PID == one.PID { // else it has ended meanwhile
			c.complain("%s runs as %d, which is none of ours", name, one.PID)
		}
	}
	if status := c.ask("(stop)", nil); status != 200 {
		c.complain("the last stop: %d", status)
	}
	for name, one := range c.statusOf() {
		if one.PID != 0 || one.State != "stopped" && one.State != "exited" {
			c.complain("after the stop %s is %+v", name, one)
		}
	}
	if left := c.marked(); len(left) > 0 {
		c.complain("after the stop there are still %v", left)
	}
}
