package child

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A daemon that is killed cannot clean up. Its direct children end with it; what is left of their trees ends before its
// successor starts anything, with cgroups and without.
func TestNothingOutlivesAKilledDaemonAndItsSuccessorsStart(t *testing.T) {
	for mode, m := range map[string]struct{ how, shim, successor string }{
		"cgroups":              {"auto", "", "auto"},
		"a walk":               {"off", "", "off"},
		"a walk and the shim":  {"off", "shim", "off"},
		"cgroups, then a walk": {"auto", "", "off"},
	} {
		t.Run(mode, func(t *testing.T) {
			ledger := filepath.Join(t.TempDir(), "lives")
			how, shim := m.how, m.shim
			pid, says := another(t, false, "killed", ledger, how+" "+shim)
			word, err := says.ReadString('\n')
			if err != nil || !strings.HasPrefix(word, "up ") {
				t.Fatalf("it said %q, %v; want up", word, err)
			}
			words := strings.Fields(word)
			instance, mark := words[1], words[2]
			leaders := words[3:]
			before := marked(mark)
			if len(before) < 60 {
				t.Fatalf("%d processes of it run, want at least 60", len(before))
			}
			// Strangers: one that the ledger would have by its number alone, one with the mark of a life that is over, one with
			// the same unit of another daemon.
			h := host(t)
			var strangers []Child
			for _, env := range []string{"A=1", DaemonKey + "=" + mark, UnitKey + "=tree#1"} {
				c := Command{Name: "stranger", Generation: 9, Path: "/bin/sleep", Args: []string{"1000"}, Dir: "/", Env: []string{env}, Scope: Process}
				c.Generation = uint64(len(strangers)) + 1
				strangers = append(strangers, start(t, h, c))
			}
			file, err := os.OpenFile(ledger, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			first, err := readProc(strangers[0].PID())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(file, "+ reused#7 tree %d %d\n+ torn#8 tree 12", first.pid, first.start-1)
			file.Close()

			if err := unix.Kill(pid, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			for _, leader := range leaders {
				number, _ := strconv.Atoi(leader)
				eventually(t, "the direct child "+leader+" has ended", func() bool {
					p, err := readProc(number)
					return err != nil || p.state == 'Z'
				})
			}
			if took := time.Since(begun); took > time.Second {
				t.Errorf("direct children were gone after %v, want within a second", took)
			}
			if len(marked(mark)) == 0 {
				t.Fatal("nothing is left of the trees, so nothing is tested")
			}
			plays(t, false, "successor", ledger, m.successor, instance+" "+mark)
			for _, k := range strangers {
				if p, err := readProc(k.PID()); err != nil || p.state == 'Z' {
					t.Errorf("stranger %d was hit", k.PID())
				}
			}
		})
	}
}

// marked are the processes of a daemon: by the mark, or as the program that threw it away.
func marked(mark string) (pids []int) {
	for pid, p := range readProcs() {
		if p.state == 'Z' || p.state == 'X' {
			continue
		}
		if marks, _ := variables(pid, DaemonKey, UnitKey); marks[0] == mark && marks[1] != "stranger#2" {
			pids = append(pids, pid)
		}
	}
	return pids
}

// killed starts trees and waits for its end.
func killed(instance, ledger, how string) {
	mode, shim, _ := strings.Cut(how, " ")
	h, err := NewHost(Options{CgroupMode: mode, Instance: instance, Ledger: ledger,
		Logf: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }})
	try(err)
	var leaders []string
	begin := func(what string, generation uint64) Child {
		c := command(what)
		c.Name, c.Generation = "tree", generation
		if shim != "" {
			c.Limits.Umask = given(0o022)
		}
		k := startIn(h, c)
		if !strings.HasPrefix(what, "hardy") {
			hear(k, "ready")
			leaders = append(leaders, strconv.Itoa(k.PID()))
		}
		return k
	}
	grown := begin("tree 20 3 stay", 1)
	begin("ignore-term", 2)
	begin("hardy "+instance, 3)
	until("the tree has grown", func() bool { n, _ := grown.Left(); return n >= 61 })
	fmt.Printf("up %s %s %s\n", instance, h.mark, strings.Join(leaders, " "))
	wait()
}

// successor looks at what is left when its Host is there, which could start something now.
func successor(_, ledger, mode, of string) {
	instance, mark, _ := strings.Cut(of, " ")
	h, err := NewHost(Options{CgroupMode: mode, Instance: instance, Ledger: ledger,
		Logf: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }})
	try(err)
	if left := marked(mark); len(left) > 0 {
		complain("%d are left: %v", len(left), left)
	}
	for pid := range readProcs() {
		if text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); strings.HasPrefix(string(text), "hardy-"+instance+"\x00") {
			if p, err := readProc(pid); err == nil && p.state != 'Z' {
				complain("the one without an environment is left")
			}
		}
	}
	if h.cgroups != nil {
		if folders, _ := filepath.Glob(h.cgroups.root + "/*/"); len(folders) > 0 {
			complain("cgroups are left: %v", folders)
		}
	}
	if own, err := ownCgroup(); err == nil && h.cgroups == nil {
		if _, err := os.Stat(filepath.Join(own, "supervisord-"+instance)); err == nil {
			complain("the cgroup of the one that was killed is left")
		}
	}
	k := startIn(h, command("exit 6"))
	if exit := endOf(k); exit.Code != 6 {
		complain("%v", exit)
	}
	try(h.Close())
	if _, err := os.Stat(ledger); err == nil {
		complain("the ledger is left after an end in order")
	}
}

