package builtins

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/qjpcpu/supervisord/lisp"
)

// lines is a writer that may be read meanwhile.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *lines) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func TestMask(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"API_KEY", "abc", "****"}, {"db_password", "x", "****"}, {"PRIVATE", "x", "****"}, {"Cookie", "x", "****"}, {"DSN", "x", "****"},
		{"PATH", "/bin:/usr/bin", "/bin:/usr/bin"}, {"API_KEY", "", ""}, {"GO_ENV", "production", "production"},
		{"URL", "postgres://me:hunter2@db/x", "postgres://me:****@db/x"}, {"URL", "amqp://me:hun@ter2@db/x", "amqp://me:****@db/x"},
		{"OPTS", "--port 80 --token=abc -v", "--port 80 --token=**** -v"}, {"URL", "http://h/p?access_token=abc&b=c", "http://h/p?access_token=****&b=c"},
		{"H", "Authorization: Bearer abcdefgh", "Authorization: ****"},
	} {
		if got := Mask(c.name, c.value); got != c.want && !(c.name == "H" && !strings.Contains(got, "abcdefgh")) {
			t.Errorf("Mask(%q, %q) = %q, want %q", c.name, c.value, got, c.want)
		}
	}
	if got := strings.Join(maskWords([]string{"redis", "--requirepass", "abc", "--token=x", "-p", "80", "--auth", "--next", "ok"}), " "); got != "redis --requirepass **** --token=**** -p 80 --auth --next ok" {
		t.Errorf("words: %s", got)
	}
}

// TestSecretsStayInside looks for a secret in everything that can be seen without the power to reveal it.
func TestSecretsStayInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		defer w.end()
		for _, form := range []string{`(status)`, `(env "web-1")`, `(config)`, `(events)`, `(why "web-1")`, `(plan)`,
			`(add-proc "x" "/bin/x" "--password" "` + canary + `" "--api-key=` + canary + `" "http://u:` + canary + `@h")`, `(events)`} {
			result, out := w.eval(form)
			if text := lisp.Print(result.Value) + out; result.Err != nil || strings.Contains(text, canary) {
				t.Errorf("%s shows the secret (%v): %s", form, result.Err, text)
			}
		}
		hash := lisp.NewHash()
		env := lisp.NewHash()
		env.SetString("DB_PASSWORD", lisp.String(canary))
		hash.SetString("env", lisp.HashValue(env))
		hash.SetString("args", lisp.Array(lisp.String("--secret"), lisp.String(canary)))
		if text := strings.Join(maskArguments([]lisp.Value{lisp.HashValue(hash)}), ""); strings.Contains(text, canary) {
			t.Errorf("arguments: %s", text)
		}
		if text := w.audit.String() + strings.Join(w.log, "\n"); strings.Contains(text, canary) {
			t.Errorf("the audit log or the daemon's shows the secret:\n%s", text)
		}
		if result, _ := w.eval(`(env-reveal "web-1")`); !strings.Contains(lisp.Print(result.Value), canary) {
			t.Error("env-reveal does not reveal")
		}
	})
}

// TestProgramsAreAudited: a program has its two lines with the hash of its text, and so has each changing call within it.
func TestProgramsAreAudited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		defer w.end()
		form := `(begin (status) (restart "web-1") (def secret "` + canary + `") (raise secret))`
		w.eval(form)
		var got []string
		all := w.records()
		for _, r := range all {
			got = append(got, strings.Join([]string{r.Head, r.Phase, r.Outcome}, " "))
		}
		if text := strings.Join(got, "|"); text != "program begin |restart begin |restart end ok|program end raised" {
			t.Fatalf("got %s", text)
		}
		if all[0].SHA256 != fingerprint(form) || all[0].ID != all[3].ID || all[1].Within != all[0].ID || all[2].Within != all[0].ID || all[1].ID == all[0].ID {
			t.Errorf("%+v", all)
		}
	})
}

// TestAuditIsComplete: a line before and one after every changing form, one for a refusal, none for looking; and no
// argument can make a line of its own.
func TestAuditIsComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		w.eval(`(status)`)
		w.eval("(restart \"web-1\")\n(stop \"evil\n{}\")")
		w.engine.SetPolicy(Policy{DisableRCE: true})
		w.engine.SetPolicy(Policy{})
		w.eval(`(add-proc "x" "/bin/sh")`)
		w.eval(`(restart (list "web-1"))`)
		w.end()
		var got []string
		for _, r := range w.records() {
			if r.Who != "uid 0 pid 1" || r.At == "" || r.ID == 0 || (r.Phase == "end") != (r.Millis != nil) {
				t.Errorf("incomplete: %+v", r)
			}
			got = append(got, strings.Join([]string{r.Head, r.Phase, r.Decision, r.Outcome}, " "))
		}
		want := "restart begin allowed |restart end allowed ok|stop begin allowed |stop end allowed not-found|add-proc  forbidden forbidden|restart  forbidden forbidden"
		if strings.Join(got, "|") != want {
			t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
		}
	})
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

// TestNothingRunsUnaudited: when the audit log cannot be written, operating goes on loudly, executing does not.
func TestNothingRunsUnaudited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		defer w.end()
		w.engine.audit.out = brokenWriter{}
		if result, _ := w.eval(`(restart "web-1")`); result.Err != nil || len(w.log) == 0 {
			t.Errorf("restart: %v, log %q", result.Err, w.log)
		}
		for _, form := range []string{`(add-proc "x" "/bin/x")`, `(+ 1 (- 2))`} {
			if result, _ := w.eval(form); KindOf(result.Err) != "failed" || w.calls["add-proc"] != 0 {
				t.Errorf("%s ran: %v", form, result.Err)
			}
		}
	})
}
