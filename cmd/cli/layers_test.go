package cli_test

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/qjpcpu/supervisord/"

// room is what a package may import besides the standard library, and what of that it may not.
type room struct {
	may    []string // full paths, or paths inside the module
	mayNot []string // of the standard library
	stars  bool     // may import what it likes of this module
	forks  bool     // may start processes
}

const (
	tomlPath       = "github.com/BurntSushi/toml"
	lumberjackPath = "gopkg.in/natefinch/lumberjack.v2"
	readlinePath   = "github.com/chzyer/readline"
	unixPath       = "golang.org/x/sys/unix"
	windowsPath    = "golang.org/x/sys/windows"
	servicePath    = "golang.org/x/sys/windows/svc"
	serviceMgrPath = "golang.org/x/sys/windows/svc/mgr"
	serviceLogPath = "golang.org/x/sys/windows/svc/eventlog"
	registryPath   = "golang.org/x/sys/windows/registry"
	testscriptPath = "github.com/rogpeppe/go-internal/testscript"
)

// rooms is the architecture: every package of the module and what it may import. A package without a line fails.
func rooms() map[string]room {
	return map[string]room{
		"lisp":                         {mayNot: []string{"os", "os/exec", "os/signal", "os/user", "net", "net/http", "syscall", "log"}},
		"core":                         {may: []string{"core/child", "core/logs", "core/spelling"}, mayNot: []string{"net", "net/http"}},
		"core/descriptors":             {may: []string{unixPath}},
		"core/spelling":                {mayNot: []string{"os", "os/exec", "net", "net/http", "syscall"}},
		"core/child":                   {may: []string{"core/descriptors", "core/spelling", unixPath, windowsPath}, mayNot: []string{"net", "net/http"}, forks: true},
		"core/logs":                    {may: []string{"core/descriptors", unixPath, windowsPath}, mayNot: []string{"net", "net/http"}},
		"core/config":                  {may: []string{"core", "core/child", "core/logs", "core/spelling", tomlPath, unixPath, windowsPath}},
		"core/config/migrate":          {may: []string{"core/child"}, mayNot: []string{"os", "net/http"}},
		"builtins/metrics":             {mayNot: []string{"os", "os/exec", "net", "net/http", "syscall"}},
		"builtins/metrics/metricstest": {mayNot: []string{"os", "os/exec", "net", "net/http", "syscall"}},
		"builtins":                     {may: []string{"lisp", "core", "core/child", "core/logs", "builtins/metrics"}},
		"repl":                         {may: []string{"lisp", readlinePath, unixPath, windowsPath}},
		"repl/ptytest":                 {may: []string{unixPath}, mayNot: []string{"net", "net/http"}, forks: true},
		"cmd/cli":                      {stars: true, may: []string{lumberjackPath, readlinePath, unixPath, windowsPath, servicePath, serviceMgrPath, serviceLogPath, registryPath}},
		"cmd/supervisord":              {may: []string{"cmd/cli"}},
		"scripts/bench":                {stars: true, may: []string{unixPath}, forks: true},
		"scripts/bench/capture":        {stars: true, may: []string{unixPath}, forks: true},
	}
}

// systems are the places where the code of one operating system may stand. In core/child it may stand everywhere.
var systems = []*regexp.Regexp{
	regexp.MustCompile(`^core/child/`),
	regexp.MustCompile(`^core/descriptors/[a-z]+_(unix|windows)\.go$`),
	regexp.MustCompile(`^core/logs/[a-z]+_(linux|unix|windows|other)\.go$`),
	regexp.MustCompile(`^core/config/[a-z]+_(linux|unix|windows|other)\.go$`),
	regexp.MustCompile(`^repl/[a-z]+_(linux|unix|windows|other)\.go$`),
	regexp.MustCompile(`^repl/ptytest/`),
	regexp.MustCompile(`^builtins/[a-z]+_(linux|unix|windows|other)\.go$`),
	regexp.MustCompile(`^cmd/cli/[a-z]+_(linux|unix|windows|other)\.go$`),
	regexp.MustCompile(`^scripts/bench/`),
}

// folders are the rooms at the top, and bin, where what is built goes.
var folders = []string{"lisp", "builtins", "core", "repl", "cmd", "scripts", "bin"}

// goos are the suffixes of file names that choose a system.
var goos = []string{"linux", "windows", "darwin", "freebsd", "unix", "amd64", "arm64"}

