package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/qjpcpu/supervisord/builtins"
	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/config"
	"github.com/qjpcpu/supervisord/core/descriptors"
	"github.com/qjpcpu/supervisord/core/logs"
	"github.com/qjpcpu/supervisord/lisp"
	"github.com/qjpcpu/supervisord/repl"
)

// compose puts the rooms together, from the lock to the open listeners; nothing is started yet. undo takes apart what
// there is of them, whether or not all was made, in the reverse order.
func (d *daemon) compose(loaded config.Config, background bool) (undo func(), err error) {
	var steps []func()
	undo = func() {
		for _, step := range slices.Backward(steps) {
			step()
		}
	}
	settings := loaded.Settings
	d.settings.Store(&settings)
	d.place = loaded.Place
	if err := d.place.Prepare(); err != nil {
		return undo, err
	}
	lock, err := d.place.Acquire()
	var held *config.HeldError
	if errors.As(err, &held) {
		if one := d.origin.over.Process; one != nil {
			return undo, fmt.Errorf("%w (supervisord add-proc %s ... gives it one more process, supervisord shutdown ends it)", err, one.Name)
		}
		return undo, fmt.Errorf("%w (supervisord reload takes changes over, supervisord shutdown ends it)", err)
	}
	if err != nil {
		return undo, err
	}
	steps = append(steps, func() { _ = lock.Close() }) // the end of the process would do it too

	logPath := settings.Log
	if logPath == "" && background {
		logPath = d.place.Log
	}
	var w io.Writer
	if w, d.closeLog, err = d.session.ownLog(logPath); err != nil {
		return undo, err
	}
	d.diary = newDiary(w)
	d.diary.set(settings.LogFormat, settings.LogLevel)
	d.ownLogPath = logPath
	d.notifier = takeNotifier(d.diary.Warnf)
	steps = append(steps, func() {
		// The last words of the log cannot say that it could not be closed.
		_ = d.closeLog()
		if d.ending.clear.Load() && logPath != "" {
			_, _ = clearOwnLog(logPath)
		}
	})
	if d.audit, err = rotated(d.place.Audit); err != nil {
		return undo, err
	}
	steps = append(steps, func() { _ = d.audit.Close() })

	d.host, err = child.NewHost(child.Options{CgroupMode: settings.Cgroup, Instance: d.place.Instance, Ledger: d.place.Lives, Logf: d.diary.Warnf})
	if err != nil {
		return undo, err
	}
	steps = append(steps, func() { d.say(d.host.Close()) })
	d.diary.log(slog.LevelDebug, "trees of processes are held by: "+strings.Join(d.host.Features(), ", "))
	d.logs = logs.New(logs.Options{Stdout: d.session.stdio.Out, Stderr: d.session.stdio.Err, Notice: d.noticed})
	steps = append(steps, func() { d.say(d.logs.Close()) })
	if err := d.wanted.begin(loaded); err != nil {
		return undo, err
	}
	for _, warning := range d.wanted.warnings {
		d.diary.Warnf("%s", warning)
	}
	d.remember()
	if d.listened, err = newSwitchboard(d.newServer, doors(d.place, settings)); err != nil {
		return undo, err
	}
	steps = append(steps, d.listened.end)
	address := childAddress(d.firstDoor())
	d.sup = core.New(core.Options{
		Starter: d.host, Logs: d.logs, BaseEnv: os.Environ(), JournalSize: journalSize, Address: address,
	})
	if d.engine, err = d.newEngine(settings, address); err != nil {
		return undo, err
	}
	if background {
		if err := settle(); err != nil {
			return undo, fmt.Errorf("cannot go into the background: %w", err)
		}
	}
	if err := d.announce(); err != nil {
		return undo, err
	}
	steps = append(steps, func() { d.say(d.place.RemoveInfo()) })
	return undo, nil
}

// say notes an error that nobody waits for.
func (d *daemon) say(err error) {
	if err != nil {
		d.diary.Errorf("%v", err)
	}
}

// announce tells commands where the daemon listens.
func (d *daemon) announce() error {
	v, _ := buildVersion()
	return d.place.WriteInfo(config.Info{Address: d.address(), PID: os.Getpid(), Version: v, Token: d.place.Token})
}

// remember notes the users whom processes run as. The holder of the slot calls it.
func (d *daemon) remember() {
	users := managedUsers(d.wanted.specs())
	d.managed.Store(&users)
}

