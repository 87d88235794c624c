//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// contestant is a program that keeps children alive.
type contestant struct {
	name  string
	begin func(dir string, h *herd, count int) (*program, error)
	ours  bool // it answers (status)
	peer  bool // measured once, where it is installed
}

// program is a running contestant.
type program struct {
	pid   int
	began time.Time
	halt  func() error // asks it to stop everything; does not wait
	wait  func() error // for its own end
}

// contestants are the bare program, ours, and the peers that are installed.
func contestants(binary string) []contestant {
	all := []contestant{
		{"bare", limited(false), false, false},
		{"bare+calls", limited(true), false, false},
		{"supervisord", supervised(binary), true, false},
		{"no-cgroups", supervised(binary, "-supvr.cgroup", "off"), true, false},
	}
	// Debian calls the other one so too; Python's is found by its interpreter line.
	if path := "/usr/bin/supervisord"; isPython(path) {
		all = append(all, contestant{"supervisor", pythonSupervisor(path), false, true})
	}
	if path, err := exec.LookPath("runsvdir"); err == nil {
		all = append(all, contestant{"runit", runit(path), false, true})
	}
	if path, err := exec.LookPath("s6-svscan"); err == nil {
		all = append(all, contestant{"s6", s6(path), false, true})
	}
	return all
}

func isPython(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	line := make([]byte, 64)
	n, _ := io.ReadFull(file, line)
	return strings.HasPrefix(string(line[:n]), "#!") && strings.Contains(strings.SplitN(string(line[:n]), "\n", 2)[0], "python")
}

// run starts a program whose output goes to a file in dir.
func run(dir string, halt syscall.Signal, words ...string) (*program, error) {
	return runWith(nil, dir, halt, words...)
}

// runWith adds something to its environment.
func runWith(env []string, dir string, halt syscall.Signal, words ...string) (*program, error) {
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := exec.Command(words[0], words[1:]...)
	command.Dir, command.Stdout, command.Stderr = dir, log, log
	command.Env = append(os.Environ(), env...)
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
	began := time.Now()
	if err := command.Start(); err != nil {
		return nil, err
	}
	return &program{pid: command.Process.Pid, began: began,
		halt: func() error { return command.Process.Signal(halt) },
		wait: func() error { _, err := command.Process.Wait(); return err },
	}, nil
}

// limited starts this program as the limit: count children kept alive by fork, exec and wait, and with all of the system calls
// that ours makes beside.
func limited(all bool) func(string, *herd, int) (*program, error) {
	return func(dir string, h *herd, count int) (*program, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		words := []string{self, "limit", strconv.Itoa(count), h.script()}
		if all {
			words = append(words, dir)
		}
		return run(dir, syscall.SIGTERM, words...)
	}
}

// supervised starts our daemon in the foreground.
func supervised(binary string, flags ...string) func(string, *herd, int) (*program, error) {
	return func(dir string, h *herd, count int) (*program, error) {
		var conf strings.Builder
		fmt.Fprintf(&conf, "admin_sock = %q\nstate_dir = %q\n", socketIn(dir), filepath.Join(dir, "state"))
		for i := range count {
			fmt.Fprintf(&conf, "[[process]]\nname = \"p%d\"\ncommand = \"/bin/sh\"\nargs = [\"-c\", %q]\nrestart_delay = \"0s\"\nrestart = \"always\"\nstdout = []\nstderr = []\nstop_wait_secs = 10\n", i, h.script())
		}
		file := filepath.Join(dir, "supervisord.conf")
		if err := os.WriteFile(file, []byte(conf.String()), 0o600); err != nil {
			return nil, err
		}
		return run(dir, syscall.SIGTERM, append([]string{binary, "start", "-c", file}, flags...)...)
	}
}

func socketIn(dir string) string { return filepath.Join(dir, "s.sock") }

// pythonSupervisor starts Python's supervisor.
func pythonSupervisor(path string) func(string, *herd, int) (*program, error) {
	return func(dir string, h *herd, count int) (*program, error) {
		var conf strings.Builder
		fmt.Fprintf(&conf, "[supervisord]\nnodaemon=true\nuser=%d\nlogfile=%s/own.log\npidfile=%s/pid\nchildlogdir=%s\nminfds=4096\n", os.Getuid(), dir, dir, dir)
		script := filepath.Join(dir, "child")
		if err := os.WriteFile(script, []byte("#!/bin/sh\n"+h.script()+"\n"), 0o700); err != nil {
			return nil, err
		}
		for i := range count {
			fmt.Fprintf(&conf, "[program:p%d]\ncommand=%s\nautorestart=true\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n", i, script)
		}
		file := filepath.Join(dir, "supervisord.conf")
		if err := os.WriteFile(file, []byte(conf.String()), 0o600); err != nil {
			return nil, err
		}
		return run(dir, syscall.SIGTERM, path, "-c", file)
	}
}

// services makes one folder with a run script for each child, as runit and s6 want it.
func services(dir string, h *herd, count int) (string, error) {
	scan := filepath.Join(dir, "services")
	for i := range count {
		service := filepath.Join(scan, fmt.Sprintf("p%d", i))
		if err := os.MkdirAll(service, 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(service, "run"), []byte("#!/bin/sh\n"+h.script()+"\n"), 0o755); err != nil {
			return "", err
		}
	}
	return scan, nil
}

func runit(path string) func(string, *herd, int) (*program, error) {
	return func(dir string, h *herd, count int) (*program, error) {
		scan, err := services(dir, h, count)
		if err != nil {
			return nil, err
		}
		return run(dir, syscall.SIGHUP, path, scan) // HUP: TERM to each runsv, and end
	}
}

func s6(path string) func(string, *herd, int) (*program, error) {
	return func(dir string, h *herd, count int) (*program, error) {
		scan, err := services(dir, h, count)
		if err != nil {
			return nil, err
		}
		return run(dir, syscall.SIGTERM, path, "-c", strconv.Itoa(count+10), scan)
	}
}
