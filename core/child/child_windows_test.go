package child

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
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

var theHost = sync.OnceValues(func() (*Host, error) {
	return NewHost(Options{Logf: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }})
})

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

const worked = 100 * time.Millisecond

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
	for tries := 0; errors.Is(err, windows.ERROR_INTERNAL_ERROR) && tries < 3; tries++ {
		t.Logf("Wine says that of a process of its own that died young, once in some hundred starts: %v", err)
		k, err = h.Start(c)
	}
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

func TestKillEndsTheWholeTreeAtOnce(t *testing.T) {
	k := start(t, program("tree", "4", "stay"))
	all := handles(t, bufio.NewReader(k.Stdout()), 4)
	if n, why := k.Left(); n != 4 {
		t.Errorf("%d left (%s), want 4", n, why)
	}
	if err := k.Kill(); err != nil {
		t.Fatal(err)
	}
	if e := end(t, k); e.Signal != killSignal || e.Code != -1 || e.String() != "signal KILL" {
		t.Errorf("told as %+v", e)
	}
	gone(t, k)
	if slices.ContainsFunc(all, isAlive) {
		t.Error("gone, and one lives")
	}
	if n, _ := k.Left(); n != 0 {
		t.Errorf("%d left", n)
	}
	if err := errors.Join(k.Kill(), k.Stop(15)); err != nil {
		t.Errorf("after the end: %v", err)
	}
	if err := k.Signal(15); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a signal after the end: %v", err)
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

func TestTheRestOfATreeEndsWithItsLeader(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	k := start(t, program("tree", "3", listener.Addr().String()))
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	all := handles(t, bufio.NewReader(k.Stdout()), 3)
	conn.Close()
	if e := end(t, k); e.Code != 0 {
		t.Errorf("told as %+v", e)
	}
	gone(t, k)
	if slices.ContainsFunc(all, isAlive) {
		t.Error("gone, and one lives")
	}
}

func TestTheScopeProcessIsTheLeaderAlone(t *testing.T) {
	c := program("tree", "2", "stay")
	c.Scope = Process
	k := start(t, c)
	all := handles(t, bufio.NewReader(k.Stdout()), 2)
	if err := k.Kill(); err != nil {
		t.Fatal(err)
	}
	gone(t, k)
	if isAlive(all[0]) || !isAlive(all[1]) {
		t.Errorf("alive: %v %v, want false true", isAlive(all[0]), isAlive(all[1]))
	}
	if err := windows.TerminateProcess(all[1], 0); err != nil {
		t.Error(err)
	}
}

// TestNothingSurvivesTheDaemon: G15. The daemon is ended as TerminateProcess does it, without a chance to clean up.
func TestNothingSurvivesTheDaemon(t *testing.T) {
	cmd := exec.Command(os.Args[0], asChild, "daemon")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	all := handles(t, bufio.NewReader(out), 3)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	for i, h := range all {
		if event, err := windows.WaitForSingleObject(h, uint32(patience.Milliseconds())); event != windows.WAIT_OBJECT_0 {
			t.Errorf("process %d of the tree survived: %d %v", i, event, err)
		}
	}
}

func TestBreakIsThePoliteStop(t *testing.T) {
	k := start(t, program("polite"))
	r := bufio.NewReader(k.Stdout())
	line(t, r)
	if err := k.Stop(15); err != nil {
		if isWine() {
			t.Skipf("Wine refuses CTRL_BREAK: %v", err)
		}
		t.Fatal(err)
	}
	select {
	case e := <-k.Exited():
		if e.Code != 3 {
			t.Errorf("told as %+v", e)
		}
		if got := line(t, r); got != "got interrupt" {
			t.Errorf("it %s", got)
		}
	case <-time.After(patience):
		if isWine() {
			t.Skip("Wine does not deliver CTRL_BREAK")
		}
		t.Error("it did not end")
	}
}

func TestAStopThatIsIgnoredLeavesEverythingToKill(t *testing.T) {
	k := start(t, program("deaf"))
	line(t, bufio.NewReader(k.Stdout()))
	if err := k.Stop(15); err != nil && !isWine() {
		t.Fatal(err)
	}
	if n, _ := k.Left(); n != 1 {
		t.Errorf("%d left", n)
	}
	if err := k.Kill(); err != nil {
		t.Fatal(err)
	}
	if e := end(t, k); e.Signal != killSignal {
		t.Errorf("told as %+v", e)
	}
}

// TestANumberThatBecameAnothersIsLeftAlone: what is said to a child that is gone reaches nobody, though the system may have given
// its number to another.
func TestANumberThatBecameAnothersIsLeftAlone(t *testing.T) {
	old := start(t, program("stay"))
	if err := old.Signal(killSignal); err != nil {
		t.Fatal(err)
	}
	end(t, old)
	gone(t, old)
	for tries := 1; ; tries++ {
		k := start(t, program("stay"))
		if k.PID() != old.PID() && tries < 20 { // Windows gives a number to another soon, Wine after some hundreds
			k.Kill()
			gone(t, k)
			continue
		}
		t.Logf("start %d has pid %d, that of old was %d", tries, k.PID(), old.PID())
		if err := old.Signal(killSignal); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("KILL to the leader that has ended: %v", err)
		}
		if err := errors.Join(old.Stop(killSignal), old.Stop(15), old.Kill()); err != nil {
			t.Error(err)
		}
		if n, why := k.Left(); n != 1 {
			t.Errorf("%d left of the other %s", n, why)
		}
		return
	}
}

