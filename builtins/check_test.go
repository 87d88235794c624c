package builtins

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/qjpcpu/supervisord/lisp"
)

// TestCheckKnowsVerbsAndHost: a program is checked without a daemon, and nothing of it runs.
func TestCheckKnowsVerbsAndHost(t *testing.T) {
	ran := false
	own := []Verb{{Name: "deploy", Args: "NAME [VERSION]", Doc: "Deploys.", Example: `(deploy "a")`, Power: Execute,
		Call: func(*Host, *lisp.Thread, []lisp.Value) (lisp.Value, error) { ran = true; return lisp.Nil, nil }}}
	file := filepath.Join(t.TempDir(), "written")
	for _, c := range []struct {
		src  string
		want []string
	}{
		{`(deploy "a") (deploy "a" "v2") (restart) (status "a" "b") (doc restart) (println ARGV (:admin_listen CONFIG))`, nil},
		{`(os/read-file "x") (http/get "http://127.0.0.1:1")`, nil},
		{`(deplyo "a")`, []string{"1:2: cannot find deplyo: no such name (did you mean deploy?)"}},
		{`(deploy)`, []string{"1:1: cannot call deploy: got 0, want 1 to 2 arguments: (deploy name [version])"}},
		{`(wait "a" "running")`, []string{"1:1: cannot call wait: got 2, want 3 arguments: (wait name state seconds)"}},
		{`(shutdown "now" "clear" "x")`, []string{"1:1: cannot call shutdown: got 3, want 0 to 2 arguments: (shutdown [now] [clear])"}},
		{`(add-proc)`, []string{"1:1: cannot call add-proc: got 0, want at least 1 argument: (add-proc name [command] arg...)"}},
		{`(os/write-file)`, []string{"1:1: cannot call os/write-file: got 0"}},
		{`(defmac m [] (os/write-file ` + quoted(file) + ` "x")) (m) (defmac n [] (stop)) (n)`,
			[]string{"cannot call os/write-file while a macro is expanded", "cannot call stop while a macro is expanded"}},
	} {
		problems := CheckProgram(t.Context(), own, "f", c.src)
		ok := len(problems) == len(c.want)
		for i := 0; ok && i < len(problems); i++ {
			ok = strings.Contains(problems[i].Error(), c.want[i])
		}
		if !ok {
			t.Errorf("%s\ngives %q\nwant  %q", c.src, problems, c.want)
		}
	}
	if _, err := os.Stat(file); err == nil || ran {
		t.Error("something of the program ran")
	}
}

// TestHelpTellsHowManyArgumentsAVerbTakes: what the table shows is what the verb accepts, so that checking a program and
// running it agree.
func TestHelpTellsHowManyArgumentsAVerbTakes(t *testing.T) {
	for _, v := range Verbs() {
		for n := range 5 {
			form := "(" + v.Name + strings.Repeat(` "now"`, n) + ")"
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Policy{})
				defer w.end()
				result, _ := w.eval(form)
				problems := CheckProgram(t.Context(), nil, "f", form)
				if refused := KindOf(result.Err) == kindArity; refused != (len(problems) > 0) {
					t.Errorf("%s: running says %v, checking says %v (%s)", form, result.Err, problems, v.Args)
				}
			})
		}
	}
}

func TestParametersOfHelp(t *testing.T) {
	for args, want := range map[string]string{
		"": "", "NAME...": "name...", "[N]": "[n]", `[SINCE-SEQ] ["follow"] ["json"]`: "[since-seq] [follow] [json]", "NAME COMMAND ARG... | HASH": "name [command] arg...",
		"HASH | A B": "a [b]", "NAME (a|b)": "args...", "[NAME...]": "name...", "[NAME]...": "name...",
	} {
		if got := paramsOf(args); got != want {
			t.Errorf("%s gives %q, want %q", args, got, want)
		}
	}
}

// TestScriptsAreCleanPrograms: the scripts that operators start from have no problems and are laid out as fmt lays out.
func TestScriptsAreCleanPrograms(t *testing.T) {
	files, err := filepath.Glob("../scripts/*.glisp")
	if err != nil || len(files) < 7 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range CheckProgram(t.Context(), nil, filepath.Base(file), string(text)) {
			t.Error(problem.Render())
		}
		formatted, err := lisp.Format(file, string(text))
		if err != nil || formatted != string(text) {
			t.Errorf("%s is not formatted (%v): run supervisord fmt scripts", file, err)
		}
	}
}

// FuzzCheck: no text makes a check fail to end, or run anything.
func FuzzCheck(f *testing.F) {
	for _, v := range Verbs() {
		f.Add(v.Example)
	}
	for _, s := range []string{"(defmac m [x] `(m ~x)) (m 1)", "(defn f [a] (f))", "(let (foo) bar)", "(defmac \"^x.*\" [n] n) (xyz)", "#(%)"} {
		f.Add(s)
	}
	base := checkedBase(nil)
	f.Fuzz(func(t *testing.T, src string) {
		for _, problem := range checkIn(t.Context(), base, "f", src) {
			if problem.Kind == "" || problem.Msg == "" || strings.Contains(problem.Msg, "internal error") {
				t.Fatalf("%q: %#v", src, problem)
			}
		}
	})
}
