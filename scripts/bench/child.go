//go:build linux

package main

import (
	"bufio"
	"fmt"
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
