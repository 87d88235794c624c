package cli_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tourStep is one command of the README's tour and what it says it prints.
type tourStep struct {
	line    int
	command string
	want    []string
	exit    int
}

// tourSteps reads the console blocks of a document: "$ " begins a command, a here-document goes on to its END, and what follows
// is the output, with "…" for anything and "[exit N]" for an exit code that is not 0.
func tourSteps(t *testing.T, text string) []tourStep {
	t.Helper()
	var steps []tourStep
	inside, document := false, false
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case !inside:
		case document:
			steps[len(steps)-1].command += "\n" + line
			document = line != "END"
		case strings.HasPrefix(line, "$ "):
			steps = append(steps, tourStep{line: i + 1, command: line[2:]})
			document = strings.Contains(line, "<<'END'")
		case len(steps) == 0:
			t.Fatalf("line %d: output before any command", i+1)
		default:
			step := &steps[len(steps)-1]
			if code, found := strings.CutPrefix(line, "[exit "); found {
				n, err := strconv.Atoi(strings.TrimSuffix(code, "]"))
				if err != nil {
					t.Fatalf("line %d: %v", i+1, err)
				}
				step.exit = n
				continue
			}
			step.want = append(step.want, line)
		}
	}
	return steps
}

// pattern is the expected output as an expression: spaces in any number, "…" alone on a line for any lines, elsewhere for any
// text in the line.
func (s tourStep) pattern() *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`\A`)
	for _, line := range s.want {
		if strings.TrimSpace(line) == "…" {
			b.WriteString(`(?:.*\n)*?`)
			continue
		}
		line = strings.Join(strings.Fields(line), " ")
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(regexp.QuoteMeta(line), "…", `.*`), " ", ` +`))
		b.WriteString(` *\n`)
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}

// theReadme is README.md and the folder that it stands in.
func theReadme(t *testing.T) (root, text string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return root, string(data)
}

// TestTheReadmesTourIsTrue types the tour of README.md into a shell, from the build to the shutdown, and compares.
func TestTheReadmesTourIsTrue(t *testing.T) {
	root, text := theReadme(t)
	place := t.TempDir()
	steps := tourSteps(t, strings.ReplaceAll(text, "/tmp/tour", filepath.Join(place, "tour")))
	if len(steps) < 15 {
		t.Fatalf("the tour has only %d commands", len(steps))
	}
	var script strings.Builder
	const mark = "\x1e" // stands in no output
	for _, step := range steps {
		fmt.Fprintf(&script, "{ %s\n} 2>&1\nprintf '%s%%d\\n' $?\n", step.command, mark)
	}
	script.WriteString("exit 0\n")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	shell := exec.CommandContext(ctx, "/bin/sh")
	shell.Dir = root
	shell.Stdin = strings.NewReader(script.String())
	shell.Env = append(os.Environ(), "PATH="+filepath.Join(root, "bin")+":"+os.Getenv("PATH"), "SUPERVISORD_RUNTIME_DIR="+filepath.Join(place, "run"),
		"SUPERVISORD_CONF=", "SUPERVISORD_SERVER=", "SUPERVISORD_TOKEN=")
	t.Cleanup(func() { // whatever the tour left, if it failed half way
		end := exec.Command(filepath.Join(root, "bin", "supervisord"), "-c", filepath.Join(place, "tour", "supervisord.conf"), "shutdown", "--now")
		end.Env = shell.Env
		_ = end.Run()
	})
	output, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("the shell: %v\n%s", err, output)
	}
	rest := string(output)
	for _, step := range steps {
		printed, after, found := strings.Cut(rest, mark)
		if !found {
			t.Fatalf("README.md:%d: $ %s: the shell ended here\n%s", step.line, step.command, rest)
		}
		code, more, _ := strings.Cut(after, "\n")
		rest = more
		if code != strconv.Itoa(step.exit) {
			t.Errorf("README.md:%d: $ %s\nexit code %s, the tour says %d\n%s", step.line, step.command, code, step.exit, printed)
		}
		if !step.pattern().MatchString(printed) {
			t.Errorf("README.md:%d: $ %s\nprinted:\n%s\nthe tour says:\n%s", step.line, step.command, printed, strings.Join(step.want, "\n"))
		}
	}
}

// TestTheReadmesInstallWorks on a machine where nothing was installed by hand yet, built already and rooted in a folder.
func TestTheReadmesInstallWorks(t *testing.T) {
	_, text := theReadme(t)
	program, err := exec.LookPath("supervisord")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(text, "## Install\n\n```sh\n./build.sh ")
	block, _, closed := strings.Cut(block, "```")
	if !found || !closed {
		t.Fatal("there is no install block that begins with ./build.sh")
	}
	place := t.TempDir()
	for _, folder := range []string{"usr/local/bin", "home"} {
		if err := os.MkdirAll(filepath.Join(place, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	commands := strings.NewReplacer("sudo ", "", "/usr/local", filepath.Join(place, "usr/local"), "bin/supervisord ", program+" ").Replace("true " + block)
	shell := exec.Command("/bin/sh", "-ec", commands)
	shell.Dir, shell.Env = place, append(os.Environ(), "HOME="+filepath.Join(place, "home"))
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\nof\n%s", err, out, commands)
	}
	for file, want := range map[string]string{
		"usr/local/bin/supervisord": "ELF", "usr/local/share/man/man1/supervisord.1": ".TH ",
		"home/.local/share/bash-completion/completions/supervisord": "complete ",
	} {
		if got, err := os.ReadFile(filepath.Join(place, file)); err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s: %d bytes, %v", file, len(got), err)
		}
	}
}
