package child

import (
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/qjpcpu/supervisord/core/descriptors"
)

// Start starts a program in a session of its own. See Starter.
func (h *Host) Start(c Command) (Child, error) {
	var l launch
	// What hangs in this hangs who called, and no spawner thread, which others wait for.
	p, err := h.prepare(c)
	if err == nil {
		if closed := h.onSpawner(func() { l, err = h.launch(c, p) }); closed != nil {
			err = failure("fork", c.Path, closed)
		}
	}
	if err == nil && l.shim != nil {
		err = h.hearShim(l.kid, c, l.id, l.shim)
	}
	if err != nil {
		return nil, ofCommand(c, err)
	}
	return l.kid, nil
}

// launch is a start that has come as far as the fork.
type launch struct {
	kid  *kid
	id   Identity
	shim *os.File // tells whether exec has succeeded; nil when it has
}

// prepared is what a Command comes to, looked up.
type prepared struct {
	id      Identity
	unit    string
	env     []string
	path    string
	shimmed bool // it becomes the program by way of the shim
}

// prepare looks at everything that the start is about.
func (h *Host) prepare(c Command) (p prepared, err error) {
	if p.id, err = LookupUser(c.User, c.Group); err != nil {
		return p, identityFailure(c, err)
	}
	p.unit = c.unit()
	p.env = h.environment(c.Env, p.unit, p.id)
	if p.path, err = lookPath(c.Path, c.Dir, p.env); err != nil {
		return p, failure("exec", c.Path, err)
	}
	if c.Dir != "" {
		// Asked here because exec's own error would name the program and not the directory.
		if info, err := os.Stat(c.Dir); err != nil {
			return p, failure("cwd", c.Dir, plain(err))
		} else if !info.IsDir() {
			return p, failure("cwd", c.Dir, unix.ENOTDIR)
		}
	}
	program := abs(p.path, c.Dir)
	p.shimmed = c.Limits.ofProgram() || c.Limits.ofTree() || exposed(p.id) || mayHang(program) || c.Dir != "" && mayHang(c.Dir)
	if !p.shimmed {
		h.rehearsals.wait(program, c.Dir)
	}
	return p, nil
}

// launch runs on a spawner thread.
func (h *Host) launch(c Command, p prepared) (launch, error) {
	k := &kid{host: h, name: c.Name, scope: c.Scope, unit: p.unit, exited: make(chan Exit, 1), gone: make(chan struct{})}
	id, env, path := p.id, p.env, p.path
	files, err := h.pipes(k, c)
	if err != nil {
		return launch{}, failure("pipe", c.Name, err)
	}
	defer func() {
		for _, file := range files {
			if file != h.null {
				file.Close()
			}
		}
	}()
	attr := &syscall.ProcAttr{Dir: c.Dir, Env: env, Sys: &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}}
	for _, file := range files {
		attr.Files = append(attr.Files, file.Fd())
	}
	if id.Set {
		attr.Sys.Credential = &syscall.Credential{Uid: id.UID, Gid: id.GID, Groups: id.Groups}
	}
	if h.cgroups != nil && c.Scope == Tree && (p.shimmed || !h.noClone3.Load()) {
		if err := h.ownCgroup(k, c, attr.Sys); err != nil {
			h.logf("%s: cannot make a cgroup: %v; its tree is found by descent", c.Name, err)
		} else {
			defer unix.Close(attr.Sys.CgroupFD)
		}
	}
	if c.Limits.ofTree() {
		if k.held, k.kills, err = h.controllers.hold(c.Name, c.Generation, c.Limits, k.cgroup); err != nil {
			k.discard()
			return launch{}, failure("cgroup", c.Name, err)
		}
	}
	argv := append([]string{c.Path}, c.Args...)
	l := launch{kid: k, id: id}
	if p.shimmed {
		l.shim, err = h.forkShim(k, k.order(c, id, path, argv, env), attr)
	} else {
		err = h.fork(k, path, argv, attr)
	}
	if err != nil {
		k.discard()
		return launch{}, launchFailure(c, id, path, err)
	}
	return l, nil
}

