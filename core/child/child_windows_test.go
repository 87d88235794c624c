package child

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var theHost = sync.OnceValues(func() (*Host, error) {
	return NewHost(Options{Logf: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }})
})

const worked = 100 * time.Millisecond

func TestExitCodesAreTold(t *testing.T) {
	for _, code := range []uint32{0, 1, 3, 255, 259, 70000, 0xC0000005} {
		k := start(t, program("exit", strconv.FormatUint(uint64(code), 10)))
		if e := end(t, k); uint32(e.Code) != code || e.Signal != 0 || e.At.IsZero() {
			t.Errorf("exit %d told as %+v", code, e)
		}
		gone(t, k)
	}
}

func TestOutputArrivesWhole(t *testing.T) {
	c := program("lines", "20000")
	c.Stderr = Same
	k := start(t, c)
	got, err := io.ReadAll(k.Stdout())
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(string(got), "\n"); len(lines) != 20001 || lines[19999] != "line 19999" || lines[20000] != "the end" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	if k.Stderr() != nil {
		t.Error("stderr has a pipe of its own")
	}
	end(t, k)
}

func TestAnIdlePipeNeedsNoThread(t *testing.T) {
	k := start(t, program("stay"))
	r := bufio.NewReader(k.Stdout())
	line(t, r)
	// The poller has it: a deadline ends the read, as it could not if the read sat in a system call.
	if err := k.Stdout().SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read ended with %v", err)
	}
}

// TestALoadIsThatOfTheWholeJob: children count that are in groups of their own; what is over, or nobody's, is left out.
func TestALoadIsThatOfTheWholeJob(t *testing.T) {
	h, err := theHost()
	if err != nil {
		t.Fatal(err)
	}
	k := start(t, program("tree", "4", "stay"))
	handles(t, bufio.NewReader(k.Stdout()), 4)
	alone := start(t, program("worked"))
	line(t, bufio.NewReader(alone.Stdout()))
	loads, err := h.Measure([]int{k.PID(), alone.PID(), os.Getpid()})
	if err != nil || len(loads) != 2 {
		t.Fatalf("%+v %v", loads, err)
	}
	tree, one := loads[k.PID()], loads[alone.PID()]
	if tree.Processes != 4 || tree.Threads < 4 || tree.Memory <= one.Memory {
		t.Errorf("a tree of four takes %+v", tree)
	}
	if one.Processes != 1 || one.Threads < 1 || one.Memory < 1<<20 {
		t.Errorf("one takes %+v", one)
	}
	if err := k.Kill(); err != nil {
		t.Fatal(err)
	}
	gone(t, k)
	if loads, err := h.Measure([]int{k.PID()}); err != nil || len(loads) != 0 {
		t.Errorf("of what is gone: %+v %v", loads, err)
	}
	t.Run("processor time", func(t *testing.T) {
		if isWine() {
			t.Skip("Wine tells whoever asks for the processor time of others its own")
		}
		if one.CPU < worked || one.CPU > time.Minute {
			t.Errorf("one that worked for %v took %v", worked, one.CPU)
		}
	})
	t.Run("handles", func(t *testing.T) {
		if tree.Handles == 0 {
			t.Skip("this system does not count the handles of others: Wine")
		}
		if one.Handles < 3 || tree.Handles <= one.Handles {
			t.Errorf("%d handles of one, %d of four", one.Handles, tree.Handles)
		}
	})
}

// TestManyChildrenNeedFewThreads: the thread pool waits for sixty-odd processes a thread.
func TestManyChildrenNeedFewThreads(t *testing.T) {
	before := threads(t)
	const many = 40
	var all []Child
	for range many {
		c := program("stay")
		k := start(t, c)
		line(t, bufio.NewReader(k.Stdout()))
		all = append(all, k)
	}
	if n := threads(t) - before; n > many/2 {
		t.Errorf("%d threads more with %d children", n, many)
	}
	for _, k := range all {
		if err := k.Kill(); err != nil {
			t.Error(err)
		}
	}
	for _, k := range all {
		end(t, k)
		gone(t, k)
	}
}

// TestNoHandleIsLeftOfALife: a daemon that restarts something for months has no more of them than at first.
func TestNoHandleIsLeftOfALife(t *testing.T) {
	h, err := theHost()
	if err != nil {
		t.Fatal(err)
	}
	text := notAProgram(t)
	folder := filepath.Dir(text)
	live := func() {
		c := program("exit", "0")
		c.Stderr = Same
		k := start(t, c)
		end(t, k)
		gone(t, k)
		k.Stdout().Close()
		for _, bad := range []Command{{Path: text, Stdout: Pipe, Stderr: Pipe}, {Path: filepath.Join(folder, "missing"), Stdout: Pipe}, {Path: os.Args[0], Dir: text}} {
			if _, err := h.Start(bad); err == nil {
				t.Fatal("it starts")
			}
		}
	}
	for range 3 {
		live()
	}
	before := openHandles(t)
	const lives = 20
	for range lives {
		live()
	}
	if n := openHandles(t) - before; n > lives/4 { // threads come and go
		t.Errorf("%d handles more after %d lives", n, lives)
	}
}
