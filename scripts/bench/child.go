//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// herd is the place where children announce themselves: each writes its pid to the FIFO `up` and then blocks for ever in
// opening the FIFO `hold`, which nobody writes.
type herd struct {
	up, hold string
	lines    *bufio.Reader
	file     *os.File
}

func newHerd(dir, name string) (*herd, error) {
	h := &herd{up: filepath.Join(dir, name+".up"), hold: filepath.Join(dir, name+".hold")}
	for _, path := range []string{h.up, h.hold} {
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			return nil, fmt.Errorf("cannot make fifo %s: %w", path, err)
		}
	}
	// Read and write: the end of file that a FIFO without writers reports is not wanted here.
	file, err := os.OpenFile(h.up, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	h.file, h.lines = file, bufio.NewReader(file)
	return h, nil
}

func (h *herd) close() { h.file.Close() }

// script is the child's program text for /bin/sh -c.
func (h *herd) script() string {
	return fmt.Sprintf("echo $$ >%s; read -r x <%s", h.up, h.hold)
}

// next waits for the next child to announce itself and returns its pid.
func (h *herd) next(patience time.Duration) (int, error) {
	if err := h.file.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	line, err := h.lines.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("no child announced itself: %w", err)
	}
	return strconv.Atoi(strings.TrimSpace(line))
}

// limit is the bare program: it keeps `alive` children running by nothing but fork, exec and wait, and ends, with all
// its children, when its standard input does.
func limit(args []string) {
	count, err := strconv.Atoi(args[0])
	if err != nil {
		panic(err)
	}
	script := args[1]
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	fd := null.Fd()
	start := func() {
		_, err := syscall.ForkExec("/bin/sh", []string{"/bin/sh", "-c", script}, &syscall.ProcAttr{
			Env: []string{"PATH=/usr/bin:/bin"}, Files: []uintptr{fd, fd, fd},
			Sys: &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
		})
		if err != nil {
			panic(err)
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for range count {
		start()
	}
	for {
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(-1, &status, 0, nil); err == nil {
			start()
		}
	}
}
