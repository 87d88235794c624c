package child

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// asChild as the first argument makes the test binary one of the programs below instead of a test run.
const asChild = "--as-child"

// patience is for what takes a moment and not for ever.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == asChild {
		behave(os.Args[2:])
		os.Exit(0)
	}
	code := m.Run()
	if h, err := theHost(); err != nil || h.Close() != nil {
		code = 1
	}
	os.Exit(code)
}

// behave is the child: one of the little programs that the tests supervise.
func behave(mode []string) {
	number := func(i int) int {
		n, err := strconv.ParseUint(mode[i], 0, 32)
		if err != nil {
			panic(err)
		}
		return int(uint32(n))
	}
	switch mode[0] {
	case "exit":
		windows.ExitProcess(uint32(number(1)))
	case "stay":
		fmt.Println("ready")
		block()
	case "worked": // has taken a tenth of a second of a processor
		for processorTime(windows.CurrentProcess()) < worked {
		}
		fmt.Println("ready")
		block()
	case "polite":
		got := make(chan os.Signal, 1)
		signal.Notify(got, os.Interrupt)
		fmt.Println("ready")
		fmt.Println("got", <-got)
		os.Exit(3)
	case "deaf":
		signal.Ignore(os.Interrupt)
		fmt.Println("ready")
		block()
	case "args":
		json.NewEncoder(os.Stdout).Encode(mode[1:])
	case "env":
		for _, pair := range os.Environ() {
			fmt.Println(pair)
		}
	case "lines":
		for i := range number(1) {
			fmt.Printf("line %d\n", i)
		}
		fmt.Fprint(os.Stderr, "the end")
	case "tree": // a chain of DEPTH processes, each in a group of its own; the leader stays or ends when ADDRESS hangs up
		fmt.Println("pid", os.Getpid())
		if depth := number(1); depth > 1 {
			again("tree", strconv.Itoa(depth-1), "stay")
		}
		if mode[2] == "stay" {
			block()
		}
		conn, err := net.Dial("tcp", mode[2])
		if err != nil {
			panic(err)
		}
		conn.Read(make([]byte, 1))
	case "handle": // whether the number is a handle of this process
		_, err := windows.GetFileType(windows.Handle(number(1)))
		fmt.Println(err == nil)
	case "daemon": // has a tree and waits to be killed
		h, err := NewHost(Options{})
		if err != nil {
			panic(err)
		}
		c, err := h.Start(program("tree", "3", "stay"))
		if err != nil {
			panic(err)
		}
		io.Copy(os.Stdout, c.Stdout())
	}
}

// again starts this program once more, with this one's output, and does not wait for it.
func again(mode ...string) {
	cmd := exec.Command(os.Args[0], append([]string{asChild}, mode...)...)
	cmd.Stdout = os.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
}

func block() { <-time.After(time.Hour) }

func program(mode ...string) Command {
	return Command{Name: mode[0], Generation: 1, Path: os.Args[0], Args: append([]string{asChild}, mode...), Env: os.Environ(),
		Stdout: Pipe, Stderr: Null}
}

func start(t *testing.T, c Command) Child {
	t.Helper()
	h, err := theHost()
	if err != nil {
		t.Fatal(err)
	}
	k, err := h.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		k.Kill()
		gone(t, k)
	})
	return k
}

func gone(t *testing.T, k Child) {
	t.Helper()
	select {
	case <-k.Gone():
	case <-time.After(patience):
		n, why := k.Left()
		t.Fatalf("not gone: %d left %s", n, why)
	}
}

func end(t *testing.T, k Child) Exit {
	t.Helper()
	select {
	case e := <-k.Exited():
		return e
	case <-time.After(patience):
		t.Fatal("it did not end")
		return Exit{}
	}
}

func line(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	text, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("no line: %v", err)
	}
	return strings.TrimRight(text, "\r\n")
}

// handles reads the numbers of n processes of a tree and holds a handle to each, so that a number cannot become somebody else's.
func handles(t *testing.T, r *bufio.Reader, n int) []windows.Handle {
	t.Helper()
	var all []windows.Handle
	for range n {
		pid, err := strconv.Atoi(strings.TrimPrefix(line(t, r), "pid "))
		if err != nil {
			t.Fatal(err)
		}
		h, err := windows.OpenProcess(windows.SYNCHRONIZE|windows.PROCESS_TERMINATE, false, uint32(pid))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { windows.CloseHandle(h) })
		all = append(all, h)
	}
	return all
}

func isAlive(h windows.Handle) bool {
	event, _ := windows.WaitForSingleObject(h, 0)
	return event == uint32(windows.WAIT_TIMEOUT)
}

// threads counts those of this process.
func threads(t *testing.T) int {
	t.Helper()
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(snapshot)
	entry := windows.ThreadEntry32{}
	entry.Size = uint32(unsafe.Sizeof(entry))
	n := 0
	for err := windows.Thread32First(snapshot, &entry); err == nil; err = windows.Thread32Next(snapshot, &entry) {
		if entry.OwnerProcessID == uint32(os.Getpid()) {
			n++
		}
	}
	return n
}

// openHandles is about how many handles this process has: the numbers of new ones begin where it has none, and go up by four
// (Wine does not count them).
func openHandles(t *testing.T) int {
	t.Helper()
	last := windows.Handle(0)
	for range 64 { // beyond the gaps
		event, err := windows.CreateEvent(nil, 0, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer windows.CloseHandle(event)
		last = max(last, event)
	}
	return int(last) / 4
}

// isWine tells Wine, which exports its version, from Windows.
func isWine() bool {
	return windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
}

// notAProgram is a file that is called one.
func notAProgram(t *testing.T) string {
	t.Helper()
	text := filepath.Join(t.TempDir(), "text.exe")
	if err := os.WriteFile(text, []byte("not a program"), 0o700); err != nil {
		t.Fatal(err)
	}
	return text
}
