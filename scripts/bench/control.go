//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// control are the figures of asking: ours, and those of the limit, a Go program that makes one HTTP request over a unix socket to a
// bare Go server, which has nothing to do but to send as many bytes as our daemon does.
type control struct {
	ask, status, restart time.Duration // one command as a whole process: the limit's, `service status` of ten, `service restart` of one
	bare, ours           [2]float64    // requests a second over one connection and over eight
}

// askedOf is how many processes the daemon has that is asked.
const askedOf = 10

// connections of the two lines of figures.
var connections = [2]int{1, 8}

// rateFor is how long requests are counted.
const rateFor = 500 * time.Millisecond

func measureControl(binary, dir string, rounds int) (f control, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return f, err
	}
	var conf strings.Builder
	socket := socketIn(dir)
	fmt.Fprintf(&conf, "admin_sock = %q\nstate_dir = %q\n", socket, filepath.Join(dir, "state"))
	for i := range askedOf {
		fmt.Fprintf(&conf, "[[process]]\nname = \"p%d\"\ncommand = \"/bin/sleep\"\nargs = [\"1000\"]\nstdout = []\nstderr = []\n", i)
	}
	file := filepath.Join(dir, "supervisord.conf")
	if err := os.WriteFile(file, []byte(conf.String()), 0o600); err != nil {
		return f, err
	}
	daemon, err := ready(dir, binary, "start", "-c", file)
	if err != nil {
		return f, err
	}
	defer daemon.wait()
	defer daemon.halt()
	if out, err := exec.Command(binary, "service", "wait", "-c", file, fmt.Sprintf("p%d", askedOf-1), "running").CombinedOutput(); err != nil {
		return f, fmt.Errorf("the daemon's processes do not come up: %w\n%s", err, out)
	}
	length, err := ask(client(socket))
	if err != nil {
		return f, err
	}
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	bare := filepath.Join(dir, "bare.sock")
	server, err := ready(dir, self, "serve", bare, strconv.Itoa(length))
	if err != nil {
		return f, err
	}
	defer server.wait()
	defer server.halt()
	var asks, statuses, restarts []time.Duration
	for range rounds {
		for _, one := range []struct {
			all   *[]time.Duration
			words []string
		}{
			{&asks, []string{self, "ask", bare}},
			{&statuses, []string{binary, "service", "status", "-c", file}},
			{&restarts, []string{binary, "service", "restart", "-c", file, "p0"}},
		} {
			began := time.Now()
			if out, err := exec.Command(one.words[0], one.words[1:]...).CombinedOutput(); err != nil {
				return f, fmt.Errorf("%s: %w\n%s", strings.Join(one.words, " "), err, out)
			}
			*one.all = append(*one.all, time.Since(began))
		}
	}
	f.ask, f.status, f.restart = median(asks), median(statuses), median(restarts)
	for i, n := range connections {
		for range 3 { // in turn; the best counts, as something else always takes some
			for _, one := range []struct {
				socket string
				best   *float64
			}{{bare, &f.bare[i]}, {socket, &f.ours[i]}} {
				rate, err := requests(one.socket, n)
				if err != nil {
					return f, err
				}
				*one.best = max(*one.best, rate)
			}
		}
	}
	return f, nil
}

// client is one that keeps one connection.
func client(socket string) *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
}

// ask asks for the status of all and returns the length of the answer.
func ask(c *http.Client) (int, error) {
	response, err := c.Post("http://supervisord/v1/eval", "application/json", strings.NewReader(`{"form":"(status)"}`))
	if err != nil {
		return 0, err
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answered %s %.200s", response.Status, body)
	}
	return len(body), err
}

// ready starts a server and waits until it says that it listens (man 3 sd_notify).
func ready(dir string, words ...string) (*program, error) {
	address := filepath.Join(dir, "notify.sock")
	news, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	defer os.Remove(address)
	defer news.Close()
	p, err := runWith([]string{notifyVariable + "=" + address}, dir, syscall.SIGTERM, words...)
	if err != nil {
		return nil, err
	}
	if err = news.SetReadDeadline(time.Now().Add(patience)); err == nil {
		message := make([]byte, 4096)
		for n := 0; err == nil && !strings.Contains(string(message[:n]), isReady); {
			n, err = news.Read(message)
		}
	}
	if err != nil {
		_ = p.halt()
		_ = p.wait()
		return nil, fmt.Errorf("%s does not say that it is ready: %w", strings.Join(words, " "), err)
	}
	return p, nil
}

// What a server says, and where, when it listens.
const (
	notifyVariable = "NOTIFY_SOCKET"
	isReady        = "READY=1"
)

// requests counts answers a second over so many connections.
func requests(socket string, connections int) (float64, error) {
	var all sync.WaitGroup
	var answers atomic.Int64
	failed := make(chan error, connections)
	begun := time.Now()
	for range connections {
		all.Go(func() {
			c := client(socket)
			defer c.CloseIdleConnections()
			for time.Since(begun) < rateFor {
				if _, err := ask(c); err != nil {
					failed <- err
					return
				}
				answers.Add(1)
			}
		})
	}
	all.Wait()
	took := time.Since(begun)
	select {
	case err := <-failed:
		return 0, err
	default:
		return float64(answers.Load()) / took.Seconds(), nil
	}
}

// askOnce is the limit of a command line: a program that asks once and prints how much came.
func askOnce(args []string) {
	n, err := ask(client(args[0]))
	check(err)
	fmt.Println(n, "bytes")
}

// serve is the limit of a server: it answers everything with so many bytes.
func serve(args []string) {
	length, err := strconv.Atoi(args[1])
	check(err)
	answer := make([]byte, length)
	listener, err := net.Listen("unix", args[0])
	check(err)
	news, err := net.Dial("unixgram", os.Getenv(notifyVariable))
	check(err)
	_, err = io.WriteString(news, isReady)
	check(err)
	check(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	})))
}
