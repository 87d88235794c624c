package child

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func given(n int) Setting { return Setting{Given: true, Value: n} }

func TestLimitsAreThoseAskedFor(t *testing.T) {
	bothWays(t, func(t *testing.T, h *Host) {
		c := command("dump")
		c.Dir = t.TempDir()
		c.Env = append(c.Env, "BYTES=\xff\xfe", "SECRET=in no command line")
		c.Limits = Limits{Umask: given(0o037), Nice: given(7), OOMScoreAdj: given(321), Rlimits: []Rlimit{
			{"core", 0, NoLimit}, {"nofile", 123, 456}, {"stack", 1 << 20, 8 << 20}}}
		k := start(t, h, c)
		d := read(t, k)
		if d.Umask != 0o037 || d.Nice != 7 || d.OOMScoreAdj != "321" {
			t.Errorf("umask %o, nice %d, oom_score_adj %s; want 37, 7, 321", d.Umask, d.Nice, d.OOMScoreAdj)
		}
		for _, want := range c.Limits.Rlimits {
			if got := d.Rlimits[want.Name]; want.Name != "nofile" && got != (unix.Rlimit{Cur: want.Soft, Max: want.Hard}) {
				t.Errorf("rlimit %s is %v, want %v", want.Name, got, want)
			}
		}
		// The soft limit of descriptors Go raises in itself; the hard one it cannot.
		if got := d.Rlimits["nofile"].Max; got != 456 {
			t.Errorf("hard limit of descriptors %d, want 456", got)
		}
		if d.SID != k.PID() || d.PGID != k.PID() || d.Dir != c.Dir {
			t.Errorf("session %d, group %d, cwd %s", d.SID, d.PGID, d.Dir)
		}
		if !slices.Equal(d.FDs, []string{"0", "1", "2"}) || strings.Trim(d.Masked, "0") != "" || strings.Trim(d.Ignored, "0") != "" {
			t.Errorf("descriptors %v, masked %s, ignored %s: it does not start clean", d.FDs, d.Masked, d.Ignored)
		}
		if d.Args[0] != c.Path || d.Comm == shimName {
			t.Errorf("argv[0] %q, comm %q: the shim shows", d.Args[0], d.Comm)
		}
		if !slices.Contains(d.Env, "SECRET=in no command line") || !slices.Contains(d.Env, UnitKey+"="+k.(*kid).unit) {
			t.Errorf("the environment is not whole: %q", d.Env)
		}
		await(t, "gone", k.Gone())
	})
}

// The soft limit of descriptors that Go raises for itself must not reach a program, nor be lost on the way through the shim.
func TestDescriptorLimitSurvivesTheShim(t *testing.T) {
	h := host(t)
	for _, one := range []struct {
		limits []Rlimit
		want   string
	}{{[]Rlimit{{"nofile", 77, 99}}, "77 99"}, {[]Rlimit{{"core", 0, 0}}, ""}} {
		var got []string
		for _, limits := range [][]Rlimit{nil, one.limits} {
			c := Command{Name: "nofile", Generation: rand.Uint64(), Path: "/bin/sh", Args: []string{"-c", "ulimit -Sn; ulimit -Hn"},
				Dir: "/", Stdout: Pipe, Limits: Limits{Rlimits: limits}}
			k := start(t, h, c)
			lines := bufio.NewScanner(k.Stdout())
			var said []string
			for lines.Scan() {
				said = append(said, lines.Text())
			}
			got = append(got, strings.Join(said, " "))
		}
		if one.want == "" {
			one.want = got[0] // as without a shim
		}
		if got[1] != one.want {
			t.Errorf("soft and hard limit %q, want %q", got[1], one.want)
		}
	}
}

func TestLimitsHoldForAServiceUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	if !hasCapability(t, unix.CAP_SYS_NICE) {
		t.Skip("root has not CAP_SYS_NICE here, as in a container, and so cannot raise a priority")
	}
	h := host(t)
	c := command("dump")
	c.User, c.Path = "nobody", copyOfSelf(t)
	c.Limits = Limits{Umask: given(0o077), Nice: given(-3), OOMScoreAdj: given(100), Rlimits: []Rlimit{{"core", 0, 0}}}
	d := read(t, start(t, h, c))
	if d.UID == 0 || slices.Contains(d.Groups, 0) {
		t.Errorf("uid %d, groups %v", d.UID, d.Groups)
	}
	if d.Umask != 0o077 || d.Nice != -3 || d.OOMScoreAdj != "100" {
		t.Errorf("umask %o, nice %d, oom_score_adj %s", d.Umask, d.Nice, d.OOMScoreAdj)
	}
}

// hasCapability tells whether this process has a capability (man 7 capabilities).
func hasCapability(t *testing.T, number int) bool {
	t.Helper()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		t.Fatal(err)
	}
	return data[number/32].Effective&(1<<(number%32)) != 0
}

func TestLaunchErrorsBehindTheShimSayWhatAndWhy(t *testing.T) {
	h := host(t)
	dir := t.TempDir()
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	junk := filepath.Join(dir, "junk")
	if err := os.WriteFile(junk, []byte("junk"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		path, dir, user string
		limits          Limits
		step            string
		want            []string
	}{
		{path: "/no/such", step: "exec", want: []string{"/no/such", "no such file", "ENOENT"}},
		{path: junk, step: "exec", want: []string{junk, "neither a program nor a script", "ENOEXEC"}},
		{path: dir, step: "exec", want: []string{dir, "permission denied", "EACCES", "cwd /"}},
		{path: "/bin/true", dir: closed, user: "nobody", step: "cwd", want: []string{closed, "EACCES", "user nobody"}},
		{path: "/bin/true", user: "nobody", limits: Limits{Rlimits: []Rlimit{{"nofile", 0, 1 << 40}}}, step: "rlimits", want: []string{"nofile", "EPERM"}},
	} {
		if one.user == "nobody" && os.Getuid() != 0 {
			continue
		}
		one.limits.Umask = given(0)
		if one.dir == "" {
			one.dir = "/"
		}
		_, err := h.Start(Command{Name: "bad", Generation: rand.Uint64(), Path: one.path, Dir: one.dir, User: one.user, Limits: one.limits, Stdout: Pipe})
		var launch *LaunchError
		if !errors.As(err, &launch) || launch.Step != one.step || launch.Temporary {
			t.Errorf("%s: got %v, want step %s", one.path, err, one.step)
			continue
		}
		for _, want := range one.want {
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: got %q, want it to hold %q", one.path, err, want)
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.inFlight != 0 || len(h.kids) != 0 {
		t.Errorf("failed starts left %d forks in flight and %d kids", h.inFlight, len(h.kids))
	}
}

// Nobody who looks at the process list sees what is passed on.
func TestSecretsAreNotInTheShimsCommandLine(t *testing.T) {
	h := host(t)
	c := Command{Name: "secret", Generation: 1, Path: "/bin/sleep", Args: []string{"1000"}, Dir: "/", Env: []string{"KEY=topsecret"}, Limits: Limits{Umask: given(0)}}
	k := start(t, h, c)
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", k.PID())); err != nil || string(text) != "/bin/sleep\x001000\x00" {
		t.Errorf("the command line is %q %v", text, err)
	}
	k2, said := (*kid)(nil), (*os.File)(nil)
	c = Command{Name: "secret", Generation: 2, Path: "/bin/sleep", Args: []string{"argsecret"}, Env: []string{"KEY=topsecret"}, Limits: Limits{Umask: given(0)}}
	p, err := h.prepare(c)
	if err != nil {
		t.Fatal(err)
	}
	err = h.onSpawner(func() {
		l, err := h.launch(c, p)
		if err == nil {
			k2, said = l.kid, l.shim
		}
	})
	if err != nil || k2 == nil {
		t.Fatal(err)
	}
	defer said.Close()
	for _, file := range []string{"cmdline", "environ"} {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", k2.PID(), file))
		if strings.HasPrefix(string(text), shimName) && strings.Contains(string(text), "secret#") == (file == "cmdline") || strings.HasPrefix(string(text), UnitKey) && strings.Contains(string(text), "topsecret") {
			t.Errorf("%s of the shim is %q", file, text)
		}
	}
	_ = k2.Kill()
	await(t, "gone", k2.Gone())
}

// ofTree are the limits whose controllers must be there on the machine that runs these tests.
func TestMemoryLimitNamesTheOOMKiller(t *testing.T) {
	needsControllers(t, "memory")
	bothWays(t, func(t *testing.T, h *Host) {
		c := command("alloc 200")
		c.Limits.MemoryMax = 50 << 20
		if problems := LimitProblems(c.Limits, "auto"); len(problems) > 0 {
			t.Fatalf("%v", problems)
		}
		k := start(t, h, c)
		exit := await(t, "exit", k.Exited())
		if exit.Signal != 9 || !exit.ByOOM || exit.OOMKills < 1 || !strings.Contains(exit.String(), "OOM killer") {
			t.Errorf("%v (%+v), want KILL by the OOM killer", exit, exit)
		}
		await(t, "gone", k.Gone())

		// A child of it is killed, and it says so itself.
		c = command("alloc-in-a-child 200")
		c.Limits.MemoryMax = 50 << 20
		k = start(t, h, c)
		exit = await(t, "exit", k.Exited())
		if exit.Code != 3 || exit.ByOOM || exit.OOMKills != 1 || exit.String() != "exit code 3 (the kernel's OOM killer ended 1 of its processes)" {
			t.Errorf("%v (%+v)", exit, exit)
		}
		await(t, "gone", k.Gone())

		// One that we kill is not the OOM killer's.
		c = command("alloc 1")
		c.Limits.MemoryMax = 50 << 20
		k = start(t, h, c)
		bufio.NewReader(k.Stdout()).ReadString('\n')
		if err := k.Kill(); err != nil {
			t.Fatal(err)
		}
		if exit = await(t, "exit", k.Exited()); exit.String() != "signal KILL" {
			t.Errorf("%v (%+v), want signal KILL and no more", exit, exit)
		}
		await(t, "gone", k.Gone())
		nothingHeld(t, h)
	})
}

// nothingHeld wants the cgroups of lives that are over to be gone.
func nothingHeld(t *testing.T, h *Host) {
	t.Helper()
	h.controllers.mu.Lock()
	defer h.controllers.mu.Unlock()
	h.controllers.remove(nil)
	for _, root := range h.controllers.made {
		if left, _ := filepath.Glob(root + "/*/"); len(left) > 0 {
			t.Errorf("cgroups are left: %v", left)
		}
	}
}

func TestForkBombIsBounded(t *testing.T) {
	needsControllers(t, "pids")
	bothWays(t, func(t *testing.T, h *Host) {
		c := command("forks 300")
		c.Limits.PIDsMax = 100
		k := start(t, h, c)
		if err := k.Stdout().SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(k.Stdout()).ReadString('\n')
		forked := 0
		if _, e := fmt.Sscanf(line, "forked %d", &forked); e != nil || err != nil {
			t.Fatalf("it said %q, %v", line, err)
		}
		if forked == 0 || forked >= 100 {
			t.Errorf("%d children, want less than 100", forked)
		}
		// Others are not hurt.
		other := start(t, h, command("exit 5"))
		if exit := await(t, "the other's exit", other.Exited()); exit.Code != 5 {
			t.Errorf("another process got %v", exit)
		}
		begun := time.Now()
		if err := k.Kill(); err != nil {
			t.Fatal(err)
		}
		await(t, "gone", k.Gone())
		t.Logf("%d forked, gone %v after KILL", forked, time.Since(begun))
		nothingHeld(t, h)
	})
}

// A thousand milliseconds of waiting are enough to tell a tenth of a processor from a whole one.
func TestProcessorLimitHolds(t *testing.T) {
	needsControllers(t, "cpu")
	h := host(t)
	c := command("spin")
	c.Limits.CPUMax = 0.1
	k := start(t, h, c)
	<-time.After(time.Second)
	if err := k.Kill(); err != nil {
		t.Fatal(err)
	}
	if exit := await(t, "exit", k.Exited()); exit.User+exit.System > 400*time.Millisecond {
		t.Errorf("it had %v of processor time in a second, want a tenth", exit.User+exit.System)
	}
}

// raced reports whether this binary, and so the shim, has the race detector in it.
func raced() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" && s.Value == "true" })
}

// The smallest limits are the program's: none of them is used up by what prepares it.
func TestTightLimitsAreForTheProgramAlone(t *testing.T) {
	needsControllers(t, "pids", "memory")
	h := host(t)
	c := Command{Name: "tight", Generation: 1, Path: "/bin/sleep", Args: []string{"0"}, Dir: "/",
		Limits: Limits{PIDsMax: 1, MemoryMax: 4 << 20, Rlimits: []Rlimit{{"as", 64 << 20, 64 << 20}, {"nofile", 16, 16}, {"nproc", 1, 1}}}}
	if raced() { // whose runtime takes more than that for itself
		c.Limits.Rlimits = c.Limits.Rlimits[1:]
	}
	for range 20 {
		c.Generation++
		k := start(t, h, c)
		if exit := await(t, "exit", k.Exited()); exit.Code != 0 {
			t.Fatalf("%v", exit)
		}
	}
}

// A cgroup v2 hands a controller on only when no process is in it: the daemon moves aside, and back at its end. The huge
// pages' controller stands in for the three others, which most machines with v1 keep there.
func TestControllersOfCgroupTwoAreSwitchedOn(t *testing.T) {
	needsControllers(t, "unified")
	own, err := ownCgroup()
	if err != nil {
		t.Fatal(err)
	}
	spare := ""
	for _, name := range []string{"memory", "hugetlb", "misc", "rdma", "io"} {
		if lists(own+"/cgroup.controllers", name) {
			spare = name
			break
		}
	}
	if spare == "" {
		t.Skip("cgroup v2 has no controller here")
	}
	plays(t, false, "divides", spare)
}

// divides runs in a cgroup of its own.
func divides(instance, name string) {
	top, err := ownCgroup()
	try(err)
	had := lists(top+"/cgroup.subtree_control", name)
	try(write(top+"/cgroup.subtree_control", "+"+name))
	own := filepath.Join(top, "supervisord-"+instance+"-nest")
	try(os.Mkdir(own, 0o755))
	try(write(own+"/cgroup.procs", fmt.Sprint(os.Getpid())))
	h := newHost(instance, "auto")
	if filepath.Dir(h.cgroups.root) != own {
		complain("cgroups below %s, want %s", h.cgroups.root, own)
	}
	try(h.controllers.enable(name))
	if !lists(h.cgroups.root+"/cgroup.subtree_control", name) {
		complain("%s is not switched on", name)
	}
	k := startIn(h, command("exit 4"))
	if exit := endOf(k); exit.Code != 4 {
		complain("%v", exit)
	}
	// Somebody else's process in the way is left where it is, and said.
	try(h.Close())
	if inside, _ := ownCgroup(); inside != own {
		complain("the daemon is in %s after its end, want %s", inside, own)
	}
	if _, err := os.Stat(h.cgroups.root); err == nil {
		complain("%s is left", h.cgroups.root)
	}
	try(write(top+"/cgroup.procs", fmt.Sprint(os.Getpid())))
	try(unix.Rmdir(own))
	if !had {
		try(write(top+"/cgroup.subtree_control", "-"+name))
	}
}

// A leader that this program has killed was not the OOM killer's, even if that had ended others of its tree.
func TestAKillOfOursIsNotTheOOMKillers(t *testing.T) {
	counts := filepath.Join(t.TempDir(), "memory.events")
	if err := os.WriteFile(counts, []byte("oom 1\noom_kill 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kill   bool
		signal int
		by     bool
	}{{false, 9, true}, {true, 9, false}, {false, 0, false}, {false, 11, false}} {
		k := &kid{host: host(t), unit: "oom#1", scope: Process, kills: counts, kill: c.kill, exited: make(chan Exit, 1), gone: make(chan struct{})}
		k.leaderReaped(Exit{Signal: c.signal})
		if exit := <-k.exited; exit.OOMKills != 1 || exit.ByOOM != c.by {
			t.Errorf("%+v: got %+v", c, exit)
		}
	}
}
