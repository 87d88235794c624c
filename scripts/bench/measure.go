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
	"syscall"
	"time"
)

const patience = 60 * time.Second

// program is a running contestant. stop ends it and everything it started, and waits for that.
type program struct {
	pid   int
	began time.Time
	stop  func() error
}

// bare starts this program as the limit: count children kept alive by fork, exec and wait.
func bare(h *herd, count int) (program, error) {
	self, err := os.Executable()
	if err != nil {
		return program{}, err
	}
	command := exec.Command(self, "limit", strconv.Itoa(count), h.script())
	stdin, err := command.StdinPipe()
	if err != nil {
		return program{}, err
	}
	command.Stderr = os.Stderr
	began := time.Now()
	if err := command.Start(); err != nil {
		return program{}, err
	}
	return program{pid: command.Process.Pid, began: began, stop: func() error {
		stdin.Close()
		return command.Wait()
	}}, nil
}

// supervised starts supervisord in the foreground with count processes that run the herd's child.
func supervised(dir, binary string, h *herd, count int) (program, string, error) {
	var conf strings.Builder
	socket := filepath.Join(dir, "s.sock")
	fmt.Fprintf(&conf, "admin_sock = %q\nstate_dir = %q\n", socket, filepath.Join(dir, "state"))
	for i := range count {
		fmt.Fprintf(&conf, "[[process]]\nname = \"p%d\"\ncommand = \"/bin/sh\"\nargs = [\"-c\", %q]\nrestart_delay = \"0s\"\nrestart = \"always\"\nstdout = []\nstderr = []\nstop_wait_secs = 1\n", i, h.script())
	}
	file := filepath.Join(dir, "supervisord.conf")
	if err := os.WriteFile(file, []byte(conf.String()), 0o600); err != nil {
		return program{}, "", err
	}
	log, err := os.OpenFile(filepath.Join(dir, "daemon.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return program{}, "", err
	}
	defer log.Close()
	command := exec.Command(binary, "start", "-c", file)
	command.Stdout, command.Stderr = log, log
	began := time.Now()
	if err := command.Start(); err != nil {
		return program{}, "", err
	}
	return program{pid: command.Process.Pid, began: began, stop: func() error {
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		return command.Wait()
	}}, socket, nil
}

type pair struct{ ours, bare time.Duration }

// measureReplacement kills the one child again and again and takes the time until the next one announces itself.
func measureReplacement(dir, binary string, rounds int) (pair, error) {
	kills := func(h *herd, p program) (time.Duration, error) {
		defer h.close()
		defer p.stop()
		pid, err := h.next(patience)
		if err != nil {
			return 0, err
		}
		var all []time.Duration
		for range rounds {
			began := time.Now()
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				return 0, err
			}
			if pid, err = h.next(patience); err != nil {
				return 0, err
			}
			all = append(all, time.Since(began))
		}
		return median(all), nil
	}
	var result pair
	h, err := newHerd(dir, "limit1")
	if err != nil {
		return pair{}, err
	}
	p, err := bare(h, 1)
	if err != nil {
		return pair{}, err
	}
	if result.bare, err = kills(h, p); err != nil {
		return pair{}, err
	}
	if h, err = newHerd(dir, "ours1"); err != nil {
		return pair{}, err
	}
	if p, _, err = supervised(dir, binary, h, 1); err != nil {
		return pair{}, err
	}
	result.ours, err = kills(h, p)
	return result, err
}

type started struct {
	pair
	status time.Duration
	memory int64
}

// measureStart takes the time from the program's own start until the last of count children runs.
func measureStart(dir, binary string, count int) (started, error) {
	all := func(h *herd, p program) (time.Duration, error) {
		for range count {
			if _, err := h.next(patience); err != nil {
				return 0, err
			}
		}
		return time.Since(p.began), nil
	}
	var result started
	h, err := newHerd(dir, "limitN")
	if err != nil {
		return started{}, err
	}
	p, err := bare(h, count)
	if err != nil {
		return started{}, err
	}
	result.bare, err = all(h, p)
	p.stop()
	h.close()
	if err != nil {
		return started{}, err
	}
	if h, err = newHerd(dir, "oursN"); err != nil {
		return started{}, err
	}
	defer h.close()
	p, socket, err := supervised(dir, binary, h, count)
	if err != nil {
		return started{}, err
	}
	defer p.stop()
	if result.ours, err = all(h, p); err != nil {
		return started{}, err
	}
	if result.status, err = measureStatus(socket, 50); err != nil {
		return started{}, err
	}
	result.memory, err = proportionalSetSize(p.pid)
	return result, err
}

// measureStatus asks for (status) over one connection.
func measureStatus(socket string, rounds int) (time.Duration, error) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	defer client.CloseIdleConnections()
	var all []time.Duration
	for range rounds {
		began := time.Now()
		response, err := client.Post("http://supervisord/v1/eval", "application/json", strings.NewReader(`{"form":"(status)"}`))
		if err != nil {
			return 0, err
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("(status) answered %s %.200s %v", response.Status, body, err)
		}
		all = append(all, time.Since(began))
	}
	return median(all), nil
}

type resting struct {
	threads, wakeups int
	memory           int64
}

// measureRest counts the threads of a daemon with count processes, and how often any of them ran in the given time.
func measureRest(dir, binary string, count int, during time.Duration) (resting, error) {
	h, err := newHerd(dir, "rest")
	if err != nil {
		return resting{}, err
	}
	defer h.close()
	p, _, err := supervised(dir, binary, h, count)
	if err != nil {
		return resting{}, err
	}
	defer p.stop()
	for range count {
		if _, err := h.next(patience); err != nil {
			return resting{}, err
		}
	}
	// The Go runtime's own housekeeping after the burst of starts (a forced collection comes two minutes later) is given
	// time to end; what is counted afterwards is the resting daemon.
	time.Sleep(5 * time.Second)
	before, _, err := switches(p.pid)
	if err != nil {
		return resting{}, err
	}
	time.Sleep(during)
	after, threads, err := switches(p.pid)
	if err != nil {
		return resting{}, err
	}
	memory, err := proportionalSetSize(p.pid)
	return resting{threads: threads, wakeups: after - before, memory: memory}, err
}

// switches adds up the voluntary context switches of all threads: each is one wake-up that ended in sleep again.
func switches(pid int) (total, threads int, err error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			return 0, 0, err
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
				n, err := strconv.Atoi(strings.TrimSpace(rest))
				if err != nil {
					return 0, 0, err
				}
				total += n
			}
		}
	}
	return total, len(tasks), nil
}

func proportionalSetSize(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib * 1024, err
		}
	}
	return 0, fmt.Errorf("no Pss line for pid %d", pid)
}