func TestNoOtherHandleIsInherited(t *testing.T) {
	path, _ := windows.UTF16PtrFromString(filepath.Join(t.TempDir(), "secret"))
	secret, err := windows.CreateFile(path, windows.GENERIC_WRITE, 0, inheritable(), windows.CREATE_ALWAYS, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(secret)
	// A number that nothing in a young process has.
	far := secret
	var more []windows.Handle
	for far < 0x1000 {
		self := windows.CurrentProcess()
		if err := windows.DuplicateHandle(self, secret, self, &far, 0, true, windows.DUPLICATE_SAME_ACCESS); err != nil {
			t.Fatal(err)
		}
		more = append(more, far)
	}
	k := start(t, program("handle", strconv.Itoa(int(far))))
	if got := line(t, bufio.NewReader(k.Stdout())); got != "false" {
		t.Error("an inheritable handle that is not on the list reached the child")
	}
	for _, h := range more {
		windows.CloseHandle(h)
	}
}

func TestArgumentsArriveAsTheyWereGiven(t *testing.T) {
	want := []string{"", "a b", `"`, `\`, `a\`, `a b\`, `\"`, `\\"x\\`, "tab\there", "%PATH%", "^&|<>", "é☃", "new\nline", "'", `C:\Program Files\x\`}
	k := start(t, program(append([]string{"args"}, want...)...))
	var got []string
	if err := json.NewDecoder(k.Stdout()).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestBatchFilesAreGivenNothingThatMeansSomethingToTheShell(t *testing.T) {
	file := filepath.Join(t.TempDir(), "run.bat")
	if err := os.WriteFile(file, []byte("@exit 4\r\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	h, err := theHost()
	if err != nil {
		t.Fatal(err)
	}
	for _, arg := range []string{`"&calc`, "%PATH%", "a|b", "x>y", "^", "!x!", "a\nb"} {
		var le *LaunchError
		if _, err := h.Start(Command{Name: "batch", Path: file, Args: []string{arg}, Env: os.Environ()}); !errors.As(err, &le) || le.Step != "exec" {
			t.Errorf("%q: %v", arg, err)
		}
	}
}

// TestTheBatchFileThatWasFoundIsTheOneThatRuns: cmd.exe looks for a bare name in the current directory first.
func TestTheBatchFileThatWasFoundIsTheOneThatRuns(t *testing.T) {
	found, current := filepath.Join(t.TempDir(), "a & b"), t.TempDir()
	if err := os.Mkdir(found, 0o700); err != nil {
		t.Fatal(err)
	}
	for folder, code := range map[string]string{found: "4", current: "5"} {
		if err := os.WriteFile(filepath.Join(folder, "run.bat"), []byte("@exit "+code+"\r\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"PATH=" + found, "COMSPEC=" + os.Getenv("COMSPEC")}
	if e := end(t, start(t, Command{Name: "batch", Path: "run", Dir: current, Env: env})); e.Code != 4 {
		t.Errorf("another one ran: %+v", e)
	}
}

// TestABatchFileIsGivenItsArgumentsWhole: cmd.exe takes arguments apart at , ; and = too.
func TestABatchFileIsGivenItsArgumentsWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "say.bat")
	if err := os.WriteFile(file, []byte("@for %%a in (%1 %2 %3 %4 %5) do @echo [%%~a]\r\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	want := []string{"a=b", "c,d;e", "f g", "-x", `C:\a=b\`}
	k := start(t, Command{Name: "batch", Path: file, Args: want, Env: os.Environ(), Stdout: Pipe})
	text, err := io.ReadAll(k.Stdout())
	got := strings.Fields(strings.ReplaceAll(string(text), "f g", "f_g"))
	if e := end(t, k); err != nil || e.Code != 0 || !slices.Equal(got, []string{"[a=b]", "[c,d;e]", "[f_g]", "[-x]", `[C:\a=b\\]`}) {
		t.Errorf("%q %+v %v", text, e, err)
	}
}

// TestNobodyGuessesTheNameOfAPipe: whoever had made pipes of the next names would keep programs from being started.
func TestNobodyGuessesTheNameOfAPipe(t *testing.T) {
	r, w, err := pipe("test")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer windows.CloseHandle(w)
	var name struct {
		length uint32
		text   [windows.MAX_PATH]uint16
	}
	raw, err := r.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		err = windows.GetFileInformationByHandleEx(windows.Handle(fd), windows.FileNameInfo, (*byte)(unsafe.Pointer(&name)), uint32(unsafe.Sizeof(name)))
	})
	text := windows.UTF16ToString(name.text[:name.length/2])
	if word := strings.TrimPrefix(text, `\supervisord-`); err != nil || len(word) < 26 || strings.Contains(word, strconv.Itoa(os.Getpid())) {
		t.Errorf("%q %v", text, err)
	}
}

func TestTheEnvironmentIsTheOneGiven(t *testing.T) {
	c := program("env")
	c.Env = []string{"b=1", "Path=first", "PATH=second", "=C:=C:\\x", "EMPTY=", "SNOW=☃"}
	k := start(t, c)
	got, err := io.ReadAll(k.Stdout())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.ReplaceAll(string(got), "\r", ""), "\n")
	for _, want := range []string{"b=1", "PATH=second", "EMPTY=", "SNOW=☃", UnitKey + "=env#1"} {
		if !slices.Contains(lines, want) {
			t.Errorf("no %q in %q", want, lines)
		}
	}
	if slices.Contains(lines, "Path=first") {
		t.Errorf("both spellings of PATH in %q", lines)
	}
}

func TestAStartThatCannotBeSaysWhy(t *testing.T) {
	h, err := theHost()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	text := filepath.Join(folder, "text.exe")
	if err := os.WriteFile(text, []byte("not a program"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		command Command
		step    string
	}{
		{Command{Path: filepath.Join(folder, "missing")}, "exec"},
		{Command{Path: "missing", Env: []string{"PATH=" + folder}}, "exec"},
		{Command{Path: text}, "exec"},
		{Command{Path: ""}, "exec"},
		{Command{Path: os.Args[0], Dir: filepath.Join(folder, "missing")}, "cwd"},
		{Command{Path: os.Args[0], Dir: text}, "cwd"},
		{Command{Path: os.Args[0], User: "somebody"}, "user"},
		{Command{Path: os.Args[0], Limits: Limits{PIDsMax: 3}}, "pids_max"},
		{Command{Path: os.Args[0], Args: []string{strings.Repeat("x", 40000)}}, "exec"},
	} {
		var le *LaunchError
		if _, err := h.Start(c.command); !errors.As(err, &le) || le.Step != c.step || le.Temporary {
			t.Errorf("%+v: %v", c.command.Path, err)
		}
	}
}

func TestAProgramIsFoundByPATHAndPATHEXT(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"one.exe", "two.cmd", "dot.name.exe"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"Path=" + folder}
	for given, want := range map[string]string{"one": "one.exe", "ONE.EXE": "one.exe", "two": "two.cmd", "dot.name": "dot.name.exe"} {
		if got, err := lookPath(given, "", env); err != nil || !strings.EqualFold(filepath.Base(got), want) {
			t.Errorf("%s found as %s: %v", given, got, err)
		}
	}
	if got, err := lookPath("one", folder, []string{"Path="}); err == nil {
		t.Errorf("found %s in the current directory", got)
	}
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

// TestNoHandleIsLeftOfALife: a daemon that restarts something for months has no more of them than at first.
func TestNoHandleIsLeftOfALife(t *testing.T) {
	h, err := theHost()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	text := filepath.Join(folder, "text.exe")
	if err := os.WriteFile(text, []byte("not a program"), 0o700); err != nil {
		t.Fatal(err)
	}
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

// TestACommandLineIsReadByTheShellAsItWasWritten: cmd.exe gets it between outer quotes and nothing else.
func TestACommandLineIsReadByTheShellAsItWasWritten(t *testing.T) {
	got, err := commandLine(`C:\windows\system32\cmd.exe`, Command{Path: "cmd.exe", Args: []string{"/d", "/s", "/c", `echo "a b" & exit 3`}})
	if want := `cmd.exe /d /s /c "echo "a b" & exit 3"`; err != nil || got != want {
		t.Errorf("%s, want %s: %v", got, want, err)
	}
	k := start(t, Command{Name: "shell", Path: "cmd.exe", Args: []string{"/d", "/s", "/c", "echo hello& exit 3"}, Env: os.Environ(), Stdout: Pipe})
	text, err := io.ReadAll(k.Stdout())
	if e := end(t, k); err != nil || e.Code != 3 || strings.TrimSpace(string(text)) != "hello" {
		t.Errorf("%q %+v %v", text, e, err)
	}
}
