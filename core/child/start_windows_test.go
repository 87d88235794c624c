package child

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

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
	text := notAProgram(t)
	folder := filepath.Dir(text)
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
