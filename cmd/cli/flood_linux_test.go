package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// outputOf is what a status says of a process's output.
type outputOf struct {
	PID, Restarts int
	Log           string
	LogBytes      int `json:"log_bytes"`
	LogLost       int `json:"log_lost"`
}

func (o *operated) outputOf(name string) outputOf {
	o.t.Helper()
	status, body, _, err := o.socket().ask(fmt.Sprintf("(status %q)", name))
	var reply struct{ Value []outputOf }
	if err != nil || status != 200 || json.Unmarshal([]byte(body), &reply) != nil || len(reply.Value) != 1 {
		o.t.Fatalf("status is answered by %d %s, %v", status, body, err)
	}
	return reply.Value[0]
}

// A hundred processes write as fast as they can: a status takes no longer for it than it should, and memory stays small.
func TestStatusAnswersWhileAHundredProcessesFlood(t *testing.T) {
	n, seconds := fullFigures(100, 20), fullFigures(10, 2)
	var conf strings.Builder
	for i := range n {
		fmt.Fprintf(&conf, "[[process]]\nname = \"f%d\"\ncommand = \"yes\"\nargs = [\"a line of the flood\"]\nstdout = [\"f%d.log\"]\nstd_log_size = \"4M\"\nstd_log_count = 1\n", i, i)
	}
	o := operate(t, conf.String(), "f0", fmt.Sprintf("f%d", n-1))
	// One that has nothing to carry shows what the machine itself makes of a request meanwhile.
	idle := operate(t, shellProcess("quiet", "exec sleep 1000", ""), "quiet")
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	memory := int64(0)
	// measure gives the times at two percentiles, of the daemon that carries the flood and of the other.
	measure := func(percent int) (usual, late [2]time.Duration) {
		written := o.outputOf("f0").LogBytes
		var took [2][]time.Duration
		for i := range 2 * seconds * 10 {
			<-tick.C
			asked := []*operated{o, idle}[i%2]
			status, body, d, err := asked.socket().ask("(status)")
			if err != nil || status != 200 {
				t.Fatalf("status is answered by %d %s, %v", status, body, err)
			}
			took[i%2] = append(took[i%2], d)
			memory = max(memory, o.memory())
		}
		now := o.outputOf("f0")
		if now.LogBytes-written < 1<<20 || now.LogLost != 0 || now.Log != "" {
			t.Errorf("this is no flood: %+v, %d bytes before", now, written)
		}
		for i, all := range took {
			slices.Sort(all)
			usual[i], late[i] = all[len(all)/2], all[len(all)*percent/100]
		}
		return usual, late
	}
	percent := fullFigures(99, 90)
	for try := 1; ; try++ { // others on this machine may take the processors from one and not from the other
		usual, late := measure(percent)
		said := fmt.Sprintf("%d processes: status takes %v, at percentile %d %v; a daemon beside it %v and %v; %d MiB of memory",
			n, usual[0], percent, late[0], usual[1], late[1], memory>>20)
		t.Log(said)
		if usual[0] <= 50*time.Millisecond && late[0] <= 50*time.Millisecond+late[1] {
			break
		}
		if try == 3 {
			t.Errorf("%s; want 50ms at the most, and late 50ms more than beside it", said)
			break
		}
	}
	if memory > 200<<20 && !raced() {
		t.Errorf("the daemon takes %d bytes of memory", memory)
	}
	if _, errs, code := o.run("", "shutdown", "--now"); code != 0 {
		t.Errorf("shutdown: %d %s", code, errs)
	}
}

// A file that cannot grow costs lines, which are counted and announced; the process does not notice.
func TestAFullDiskDoesNotHurtAProcess(t *testing.T) {
	o := operatePrepared(t, func(o *operated) {
		o.write("feed", "")
		o.write("supervisord.conf", "state_dir = \"state\"\n"+shellProcess("web", "tail -f feed | while read n; do seq $n; done", ""))
	})
	o.wait("web", "running")
	before := o.outputOf("web")
	feed := func(n int) {
		t.Helper()
		f, err := os.OpenFile(o.path("feed"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := fmt.Fprintln(f, n); err != nil {
			t.Fatal(err)
		}
	}
	daemon := o.daemon.command.Process.Pid
	var was unix.Rlimit
	limit := func(bytes uint64) {
		t.Helper()
		to := unix.Rlimit{Cur: bytes, Max: was.Max}
		if err := unix.Prlimit(daemon, unix.RLIMIT_FSIZE, &to, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Prlimit(daemon, unix.RLIMIT_FSIZE, nil, &was); err != nil {
		t.Skipf("cannot limit the daemon's files: %v", err)
	}
	limit(50_000)
	feed(20_000) // 108 894 bytes
	eventually(t, "the disk is full", func() error {
		if now := o.outputOf("web"); now.LogBytes < 108_894 || !strings.HasPrefix(now.Log, "degraded(EFBIG, lost=") {
			return fmt.Errorf("%+v", now)
		}
		return nil
	})
	if now := o.outputOf("web"); now.PID != before.PID || now.Restarts != 0 {
		t.Errorf("the process was hurt: %+v, before %+v", now, before)
	}
	limit(was.Cur)
	eventually(t, "there is room again", func() error {
		feed(1)
		if now := o.outputOf("web"); now.Log != "" {
			return fmt.Errorf("%+v", now)
		}
		return nil
	})
	if _, errs, code := o.run("", "service", "stop", "web"); code != 0 {
		t.Fatalf("stop: %d %s", code, errs)
	}
	end := o.outputOf("web")
	text, err := os.ReadFile(o.path("web.log"))
	if err != nil {
		t.Fatal(err)
	}
	record := regexp.MustCompile(`\n?-- supervisord: lost (\d+) bytes in \d+ writes [0-9:]+–[0-9:]+ \(EFBIG\) --\n`)
	found := record.FindSubmatch(text)
	if found == nil {
		t.Fatalf("no gap is recorded in the log: %.300q", text[max(0, len(text)-300):])
	}
	lost, _ := strconv.Atoi(string(found[1]))
	logged := len(record.ReplaceAll(text, nil))
	if text[strings.Index(string(text), string(found[0]))-1] == '\n' { // the gap begins between two lines: that newline was the program's
		logged++
	}
	if lost == 0 || lost != end.LogLost || (logged+lost != end.LogBytes && logged-1+lost != end.LogBytes) || end.Restarts != 0 {
		t.Errorf("logged %d, announced %d, %+v", logged, lost, end)
	}
}