func TestTheLedgerStaysSmall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lives")
	g := &ledger{path: path, head: ledgerHead("abc"), logf: t.Logf}
	if err := g.open(); err != nil {
		t.Fatal(err)
	}
	const number = 4711 // not this program's own, which is 1 in a pid namespace of its own, where no child's is
	stays := &kid{unit: "stays#1", pid: number, start: 5}
	g.begun(stays)
	for i := range 3 * ledgerSlack {
		k := &kid{unit: fmt.Sprintf("loop#%d", i)}
		g.begun(k)
		g.over(k)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() > 64*2*ledgerSlack {
		t.Errorf("%d bytes, %v", info.Size(), err)
	}
	mark, lives := readLedger(path)
	if l := lives["stays#1"]; mark != "abc" || len(lives) != 1 || l.pid != number || l.start != 5 {
		t.Errorf("read back %q %+v", mark, lives)
	}
	g.over(stays)
	g.close()
	if _, err := os.Stat(path); err == nil {
		t.Error("it is left although nothing runs")
	}
	// Another boot's numbers mean nothing.
	if err := os.WriteFile(path, []byte("boot 00000000-0000-0000-0000-000000000000 mark abc\n+ a#1 tree 5 6\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if mark, lives := readLedger(path); mark != "" || len(lives) != 0 {
		t.Errorf("read %q %v of another boot", mark, lives)
	}
}

// A line that could not be written, or not all of it, is not the end of the ledger: what is true stands there again as soon as it
// can be written, whole.
func TestTheLedgerIsTrueAgainAfterAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lives")
	var said []string
	g := &ledger{path: path, head: ledgerHead("abc"), logf: func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }}
	if err := g.open(); err != nil {
		t.Fatal(err)
	}
	for turn := 1; turn <= 2; turn++ {
		over, begun, after := &kid{unit: "over#1"}, &kid{unit: "begun#1", pid: 5}, &kid{unit: "after#1", pid: 6}
		g.begun(over)
		if _, err := g.file.WriteString("- ov"); err != nil { // as much of it as there was room for
			t.Fatal(err)
		}
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		g.file.Close()
		g.file = full
		g.over(over)
		if len(said) != turn {
			t.Errorf("said %q", said)
		}
		g.begun(begun)
		g.begun(after)
		if _, lives := readLedger(path); len(lives) != 2 || lives["begun#1"].pid != 5 || lives["after#1"].pid != 6 {
			t.Errorf("read back %+v", lives)
		}
		g.over(begun)
		g.over(after)
	}
	g.close()
}
