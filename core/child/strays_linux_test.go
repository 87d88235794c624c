package child

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// What throws away its environment, its session and its parents ends all the same, without cgroups too: with the last life that it
// may come from.
func TestWhatLeavesNoTraceEndsWithTheLastLifeItMayBeOf(t *testing.T) {
	plays(t, false, "strays")
}

func strays(instance string) {
	var mu sync.Mutex
	var log strings.Builder
	h, err := NewHost(Options{CgroupMode: "off", Instance: instance, Logf: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&log, format+"\n", args...)
	}})
	try(err)
	logged := func(text string) bool {
		mu.Lock()
		defer mu.Unlock()
		return strings.Contains(log.String(), text)
	}
	begin := func(mode string) *kid {
		k := startIn(h, command(mode))
		hear(k, "ready")
		return k.(*kid)
	}
	self, err := readProc(os.Getpid())
	try(err)
	called := func(name string) string { return fmt.Sprintf("%s-%d", name, os.Getpid()) } // what another run starts is none of this one
	strays := func(name string) *kid { return begin("strays " + called(name)) }
	stray := func(name string) (p proc, lives bool) { // nor is what an earlier run left, because it failed
		for pid, p := range readProcs() {
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			if p.state != 'Z' && p.start >= self.start && strings.HasPrefix(string(text), "hardy-"+called(name)+"\x00") {
				return p, true
			}
		}
		return proc{}, false
	}
	appears := func(name string) (p proc) { // in its own program, as a child of the Host
		until("the stray "+name+" is there", func() bool {
			seen, lives := stray(name)
			p = seen
			return lives && seen.parent == os.Getpid()
		})
		return p
	}
	end := func(k *kid) {
		try(k.Stop(15))
		endOf(k)
	}
	wantGone := func(when, name string) {
		if p, lives := stray(name); lives {
			complain("%s: the stray is left: %+v", when, p)
		}
	}
	// An embedder's own child is not one.
	own, err := os.StartProcess("/bin/sleep", []string{"sleep", "1000"}, &os.ProcAttr{})
	try(err)
	defer func() { try(own.Kill()) }()
	// of the only life
	k := strays("a")
	appears("a")
	if n, _ := k.Left(); n != 2 {
		complain("%d are left of a life with a stray, want 2", n)
	}
	end(k)
	if p, err := readProc(own.Pid); err != nil || p.state == 'Z' {
		complain("what this process had started itself was ended: %+v, %v", p, err)
	}
	wantGone("with its own life", "a")

	// of one of two
	older := begin("stay")
	k = strays("b")
	p := appears("b")
	end(k)
	if _, lives := stray("b"); !lives {
		complain("it was ended although it may belong to a life that goes on")
	}
	if !logged(fmt.Sprintf("pid %d has left its tree", p.pid)) {
		complain("the log does not tell of it:\n%s", log.String())
	}
	end(older)
	wantGone("with the last life", "b")

	// a life that began later has nothing to do with it
	k = strays("c")
	p = appears("c")
	younger := begin("stay")
	for younger.start <= p.start { // ticks are coarse
		end(younger)
		younger = begin("stay")
	}
	end(k)
	wantGone("with the only life that is old enough", "c")
	end(younger)

	// what no life's end could decide about ends with the Host
	k = strays("d")
	appears("d")
	h.forkBegins()
	end(k)
	h.forkFailed()
	if _, lives := stray("d"); !lives {
		complain("it was ended while somebody was being started")
	}
	try(h.Close())
	wantGone("with the Host", "d")
	if !logged("ended 1 processes that had left their trees") {
		complain("the log does not tell of it:\n%s", log.String())
	}
}

// What may have been left behind on purpose is left alone.
func TestWhatMayBeLeftOnPurposeIsNoStray(t *testing.T) {
	h := &Host{lives: map[*kid]bool{}, told: map[int]uint64{}, kids: map[int]*kid{}, logf: t.Logf}
	me := os.Getpid()
	// The session is its own: that of the test is 0 where its leader is outside the pid namespace (man 7 pid_namespaces).
	all := map[int]proc{77: {pid: 77, parent: me, session: 77, state: 'S', start: 50}}
	first := &kid{scope: Tree, pid: 10, start: 10}
	second := &kid{scope: Process, pid: 11, start: 60}
	h.lifeBegins(first)
	h.lifeBegins(second)
	if got := h.straysOf(first, all); len(got) != 1 {
		t.Errorf("%v is left alone for a life that began later", all)
	}
	h.lifeBegins(&kid{scope: Group, pid: 12, start: 40})
	if got := h.straysOf(first, all); len(got) != 0 {
		t.Errorf("%v is taken for a stray", got)
	}
	for why, change := range map[string]func(p *proc){
		"a mark":          func(p *proc) { p.unit = "other#1" },
		"a session":       func(p *proc) { p.session = 10 },
		"another parent":  func(p *proc) { p.parent = me + 1 },
		"it has ended":    func(p *proc) { p.state = 'Z' },
		"it is a leader":  func(p *proc) { h.kids[77] = first },
		"a fork goes on":  func(p *proc) { h.inFlight = 1 },
		"other children":  func(p *proc) { h.foreign = true },
		"an unknown life": func(p *proc) { h.lives[second] = true; second.start = 0 },
	} {
		h = &Host{lives: map[*kid]bool{first: true}, told: map[int]uint64{}, kids: map[int]*kid{}, logf: t.Logf}
		p := all[77]
		if got := h.straysOf(first, map[int]proc{77: p}); len(got) != 1 {
			t.Fatalf("%s: without it %v", why, got)
		}
		change(&p)
		if got := h.straysOf(first, map[int]proc{77: p}); len(got) != 0 {
			t.Errorf("%s: %v is taken for a stray", why, got)
		}
	}
}
