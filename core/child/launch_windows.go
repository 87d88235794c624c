package child

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Start starts a program in a job and a process group of its own. See Starter.
func (h *Host) Start(c Command) (Child, error) {
	k, err := h.start(c)
	if err != nil {
		return nil, ofCommand(c, err)
	}
	return k, nil
}

func (h *Host) start(c Command) (*kid, error) {
	if c.User != "" || c.Group != "" {
		return nil, failure("user", cmp.Or(c.User, c.Group), errors.New("another account is not possible on Windows"))
	}
	if problems := LimitProblems(c.Limits, ""); len(problems) > 0 {
		return nil, failure(problems[0].Key, "", problems[0].Err)
	}
	env := append(slices.Clip(slices.Clone(c.Env)), UnitKey+"="+c.unit())
	path, err := lookPath(c.Path, c.Dir, env)
	if err != nil {
		return nil, failure("exec", c.Path, err)
	}
	line, err := commandLine(path, c)
	if err != nil {
		return nil, failure("exec", path, err)
	}
	if c.Dir != "" {
		if info, err := os.Stat(c.Dir); err != nil {
			return nil, failure("cwd", c.Dir, plain(err))
		} else if !info.IsDir() {
			return nil, failure("cwd", c.Dir, errors.New("it is not a directory"))
		}
	}
	k := &kid{host: h, scope: c.Scope, exited: make(chan Exit, 1), gone: make(chan struct{})}
	h.admit(k)
	if k.job, err = newJob(h.port, k.key, c.Scope == Process); err != nil {
		k.discard()
		return nil, failure("job", c.Name, err)
	}
	handles, err := h.handles(k, c)
	if err == nil {
		err = k.launch(image{path: path, line: line, dir: c.Dir, env: env, handles: handles})
	} else {
		err = failure("pipe", c.Name, err)
	}
	for _, handle := range handles {
		if handle != h.null {
			windows.CloseHandle(handle)
		}
	}
	if err != nil {
		k.discard()
		return nil, err
	}
	return k, nil
}

// handles are the stdin, stdout and stderr of the child; on an error too, those that were made are in it.
func (h *Host) handles(k *kid, c Command) ([]windows.Handle, error) {
	handles := []windows.Handle{h.null, h.null, h.null}
	for i, stream := range []Stream{c.Stdout, c.Stderr} {
		switch stream {
		case Pipe:
			r, w, err := pipe(c.Name)
			if err != nil {
				return handles, err
			}
			handles[i+1] = w
			if i == 0 {
				k.stdout = r
			} else {
				k.stderr = r
			}
		case Same:
			// A handle of its own, since each is closed once.
			self := windows.CurrentProcess()
			var same windows.Handle
			if err := windows.DuplicateHandle(self, handles[i], self, &same, 0, true, windows.DUPLICATE_SAME_ACCESS); err != nil {
				return handles, err
			}
			handles[i+1] = same
		}
	}
	return handles, nil
}

// image is what CreateProcess is told.
type image struct {
	path, line, dir string
	env             []string
	handles         []windows.Handle
}

// launch starts the leader: suspended, so that it is in its job before it runs; in a group of its own, so that CTRL_BREAK can
// be aimed at it and a CTRL_C of the console is not for it; with these three handles and no other.
func (k *kid) launch(i image) error {
	const flags = windows.CREATE_SUSPENDED | windows.CREATE_NEW_PROCESS_GROUP
	process, err := createProcess(i, flags)
	if err != nil {
		return launchFailure(i, err)
	}
	defer windows.CloseHandle(process.Thread)
	k.process, k.pid = process.Process, int(process.ProcessId)
	abandon := func(step string, err error) error {
		_ = windows.TerminateProcess(k.process, killedCode)
		windows.CloseHandle(k.process)
		return failure(step, i.path, err)
	}
	if err := windows.AssignProcessToJobObject(k.job.handle, k.process); err != nil {
		return abandon("job", err)
	}
	k.mu.Lock()
	k.wait, err = watch(k)
	k.mu.Unlock()
	if err != nil {
		return abandon("fork", fmt.Errorf("cannot wait for it: %w", err))
	}
	if _, err := windows.ResumeThread(process.Thread); err != nil {
		unwatch(k.wait)
		return abandon("exec", err)
	}
	return nil
}

