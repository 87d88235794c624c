package child

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

func TestInterpreterIsTheOneTheKernelLoads(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"#!/bin/sh\nexit":                       "/bin/sh",
		"#! \t/usr/bin/env -S sh -e\n":          "/usr/bin/env",
		"#!":                                    "",
		"#! \n/bin/sh":                          "",
		"":                                      "",
		"\x7fELF":                               "",
		"\x7fELF" + strings.Repeat("\x02", 60):  "",
		"\x7fELF" + strings.Repeat("\xff", 600): "",
		"\x7fELF\x02" + strings.Repeat("\xff", 4091): "",
		"\x7fELF\x01" + strings.Repeat("\xff", 4091): "",
	} {
		path := filepath.Join(dir, "program")
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		if got := interpreterOf(t, path); got != want {
			t.Errorf("%.20q names %q, want %q", text, got, want)
		}
	}
	// A shell that is running shows what the kernel has loaded with it.
	k := start(t, host(t), Command{Name: "shell", Generation: 1, Path: "/bin/sleep", Args: []string{"1000"}, Dir: "/"})
	loader := interpreterOf(t, "/bin/sleep")
	maps, err := os.ReadFile("/proc/" + strconv.Itoa(k.PID()) + "/maps")
	if err != nil {
		t.Fatal(err)
	}
	if loader == "" {
		t.Skip("/bin/sleep is static here")
	}
	real, err := filepath.EvalSymlinks(loader)
	if err != nil || !strings.Contains(string(maps), real) {
		t.Errorf("/bin/sleep names %q (%v), and has loaded\n%s", loader, err, maps)
	}
}

func interpreterOf(t *testing.T, path string) string {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	page := make([]byte, 4096)
	n, err := unix.Pread(fd, page, 0)
	if err != nil {
		t.Fatal(err)
	}
	path, _ = interpreter(fd, page[:n])
	return path
}

// To look at what is no file might do something: a device, a FIFO that somebody waits at.
func TestNothingButAFileIsOpenedBeforeItsExec(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o700); err != nil {
		t.Fatal(err)
	}
	reader, err := unix.Open(fifo, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(reader)
	watch, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(watch)
	if _, err := unix.InotifyAddWatch(watch, fifo, unix.IN_OPEN); err != nil {
		t.Fatal(err)
	}
	new(rehearsals).wait(fifo, "/")
	event := make([]byte, 4096)
	if n, err := unix.Read(watch, event); err != unix.EAGAIN {
		t.Errorf("it was opened: %d bytes of events, %v", n, err)
	}
}

func BenchmarkRehearse(b *testing.B) {
	r := rehearsals{mayAsk: canTryExec()}
	for b.Loop() {
		r.past = nil
		r.wait("/bin/true", "/")
	}
}

// A thousand starts at once of one program look at it a few times. What lasts so long is measured in the bubble's time, which passes at
// once when everybody waits (testing/synctest): no event could be awaited, as the end of it tells nobody.
func TestWhatWasLookedAtJustNowIsNotLookedAtAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		program := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(program, nil, 0o700); err != nil {
			t.Fatal(err)
		}
		var r rehearsals
		r.wait(program, "/")
		first := r.past[program]
		time.Sleep(rehearsalLasts - time.Nanosecond)
		r.wait(program, "/")
		if r.past[program] != first {
			t.Error("it was looked at again")
		}
		time.Sleep(time.Nanosecond)
		r.wait(program, "/")
		if r.past[program] == first {
			t.Error("it was not looked at again")
		}
		for i := range 3 * rehearsalsAtMost {
			r.wait(strconv.Itoa(i), "/")
		}
		if len(r.past) > rehearsalsAtMost {
			t.Errorf("%d are remembered", len(r.past))
		}
	})
}