// noticed notes what the processes' logs have to say.
func (d *daemon) noticed(n logs.Notice) {
	level := slog.LevelWarn
	switch n.Kind {
	case logs.Degraded:
		level = slog.LevelError
	case logs.Recovered, logs.Reopened:
		level = slog.LevelInfo
	}
	d.diary.log(level, n.String(), slog.String("log", n.Path), slog.String("kind", n.Kind.String()), slog.Int64("bytes", n.Bytes))
}

// newServer makes the server behind a door.
func (d *daemon) newServer(at door) (*repl.Server, error) {
	group, err := groupID(at.group)
	if err != nil {
		return nil, err
	}
	options := repl.ServerOptions{
		Eval: d.answer, GID: group, Hosts: at.hostNames(),
		Managed: func(uid int) bool { return (*d.managed.Load())[uid] },
		Health:  d.health,
		Scarce:  func(fd uintptr) (low, very bool) { return descriptors.Low(fd), descriptors.VeryLow(fd) },
		Metrics: func(w io.Writer) { _ = d.engine.Metrics(w) }, // who went away does not want to know
		Log:     d.diary.Warnf,
		Refused: d.keptOut,
	}
	if at.network == "tcp" {
		if options.Token, err = repl.CreateToken(d.place.Token); err != nil {
			return nil, err
		}
	}
	return repl.NewServer(options), nil
}

// keptOut puts on record what the door did not let in: for who sent it, or because it was none of the requests that are taken here.
func (d *daemon) keptOut(r repl.Refusal) {
	kind := "invalid"
	switch r.Status {
	case http.StatusUnauthorized:
		kind = "unauthorized"
	case http.StatusForbidden:
		kind = "forbidden"
	}
	why := r.Message
	if r.Last {
		why += "; what else is refused in this hour is not told"
	}
	d.engine.Refused(r.Peer.String(), strings.TrimSpace(r.Method+" "+r.Path), r.Count, lisp.Errorf(kind, "%s", why))
}

// health is what GET /v1/health answers: nothing secret.
func (d *daemon) health() any {
	v, _ := buildVersion()
	state := "running"
	switch {
	case d.stopping():
		state = "stopping"
	case !d.booted.Load():
		state = "starting"
	}
	var trouble repl.Trouble
	if t := d.trouble(); t != nil {
		trouble = *t
	}
	return struct {
		Version string `json:"version"`
		State   string `json:"state"`
		repl.Trouble
	}{v, state, trouble}
}

// trouble is what every answer tells: what is wrong with the daemon itself.
func (d *daemon) trouble() *repl.Trouble {
	t := repl.Trouble{LogLinesLost: int(d.diary.Lost()), HooksFailing: d.engine.FailingHooks()}
	if t == (repl.Trouble{}) {
		return nil
	}
	return &t
}

// newEngine makes the engine that evaluates forms against this daemon.
func (d *daemon) newEngine(settings config.Settings, address string) (*builtins.Engine, error) {
	v, c := buildVersion()
	host := &builtins.Host{
		Sup:        d.sup,
		Version:    builtins.VersionInfo{Version: v, Commit: c},
		Starter:    d.host,
		Environ:    commandEnviron(address),
		Config:     d.configuration,
		Plan:       d.plan,
		Reload:     d.reload,
		AddProc:    d.add,
		RemoveProc: d.remove,
		Shutdown:   d.shutdown,
		ReopenLogs: d.reopenLogs,
		DaemonLog:  d.ownTail, AwaitDaemonLog: d.diary.await,
	}
	if err := builtins.CheckVerbs(d.session.options.Verbs); err != nil {
		return nil, fmt.Errorf("cannot add the embedder's verbs: %w", err)
	}
	return builtins.NewEngine(builtins.EngineOptions{
		Verbs: d.session.options.Verbs,
		Host:  host, Policy: builtins.Policy{DisableRCE: settings.DisableRCE}, Audit: d.audit, Log: d.diary.Logf, Fault: d.diary.Errorf,
	}), nil
}

// configuration is what (config) shows; secrets are masked there.
func (d *daemon) configuration() map[string]any {
	return config.Effective(config.Config{Path: d.origin.path, Settings: *d.settings.Load(), Specs: d.sup.Specs()})
}

// commandEnviron is what the commands of programs get: the daemon's environment without its token, and its address.
func commandEnviron(address string) []string {
	env := slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, "SUPERVISORD_TOKEN=") })
	return append(env, core.AddressKey+"="+address)
}
