package repl

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// toy is an Eval for terminals: it echoes, fails, prints and waits as told.
func toy(ctx context.Context, req Request, out io.Writer) Reply {
	form := strings.TrimSpace(req.Form)
	switch {
	case strings.HasPrefix(form, "(fail"):
		return Reply{Error: &Failure{Kind: "not-found", Message: "cannot do it: no such process", Where: "repl:1:7", Trace: []string{"in outer"}}}
	case strings.HasPrefix(form, "(print"):
		fmt.Fprintf(out, "printed \x1b[31m%d", len(form))
		return Reply{}
	case strings.HasPrefix(form, "(wait"):
		io.WriteString(out, "waiting\n")
		<-ctx.Done()
		return Reply{}
	case form == "(exit 3)":
		return Reply{Exit: 3}
	case form == "(session)":
		text, _ := json.Marshal(req.Session)
		return Reply{Value: text, Text: req.Session}
	}
	return echo(ctx, req, out)
}

// pipe runs a terminal on text.
func pipe(t *testing.T, h *host, text string, change func(*Terminal)) (code int, out, errs string) {
	t.Helper()
	var o, e strings.Builder
	term := &Terminal{Client: h.client(t), In: strings.NewReader(text), Out: &o, Err: &e}
	if change != nil {
		change(term)
	}
	code = term.Run(t.Context())
	return code, o.String(), e.String()
}

func TestPipedFormsAreEvaluatedInTurn(t *testing.T) {
	h := serve(t, ServerOptions{Eval: toy})
	code, out, errs := pipe(t, h, "#!/usr/bin/env supervisord repl\n(a)\n; a comment\n\n(b\n  \"c\")\n(print)\n(d) (e)", nil)
	if code != 0 || errs != "" || out != "(a)\n(b\n  \"c\")\nprinted \\x1b[31m7\n(d) (e)\n" {
		t.Errorf("got %d %q %q", code, out, errs)
	}
	var forms []string
	session := ""
	for _, r := range h.seen() {
		forms = append(forms, strings.TrimSpace(r.Form))
		if session == "" {
			session = r.Session
		}
		if r.Session != session || session == "" {
			t.Errorf("sessions %q and %q", session, r.Session)
		}
	}
	if len(forms) != 4 {
		t.Errorf("got %q", forms)
	}
}

func TestFirstFailureEndsAPipe(t *testing.T) {
	h := serve(t, ServerOptions{Eval: toy})
	code, out, errs := pipe(t, h, "(a)\n(fail wbe)\n(never)\n", nil)
	if code != 4 || strings.Contains(out, "never") {
		t.Errorf("got %d %q", code, out)
	}
	want := "not-found: line 2: cannot do it: no such process\n  (fail wbe)\n        ^\n  in outer\n"
	if errs != want {
		t.Errorf("got %q, want %q", errs, want)
	}
	if code, _, _ := pipe(t, h, "(exit 3)\n(fail)", nil); code != 3 {
		t.Errorf("exit: %d", code)
	}
	if code, _, errs := pipe(t, h, "(a\n(b", nil); code != 0 || errs != "" {
		t.Errorf("what is incomplete at the end is the daemon's to judge: %d %q", code, errs)
	}
}

func TestUnreachableDaemonEndsAPipe(t *testing.T) {
	c, err := NewClient("unix:"+socketPath(t), "")
	if err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	term := &Terminal{Client: c, In: strings.NewReader("(a)\n(b)\n"), Out: &out, Err: &errs}
	if code := term.Run(t.Context()); code != 6 || strings.Count(errs.String(), "cannot reach") != 1 {
		t.Errorf("got %d %q", code, errs.String())
	}
}

func TestColoursOnlyWhereWanted(t *testing.T) {
	h := serve(t, ServerOptions{Eval: toy})
	if _, _, errs := pipe(t, h, "(fail)", nil); strings.Contains(errs, "\x1b") {
		t.Errorf("got %q", errs)
	}
	if _, _, errs := pipe(t, h, "(fail)", func(t *Terminal) { t.Colour = true }); !strings.Contains(errs, string(red)+"not-found") {
		t.Errorf("got %q", errs)
	}
}

