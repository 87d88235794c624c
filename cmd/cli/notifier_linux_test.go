package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core"
)

// HearNotices listens where a service manager does, until the test ends, and hands on the messages.
func HearNotices(t *testing.T, address string) <-chan string {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	messages := make(chan string, 10_000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 1<<16)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			messages <- string(buffer[:n])
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return messages
}

// TestWatchdogHearsOnlyWhatIsTrue: while all is well it hears so twice per interval; when it is not, nothing but the reason,
// once; then again.
func TestWatchdogHearsOnlyWhatIsTrue(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	messages := HearNotices(t, address)
	t.Setenv(notifyVariable, address)
	t.Setenv(watchdogVariable, "40000")
	t.Setenv(watchdogPIDVariable, "")
	n := takeNotifier(t.Logf)
	if os.Getenv(notifyVariable)+os.Getenv(watchdogVariable) != "" || n.watchdog != 40*time.Millisecond {
		t.Fatalf("taken %+v", n)
	}
	var sick atomic.Bool
	asked := make(chan struct{}, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.watch(ctx, func(ctx context.Context) error {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("asked without a bound")
			}
			asked <- struct{}{}
			if sick.Load() {
				return errors.New("the loop of web does not answer")
			}
			return nil
		})
	}()
	await := func(want string) {
		t.Helper()
		late := time.After(20 * time.Second)
		for {
			select {
			case m := <-messages:
				if m == want {
					return
				}
			case <-late:
				t.Fatalf("never heard %q", want)
			}
		}
	}
	await("WATCHDOG=1")
	await("WATCHDOG=1")
	sick.Store(true)
	await("STATUS=not well: the loop of web does not answer")
	for range 5 { // asked again and again, and nothing is said
		for len(asked) > 0 {
			<-asked
		}
		<-asked
	}
	select {
	case m := <-messages:
		t.Errorf("heard %q", m)
	default:
	}
	sick.Store(false)
	await("WATCHDOG=1")
	cancel()
	<-done
}

// TestNotifierBearsWhatIsWrong: variables that make no sense, a manager that is gone.
func TestNotifierBearsWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ socket, usec, pid, logged string }{
		{"", "", "", ""},
		{"relative/path", "", "", "cannot use NOTIFY_SOCKET=relative/path"},
		{"vsock:2:1234", "", "", "cannot use NOTIFY_SOCKET"},
		{"/nowhere/at/all", "soon", "", "cannot use WATCHDOG_USEC=soon"},
		{"/nowhere/at/all", "-1", "", "cannot use WATCHDOG_USEC=-1"},
		{"/nowhere/at/all", "1000", strconv.Itoa(os.Getpid() + 1), ""},
		{"/nowhere/at/all", "", "", "cannot tell the service manager"},
	} {
		t.Setenv(notifyVariable, c.socket)
		t.Setenv(watchdogVariable, c.usec)
		t.Setenv(watchdogPIDVariable, c.pid)
		var log []string
		n := takeNotifier(func(format string, args ...any) { log = append(log, fmt.Sprintf(format, args...)) })
		if n.watchdog != 0 {
			t.Errorf("%+v: watchdog %v", c, n.watchdog)
		}
		n.watch(t.Context(), nil)
		if c.logged == "cannot tell the service manager" {
			n.ready("up")
			n.ready("up")
		}
		if len(log) > 1 || !strings.Contains(strings.Join(log, ""), c.logged) || (c.logged == "") != (len(log) == 0) {
			t.Errorf("%+v: %q", c, log)
		}
	}
	var none *notifier
	none.ready("x") // nobody asked
}

func TestStatusTextNamesWhatIsDown(t *testing.T) {
	all := []core.Status{{Name: "web", State: core.Running, Want: true}, {Name: "job", State: core.Exited}, {Name: "db", State: core.Backoff, Want: true},
		{Name: "old", State: core.Stopped}}
	if got := statusText(all); got != "1 of 4 processes run; db backoff" {
		t.Error(got)
	}
	for range 9 {
		all = append(all, core.Status{Name: "x", State: core.Fatal, Want: true})
	}
	if got := statusText(all); got != "1 of 13 processes run; db backoff, x fatal, x fatal, x fatal, x fatal, 5 more" {
		t.Error(got)
	}
	if got := stoppingText([]core.Status{{Name: "web", State: core.Stopping}, {Name: "db", State: core.Running}, {Name: "x", State: core.Exited}}); got != "stopping; 2 of 3 processes are left: web, db" {
		t.Error(got)
	}
	if got := statusText(nil); got != "0 of 0 processes run" {
		t.Error(got)
	}
}