// TestLayers holds the packages to the architecture: who may import whom, who may start processes, where the code of one
// operating system may stand. It reads the files of all systems.
func TestLayers(t *testing.T) {
	root := filepath.Join("..", "..")
	all := rooms()
	seen, told := map[string]bool{}, map[string]bool{}   // the rooms, and those that have a doc
	places, used := map[string]bool{}, map[string]bool{} // the files, and "room import"
	top, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range top {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && !slices.Contains(folders, entry.Name()) {
			t.Errorf("%s stands at the top, where only these folders may: %s", entry.Name(), strings.Join(folders, " "))
		}
	}
	files := token.NewFileSet()
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && name != root || entry.Name() == "testdata" || entry.Name() == "bin"):
			return filepath.SkipDir
		case entry.IsDir() && name != root && exists(filepath.Join(name, "go.mod")):
			return filepath.SkipDir // a module of its own, which the product does not depend on
		case entry.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		here := path.Dir(relative)
		r, known := all[here]
		if !known {
			t.Errorf("%s: the package %s has no line in rooms()", relative, here)
			return nil
		}
		seen[here] = true
		places[relative] = true
		file, err := parser.ParseFile(files, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		if isGenerator(file) {
			return nil
		}
		test := strings.HasSuffix(name, "_test.go")
		if text := file.Doc.Text(); !test && strings.HasPrefix(text, "Package ") {
			checkDoc(t, relative, text, r)
			told[here] = true
		}
		for _, spec := range file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			checkImport(t, relative, here, imported, r, test)
			used[here+" "+strings.TrimPrefix(imported, module)] = true
		}
		checkSystem(t, relative, file, test)
		if !test && file.Name.Name == "main" {
			told[here] = true // what a program is stands in its first lines and its help
		}
		if !test {
			checkCalls(t, relative, here, file, r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range all {
		if !seen[name] {
			t.Errorf("rooms() has a line for %s, and there is no such room", name)
		}
		if !told[name] {
			t.Errorf("the package %s has no doc", name)
		}
		for _, other := range all[name].may {
			if !used[name+" "+other] {
				t.Errorf("rooms() lets %s import %s, which it does not", name, other)
			}
		}
	}
	for _, pattern := range systems {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(places)), pattern.MatchString) {
			t.Errorf("systems has %s, and there is no such file", pattern)
		}
	}
	for _, folder := range folders {
		if folder != "bin" && !exists(filepath.Join(root, folder)) {
			t.Errorf("folders has %s, and there is no such folder", folder)
		}
	}
}

// checkDoc holds the words of a package about itself to rooms() and to its files: what it may import, and where to begin.
func checkDoc(t *testing.T, name, text string, r room) {
	var rooms []string
	for _, other := range r.may {
		if !strings.Contains(strings.Split(other, "/")[0], ".") {
			rooms = append(rooms, other)
		}
	}
	slices.Sort(rooms)
	want := "May import: " + strings.Join(rooms, ", ") + "."
	switch {
	case r.stars:
		want = "May import: every room."
	case len(rooms) == 0:
		want = "May import: no other room."
	}
	if !slices.Contains(strings.Split(text, "\n"), want) {
		t.Errorf("%s: the package's doc does not say on a line of its own %q", name, want)
	}
	if path.Base(name) == "doc.go" && !strings.Contains(text, "# Where to begin\n") {
		t.Errorf("%s: the package's doc does not say where to begin", name)
	}
	for _, file := range regexp.MustCompile(`\b[a-z][a-z_]*\.(go|md)\b|\b[A-Z]+\.md\b`).FindAllString(text, -1) {
		if !exists(filepath.Join("..", "..", path.Dir(name), file)) {
			t.Errorf("%s: the package's doc names %s, and there is no such file", name, file)
		}
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func checkImport(t *testing.T, file, here, imported string, r room, test bool) {
	own, ours := strings.CutPrefix(imported, module)
	first, _, _ := strings.Cut(imported, "/")
	switch {
	case ours && (r.stars || own == here || slices.Contains(r.may, own)):
	case ours && test && (own == "builtins/metrics/metricstest" || own == "repl/ptytest" || own == "core/child" || own == "core/config"):
	case ours:
		t.Errorf("%s: %s may not import %s", file, here, own)
	case strings.Contains(first, "."):
		if !slices.Contains(r.may, imported) && !(test && imported == testscriptPath) && !(test && imported == unixPath) {
			t.Errorf("%s: %s may not import %s", file, here, imported)
		}
	case test:
	case slices.Contains(r.mayNot, imported), imported == "os/exec" && !r.forks:
		t.Errorf("%s: %s may not import %s", file, here, imported)
	}
}

// isGenerator tells a program that go generate runs: it is never built into anything.
func isGenerator(file *ast.File) bool {
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if comment.Text == "//go:build ignore" && comment.Pos() < file.Package {
				return true
			}
		}
	}
	return false
}

// checkSystem finds the code of one operating system where it does not belong.
func checkSystem(t *testing.T, name string, file *ast.File, test bool) {
	if test || slices.ContainsFunc(systems, func(r *regexp.Regexp) bool { return r.MatchString(name) }) {
		return
	}
	stem := strings.TrimSuffix(path.Base(name), ".go")
	if at := strings.LastIndexByte(stem, '_'); at > 0 && slices.Contains(goos, stem[at+1:]) {
		t.Errorf("%s: the code of one system stands outside its places", name)
	}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if constraint.IsGoBuild(comment.Text) && comment.Pos() < file.Package {
				t.Errorf("%s: a build constraint stands outside its places", name)
			}
		}
	}
}

// checkCalls finds what no import clause shows: starting a process through os or syscall, and the clock in the language.
func checkCalls(t *testing.T, name, here string, file *ast.File, r room) {
	starts := []string{"os.StartProcess", "syscall.ForkExec", "syscall.StartProcess", "unix.ForkExec"}
	clock := []string{"time.Now", "time.Since", "time.Until", "time.After", "time.Sleep", "time.NewTimer", "time.NewTicker", "time.AfterFunc"}
	ast.Inspect(file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		left, ok := selector.X.(*ast.Ident)
		if !ok {
			return true
		}
		used := left.Name + "." + selector.Sel.Name
		if slices.Contains(starts, used) && !r.forks {
			t.Errorf("%s: only core/child starts processes, not %s", name, used)
		}
		if here == "lisp" && slices.Contains(clock, used) {
			t.Errorf("%s: the language has no clock, not even %s", name, used)
		}
		if used == "time.Sleep" && here != "scripts/bench" {
			t.Errorf("%s: nothing here sleeps", name)
		}
		return true
	})
}