func TestLongValuesAreLaidOutAndCut(t *testing.T) {
	if got := Abridge("short\x1b", 80); got != `short\x1b` {
		t.Errorf("got %q", got)
	}
	row := `{"name" "web" "state" "running" "pid" 4242} `
	got := Abridge("["+strings.Repeat(row, 4)+"]", 60)
	for line := range strings.Lines(got) {
		if len(line) > 61 {
			t.Errorf("a line of %d characters: %s", len(line), line)
		}
	}
	if strings.Count(got, "4242") != 4 {
		t.Errorf("got %s", got)
	}
	for name, long := range map[string]string{
		"a word":     strings.Repeat("å", maxShown),
		"a function": "#<fn " + strings.Repeat("å", maxShown),
		"many rows":  "[" + strings.Repeat(row, 1000) + "]",
		"too much":   "[" + strings.Repeat(row, 10_000) + "]",
	} {
		got := Abridge(long, 80)
		if len(got) > maxShown+100 || strings.Count(got, "\n") > maxShownLines || !strings.Contains(got, "bytes more: (println *1)") || strings.Contains(got, "\ufffd") {
			t.Errorf("%s: %d bytes, %d lines: %s", name, len(got), strings.Count(got, "\n"), got[len(got)-80:])
		}
	}
}

// onlyMine is the mode of a file that nobody else may read; on Windows, where files have none, its folder lets in nobody else.
var onlyMine = map[bool]fs.FileMode{false: 0o600, true: 0o666}[runtime.GOOS == "windows"]

func TestHistoryIsPrivateAndBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	if got := loadHistory(path); got != nil {
		t.Errorf("got %q", got)
	}
	for i := range 2*maxHistory + 1 {
		if i > 2 && i < 2*maxHistory-2 {
			continue
		}
		if err := appendHistory(path, fmt.Sprint("(f ", i, ")")); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != onlyMine {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("(f)\n", 2*maxHistory)+"(last)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got := loadHistory(path)
		if len(got) != maxHistory || got[maxHistory-1] != "(last)" {
			t.Errorf("%d forms, the last is %q", len(got), got[len(got)-1])
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != onlyMine || info.Size() > 5*maxHistory {
		t.Errorf("%v, %d bytes, %v", info.Mode(), info.Size(), err)
	}
	if names, _ := os.ReadDir(filepath.Dir(path)); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

func TestCompletionPutsInWhatIsCommon(t *testing.T) {
	all := []Candidate{{"status", "the state"}, {"start", "begin"}, {"stop", "end"}, {`"web-1"`, "running"}, {`"web-2"`, "stopped"}, {`"ångström"`, ""}}
	e := &editor{t: &Terminal{Complete: func(_ context.Context, word string, _ bool) []Candidate {
		return append([]Candidate(nil), all...)
	}}}
	for line, want := range map[string]string{
		"(sto":      "p ",
		"(sta":      "",
		"(s":        "t",
		"(stat":     "us ",
		"(x":        "",
		`(stop "w`:  "eb-",
		`(stop "å`:  `ngström"`,
		"; (sto":    "",
		"(status) ": "",
	} {
		e.asked = ""
		got, _ := e.Do([]rune(line), len([]rune(line)))
		text := ""
		if len(got) == 1 {
			text = string(got[0])
		}
		if text != want || len(got) > 1 {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
	{
		e.asked = ""
		e.Do([]rune(`(stop "w`), 8)
		if want := `(stop "web-`; e.asked != want {
			t.Errorf("the Tab after the one that put in what is common is the first at %q, want %q", e.asked, want)
		}
	}
	if got := listCandidates(all[:2], 0); got != "status  the state\nstart   begin\n" {
		t.Errorf("got %q", got)
	}
	if got := listCandidates(all[:2], 12); got != "status  th…\nstart   be…\n" {
		t.Errorf("got %q", got)
	}
	if got := listCandidates(make([]Candidate, 50), 80); !strings.HasSuffix(got, "… and 10 more\n") {
		t.Errorf("got %q", got)
	}
}
