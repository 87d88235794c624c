package cli

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/qjpcpu/supervisord/core"
)

// The variables by which a service manager says where it listens (man 3 sd_notify, man 3 sd_watchdog_enabled). They are taken
// out of the environment, so that no process and no command of a program speaks in the daemon's name.
const (
	notifyVariable      = "NOTIFY_SOCKET"
	watchdogVariable    = "WATCHDOG_USEC"
	watchdogPIDVariable = "WATCHDOG_PID"
)

// statusPause is the least time between two lines of status, so that a storm of events is no storm of messages.
const statusPause = time.Second

// notifier tells the service manager that started the daemon how it is. Its zero value has nobody to tell.
type notifier struct {
	socket   *net.UnixAddr // nil: nobody asked
	watchdog time.Duration // it wants to hear so often that all is well; 0: it does not
	log      func(format string, args ...any)
	broken   sync.Once
}

// takeNotifier reads and removes the variables. What they say wrongly is logged and left out.
func takeNotifier(log func(string, ...any)) *notifier {
	n := &notifier{log: log}
	taken := map[string]string{}
	for _, name := range []string{notifyVariable, watchdogVariable, watchdogPIDVariable} {
		taken[name] = os.Getenv(name)
		os.Unsetenv(name)
	}
	switch socket := taken[notifyVariable]; {
	case socket == "":
		return n
	case !strings.HasPrefix(socket, "/") && !strings.HasPrefix(socket, "@"):
		log("cannot use %s=%s: want a path, or @ and a name", notifyVariable, socket)
		return n
	default:
		n.socket = &net.UnixAddr{Name: socket, Net: "unixgram"}
	}
	if pid := taken[watchdogPIDVariable]; pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return n // it was meant for another process
	}
	if text := taken[watchdogVariable]; text != "" {
		usec, err := strconv.ParseInt(text, 10, 64)
		if err != nil || usec <= 0 || usec > int64(24*time.Hour/time.Microsecond) {
			log("cannot use %s=%s: want microseconds", watchdogVariable, text)
			return n
		}
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n
}

// tell sends one message of NAME=value lines. A manager that does not listen is logged once and hinders nothing.
func (n *notifier) tell(lines ...string) {
	if n == nil || n.socket == nil {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, n.socket)
	if err == nil {
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second)) // its queue may be full
		_, err = conn.Write([]byte(strings.Join(lines, "\n")))
		conn.Close()
	}
	if err != nil {
		n.broken.Do(func() { n.log("cannot tell the service manager: %v", err) })
	}
}

// ready says that the daemon is up, or up again after a reload.
func (n *notifier) ready(status string) {
	n.tell("READY=1", "MAINPID="+strconv.Itoa(os.Getpid()), "STATUS="+status)
}

// reloading says that a reload has begun; ready ends it.
func (n *notifier) reloading() {
	n.tell("RELOADING=1", "MONOTONIC_USEC="+strconv.FormatInt(monotonic().Microseconds(), 10), "STATUS=reloading")
}

// stopping says that the end has begun and how long it may take.
func (n *notifier) stopping(most time.Duration) {
	n.tell("STOPPING=1", "STATUS=stopping", "EXTEND_TIMEOUT_USEC="+strconv.FormatInt(most.Microseconds(), 10))
}

// watch tells that all is well, twice as often as is asked for, as long as healthy says so.
func (n *notifier) watch(ctx context.Context, healthy func(context.Context) error) {
	if n.socket == nil || n.watchdog == 0 {
		return
	}
	beat := time.NewTicker(n.watchdog / 2)
	defer beat.Stop()
	last := ""
	for {
		patient, cancel := context.WithTimeout(ctx, n.watchdog/4)
		err := healthy(patient)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			n.tell("WATCHDOG=1")
			last = ""
		case err.Error() != last:
			last = err.Error()
			n.log("the watchdog is not told that all is well: %v", err)
			n.tell("STATUS=not well: " + last)
		}
		select {
		case <-beat.C:
		case <-ctx.Done():
			return
		}
	}
}

// follow tells what changes in the line of status, until ctx ends.
func (n *notifier) follow(ctx context.Context, journal *core.Journal, status func() string) {
	if n.socket == nil {
		return
	}
	last := ""
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		more := journal.Next()
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
		if now := status(); now != last {
			n.tell("STATUS=" + now)
			last = now
		}
		select {
		case <-more:
		case <-ctx.Done():
			return
		}
		pause.Reset(statusPause)
	}
}

// stoppingText says who is still awaited.
func stoppingText(all []core.Status) string {
	var left []string
	for _, s := range all {
		if s.State.HasChild() {
			left = append(left, s.Name)
		}
	}
	if len(left) == 0 {
		return "stopping"
	}
	return fmt.Sprintf("stopping; %d of %d processes are left: %s", len(left), len(all), strings.Join(few(left), ", "))
}

// few cuts a list that is for people.
func few(words []string) []string {
	const shown = 5
	if more := len(words) - shown; more > 0 {
		return append(slices.Clip(words[:shown]), fmt.Sprintf("%d more", more))
	}
	return words
}

// statusText is the daemon's state in one line.
func statusText(all []core.Status) string {
	up := 0
	var down []string
	for _, s := range all {
		switch {
		case s.State == core.Running:
			up++
		case s.Want || s.State == core.Backoff || s.State == core.Fatal:
			down = append(down, s.Name+" "+s.State.String())
		}
	}
	text := fmt.Sprintf("%d of %d processes run", up, len(all))
	if len(down) > 0 {
		text += "; " + strings.Join(few(down), ", ")
	}
	return text
}

// tellManager keeps the service manager informed as long as the daemon lives.
func (d *daemon) tellManager(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.notifier.watch(ctx, d.healthy)
	}()
	steady, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-d.ending.done:
		case <-ctx.Done():
		}
		cancel()
	}()
	d.notifier.follow(steady, d.sup.Journal(), d.statusLine)
	<-ctx.Done()
	<-done
	return nil
}

// statusLine is the daemon's state in one line.
func (d *daemon) statusLine() string {
	all, _ := d.sup.Status() // without names it never fails
	if d.stopping() {
		return stoppingText(all)
	}
	return statusText(all)
}

// healthy is what the watchdog hears: exits are noticed, and every process's loop has its turn.
func (d *daemon) healthy(ctx context.Context) error {
	if err := d.host.Alive(); err != nil {
		return err
	}
	return d.sup.Responsive(ctx)
}

// longestStop is how long an orderly stop may take: the waves of priority one after the other, each as long as its slowest.
func longestStop(specs []core.Spec) time.Duration {
	slowest := map[int]time.Duration{}
	for _, s := range specs {
		slowest[s.Care.Priority] = max(slowest[s.Care.Priority], s.Care.StopWait+s.Care.KillWait)
	}
	sum := hangUp
	for _, d := range slowest {
		sum += d
	}
	return sum
}