// createProcess starts a program whose handles 0, 1 and 2 are the first three; it inherits exactly those on the list.
func createProcess(i image, flags uint32) (windows.ProcessInformation, error) {
	var process windows.ProcessInformation
	path, err := windows.UTF16PtrFromString(i.path)
	if err != nil {
		return process, err
	}
	line, err := windows.UTF16PtrFromString(i.line)
	if err != nil {
		return process, err
	}
	var dir *uint16
	if i.dir != "" {
		if dir, err = windows.UTF16PtrFromString(i.dir); err != nil {
			return process, err
		}
	}
	block, err := environmentBlock(i.env)
	if err != nil {
		return process, err
	}
	attributes, err := windows.NewProcThreadAttributeList(1)
	if err != nil {
		return process, err
	}
	defer attributes.Delete()
	list := slices.Clone(i.handles) // each once: twice is an error
	slices.Sort(list)
	list = slices.Compact(list)
	if err := attributes.Update(windows.PROC_THREAD_ATTRIBUTE_HANDLE_LIST, unsafe.Pointer(&list[0]), uintptr(len(list))*unsafe.Sizeof(list[0])); err != nil {
		return process, err
	}
	startup := windows.StartupInfoEx{ProcThreadAttributeList: attributes.List()}
	startup.Cb = uint32(unsafe.Sizeof(startup))
	startup.Flags = windows.STARTF_USESTDHANDLES
	startup.StdInput, startup.StdOutput, startup.StdErr = i.handles[0], i.handles[1], i.handles[2]
	for range createTries {
		err = windows.CreateProcess(path, line, nil, nil, true, flags|windows.EXTENDED_STARTUPINFO_PRESENT|windows.CREATE_UNICODE_ENVIRONMENT,
			&block[0], dir, &startup.StartupInfo, &process)
		if err != windows.ERROR_INTERNAL_ERROR {
			break
		}
	}
	runtime.KeepAlive(list)
	return process, err
}

// createTries bounds how often a process is made that died in the system's hands before its program began: Wine says so once in some
// hundred starts, and that is no word about the program.
const createTries = 4

// commandLine quotes the arguments as the C library and Go take them apart. A batch file is read by cmd.exe, which has rules
// of its own that no quoting is safe against; arguments that mean something to it are refused.
func commandLine(path string, c Command) (string, error) {
	if ext := strings.ToLower(filepath.Ext(path)); ext == ".bat" || ext == ".cmd" {
		return batchLine(path, c.Args)
	}
	line := windows.ComposeCommandLine(append([]string{c.Path}, c.Args...))
	if n := len(c.Args); n > 1 && strings.EqualFold(filepath.Base(path), "cmd.exe") && strings.EqualFold(c.Args[n-2], "/c") {
		// What follows /c is a line for cmd.exe to read, not words for the C library: with /s it takes away the outer quotes and
		// nothing else.
		line = windows.ComposeCommandLine(append([]string{c.Path}, c.Args[:n-1]...)) + ` "` + c.Args[n-1] + `"`
	}
	return fitting(line)
}