// order is what the shim has to do to become the program.
func (k *kid) order(c Command, id Identity, path string, argv, env []string) order {
	o := order{Parent: os.Getpid(), Limits: c.Limits, Join: bytesOf(k.held), Set: id.Set, UID: int(id.UID), GID: int(id.GID),
		Groups: id.Groups, Dir: []byte(c.Dir), Path: []byte(path), Argv: bytesOf(argv), Env: bytesOf(env)}
	if k.cgroup != nil {
		o.Join = append(o.Join, []byte(k.cgroup.path))
	}
	return o
}

// ownCgroup makes the cgroup that the fork is to enter.
func (h *Host) ownCgroup(k *kid, c Command, attr *syscall.SysProcAttr) error {
	g, err := h.cgroups.enter(c.Name, c.Generation)
	if err != nil {
		return err
	}
	fd, err := g.open()
	if err != nil {
		h.cgroups.leave(g)
		return err
	}
	k.cgroup, attr.UseCgroupFD, attr.CgroupFD = g, true, fd
	return nil
}

// fork forks and makes the child known. Go's fork opens its exec-error pipe under its own lock, which is shared by concurrent forks.
func (h *Host) fork(k *kid, path string, argv []string, attr *syscall.ProcAttr) error {
	pidfd := -1
	attr.Sys.PidFD = &pidfd
	h.ledger.begun(k)
	h.forkBegins()
	pid, err := syscall.ForkExec(path, argv, attr)
	if attr.Sys.UseCgroupFD && (err == unix.ENOSYS || err == unix.EPERM) {
		// Containers hide clone3, the only call that forks into a cgroup, or forbid it. EPERM may be the program's own: then it is
		// refused without clone3 too, which says nothing about that.
		h.cgroups.leave(k.cgroup)
		k.cgroup, attr.Sys.UseCgroupFD = nil, false
		without := err
		if pid, err = syscall.ForkExec(path, argv, attr); err != without && !h.noClone3.Swap(true) {
			h.logf("clone3 is refused here: trees are found by descent")
		}
	}
	if err != nil {
		h.forkFailed()
		h.ledger.over(k)
		return err
	}
	k.pid, k.pinned = pid, true
	if k.cgroup == nil {
		if p, err := readProc(pid); err == nil {
			k.start = p.start
		}
		h.ledger.begun(k) // now with its number
	}
	h.register(k, pidfd)
	if pidfd >= 0 {
		unix.Close(pidfd)
	}
	return nil
}

// pipes makes what the child gets as 0, 1 and 2, and gives the read ends to the kid.
func (h *Host) pipes(k *kid, c Command) ([]*os.File, error) {
	files := []*os.File{h.null, h.null, h.null}
	for i, stream := range []Stream{c.Stdout, c.Stderr} {
		if stream == Same {
			files[i+1] = files[i]
		}
		if stream != Pipe {
			continue
		}
		r, w, err := pipe(c.Name)
		if err != nil {
			for _, file := range files {
				if file != h.null {
					file.Close()
				}
			}
			k.discard()
			return nil, err
		}
		files[i+1] = w
		if i == 0 {
			k.stdout = r
		} else {
			k.stderr = r
		}
	}
	return files, nil
}

// pipe makes a pipe whose read end does not block and whose write end does: programs do not expect EAGAIN on their stdout.
func pipe(name string) (r, w *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, err
	}
	err = unix.SetNonblock(fds[0], true)
	if descriptors.Low(uintptr(fds[1])) {
		err = unix.EMFILE // the last ones are for commands
	}
	if err != nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "output of "+name), os.NewFile(uintptr(fds[1]), "output of "+name), nil
}

// environment completes what the caller gave: the markers, and for another user what login(1) would set where it is missing.
func (h *Host) environment(env []string, unit string, id Identity) []string {
	out := append(slices.Clip(slices.Clone(env)), UnitKey+"="+unit, DaemonKey+"="+h.mark)
	if !id.Set || id.Name == "" {
		return out
	}
	for _, kv := range [][2]string{{"HOME", id.Home}, {"USER", id.Name}, {"LOGNAME", id.Name}, {"SHELL", "/bin/sh"}} {
		if _, declared := lookupEnv(env, kv[0]); !declared && kv[1] != "" {
			out = append(out, kv[0]+"="+kv[1])
		}
	}
	return out
}