// batchLine is what CreateProcess hands on to cmd.exe, which looks for the first word itself, and first in the current
// directory: so that is the path that was found, between quotes like each argument that cmd.exe would take apart.
func batchLine(path string, args []string) (string, error) {
	if strings.Count(path, "%") > 1 {
		return "", errors.New("cmd.exe would look for a variable between the % of a batch file's path (give it another name)")
	}
	line := `"` + path + `"`
	for i, arg := range args {
		if strings.ContainsAny(arg, "\"%!^&|<>()\r\n") {
			return "", fmt.Errorf("args number %d: a batch file cannot be given any of \" %% ! ^ & | < > ( ) safely (start the program itself)", i+1)
		}
		if arg == "" || strings.ContainsAny(arg, " \t,;=") {
			// A program that the batch file hands it on to would take a single backslash before the quote for an escape.
			arg = `"` + arg + arg[len(strings.TrimRight(arg, `\`)):] + `"`
		}
		line += " " + arg
	}
	return fitting(line)
}

// fitting refuses a line that is too long: CreateProcess takes 32767 characters, the closing zero included.
func fitting(line string) (string, error) {
	if n := len(utf16.Encode([]rune(line))); n >= 32767 {
		return "", fmt.Errorf("its command line has %d characters, Windows takes 32766", n)
	}
	return line, nil
}

// environmentBlock sorts the variables as CreateProcess wants them. Names differ by more than their case; of two the last
// holds. SystemRoot is always there, as little works without it.
func environmentBlock(env []string) ([]uint16, error) {
	last := map[string]string{}
	for _, pair := range env {
		if strings.ContainsRune(pair, 0) {
			return nil, errors.New("a variable holds a zero")
		}
		// A name may begin with '=': the current folders of drives have such names.
		if at := strings.IndexByte(pair[min(1, len(pair)):], '='); at >= 0 {
			last[strings.ToUpper(pair[:at+1])] = pair
		}
	}
	if _, given := last["SYSTEMROOT"]; !given {
		last["SYSTEMROOT"] = "SystemRoot=" + os.Getenv("SystemRoot")
	}
	names := make([]string, 0, len(last))
	for name := range last {
		names = append(names, name)
	}
	slices.Sort(names)
	var block []uint16
	for _, name := range names {
		block = append(append(block, utf16.Encode([]rune(last[name]))...), 0)
	}
	return append(block, 0), nil
}

// lookupEnv finds a variable whatever its case.
func lookupEnv(env []string, key string) (string, bool) {
	for _, pair := range slices.Backward(env) {
		if name, value, found := strings.Cut(pair, "="); found && strings.EqualFold(name, key) {
			return value, true
		}
	}
	return "", false
}

// lookPath finds a program: with a separator in it where it says, else in the PATH that the process gets and nowhere else,
// least of all in the current directory. Without an extension those of PATHEXT are tried.
func lookPath(program, dir string, env []string) (string, error) {
	if program == "" {
		return "", windows.ERROR_FILE_NOT_FOUND
	}
	extensions := []string{".com", ".exe", ".bat", ".cmd"}
	if given, _ := lookupEnv(env, "PATHEXT"); given != "" {
		extensions = filepath.SplitList(given)
	}
	if strings.ContainsAny(program, `/\`) {
		if !filepath.IsAbs(program) {
			program = filepath.Join(dir, program)
		}
		if found := withExtension(program, extensions); found != "" {
			return found, nil
		}
		_, err := os.Stat(program)
		if err == nil {
			return "", errors.New("it is not a program (its extension is not in PATHEXT)")
		}
		return "", plain(err)
	}
	path, _ := lookupEnv(env, "PATH")
	for _, folder := range filepath.SplitList(path) {
		if folder == "" {
			continue
		}
		candidate := filepath.Join(folder, program)
		if !filepath.IsAbs(candidate) {
			candidate = filepath.Join(dir, candidate)
		}
		if found := withExtension(candidate, extensions); found != "" {
			return found, nil
		}
	}
	return "", errNotInPath
}

// withExtension is the file's name if it is a program as it is, or with the first of the extensions that makes it one.
func withExtension(path string, extensions []string) string {
	for _, extension := range extensions {
		if extension != "" && strings.EqualFold(filepath.Ext(path), extension) && isFile(path) {
			return path
		}
	}
	for _, extension := range extensions {
		if extension != "" && isFile(path+extension) {
			return path + extension
		}
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func failure(step, path string, err error) *LaunchError {
	return &LaunchError{Step: step, Path: path, Err: err, Temporary: passing(err)}
}

// passing reports whether the same start may succeed later without anybody changing anything.
func passing(err error) bool {
	for _, errno := range []error{windows.ERROR_NOT_ENOUGH_MEMORY, windows.ERROR_OUTOFMEMORY, windows.ERROR_NO_SYSTEM_RESOURCES,
		windows.ERROR_COMMITMENT_LIMIT, windows.ERROR_TOO_MANY_OPEN_FILES, windows.ERROR_SHARING_VIOLATION, windows.ERROR_PIPE_BUSY,
		windows.ERROR_NOT_ENOUGH_QUOTA, windows.ERROR_BUSY} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// launchFailure names what CreateProcess's bare error is about.
func launchFailure(i image, err error) error {
	switch {
	case errors.Is(err, windows.ERROR_DIRECTORY):
		return failure("cwd", i.dir, err)
	case errors.Is(err, windows.ERROR_BAD_EXE_FORMAT):
		return failure("exec", i.path, fmt.Errorf("it is not a program: %w", err))
	case errors.Is(err, windows.ERROR_ELEVATION_REQUIRED):
		return failure("exec", i.path, fmt.Errorf("it wants to be an administrator's, the daemon is not: %w", err))
	}
	return failure("exec", i.path, err)
}

// plain takes the error number out of a *PathError, whose path the LaunchError names already.
func plain(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
