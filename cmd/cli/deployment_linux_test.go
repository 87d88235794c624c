package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/qjpcpu/supervisord/lisp"
	"github.com/qjpcpu/supervisord/repl"
)

// posted sends a program as curl would, and gives what it printed and its value as JSON.
func (o *operated) posted(program string) (output, value string) {
	o.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", o.address())
	}}}
	body, err := json.Marshal(map[string]string{"form": program})
	if err != nil {
		o.t.Fatal(err)
	}
	response, err := client.Post("http://localhost/v1/eval", "application/json", bytes.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	var reply struct {
		Output string
		Value  json.RawMessage
		Error  any
	}
	if err := json.NewDecoder(response.Body).Decode(&reply); err != nil || response.StatusCode != http.StatusOK || reply.Error != nil {
		o.t.Fatalf("posted: %s, %v, %v", response.Status, reply.Error, err)
	}
	return reply.Output, string(reply.Value)
}

// typed sends a program form by form in one session, and gives what it printed and the last value as JSON.
func (o *operated) typed(program string) (output, value string) {
	o.t.Helper()
	client, err := repl.NewClient(o.address(), "")
	if err != nil {
		o.t.Fatal(err)
	}
	var out strings.Builder
	session := fmt.Sprintf("deployment-%d", time.Now().UnixNano())
	for form := range strings.SplitSeq(program, "\n\n") {
		reply, err := client.Eval(o.t.Context(), repl.Request{Form: form, Session: session}, &out)
		if err != nil || reply.Error != nil {
			o.t.Fatalf("%s\ngives %v, %v", form, reply.Error, err)
		}
		value = string(reply.Value)
	}
	return out.String(), value
}

// executed runs a program by exec, and gives what it printed and its value as JSON.
func (o *operated) executed(program string) (output, value string) {
	o.t.Helper()
	o.write("deploy.glisp", program)
	out, errs, code := o.run("", "exec", "--json", "deploy.glisp")
	if code != 0 {
		o.t.Fatalf("exec: exit code %d\n%s%s", code, out, errs)
	}
	i := strings.LastIndexByte(strings.TrimSuffix(out, "\n"), '\n') + 1
	return out[:i], strings.TrimSpace(out[i:])
}

// TestADeploymentIsAProgram deploys, changes, verifies over http and rolls back in glisp alone, and comes to the same
// result as a script, typed form by form, and posted over the socket.
func TestADeploymentIsAProgram(t *testing.T) {
	o := operate(t, "")
	service := o.path("answer")
	if out, err := exec.Command("go", "build", "-o", service, filepath.Join("testdata", "answer", "main.go")).CombinedOutput(); err != nil {
		t.Fatalf("cannot build the service: %v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join("testdata", "deploy.glisp"))
	if err != nil {
		t.Fatal(err)
	}
	ports := []int{freePort(t), freePort(t), freePort(t)}
	for _, one := range []struct{ after, printed, value string }{
		{`["v2"]`, "deployed 3 services\nnow: web-0 running, web-1 running, web-2 running\n",
			`{"added":["added","added","added"],"changed":"renewed","verified":true,"rolled back":null,"answers":["v1","v2","v1"]}`},
		{`[]`, "deployed 3 services\nweb-1 does not answer well, rolling back\nnow: web-0 running, web-1 running, web-2 running\n",
			`{"added":["added","added","added"],"changed":"renewed","verified":false,"rolled back":"renewed","answers":["v1","v1","v1"]}`},
	} {
		program := fmt.Sprintf("(def program %q) (def ports %v) (def before \"v1\") (def after %s)\n\n%s", service, ports, one.after, text)
		for way, run := range map[string]func(string) (string, string){"exec": o.executed, "a session": o.typed, "a post": o.posted} {
			printed, value := run(program)
			if printed != one.printed || value != one.value {
				t.Errorf("by %s it prints\n%s%s\nwant\n%s%s", way, printed, value, one.printed, one.value)
			}
			o.value(`(begin (foreach #(remove-proc (:name %)) (status "web-*")) nil)`)
		}
		// The prompt shows every value on its way, and breaks long ones into lines.
		out, errs, code := o.run(program, "repl")
		last, err := lisp.FromJSON([]byte(one.value))
		if err != nil {
			t.Fatal(err)
		}
		shown := strings.Join(strings.Fields(out), " ")
		if code != 0 || !strings.HasSuffix(shown, lisp.Print(last)) {
			t.Errorf("piped into the prompt it ends with %d and prints\n%s%s", code, out, errs)
		}
		for line := range strings.Lines(one.printed) {
			if !strings.Contains("\n"+out, "\n"+line) {
				t.Errorf("piped into the prompt it does not print %q but\n%s", line, out)
			}
		}
		o.value(`(begin (foreach #(remove-proc (:name %)) (status "web-*")) nil)`)
	}
}

// TestExamplesOfTheLanguageThatSuperviseHold evaluates the examples of lisp/LANGUAGE.md that need a daemon, each block in
// a session of its own.
func TestExamplesOfTheLanguageThatSuperviseHold(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "lisp", "LANGUAGE.md"))
	if err != nil {
		t.Fatal(err)
	}
	o := operate(t, sleeper("web")+sleeper("job"), "web", "job")
	client, err := repl.NewClient(o.address(), "")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for n, block := range strings.Split(string(page), "\n```glisp daemon\n")[1:] {
		block, _, _ = strings.Cut(block, "\n```\n")
		var form strings.Builder
		for line := range strings.SplitSeq(block, "\n") {
			source, want, judged := strings.Cut(line, ";=> ")
			form.WriteString(source + "\n")
			if !judged {
				continue
			}
			reply, err := client.Eval(t.Context(), repl.Request{Form: form.String(), Session: fmt.Sprint("block ", n)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := reply.Text
			if reply.Error != nil {
				got = "error " + reply.Error.Kind
			}
			if got != want {
				t.Errorf("%s\ngives %s (%v), want %s", form.String(), got, reply.Error, want)
			}
			form.Reset()
			ran++
		}
		if strings.TrimSpace(form.String()) != "" {
			t.Errorf("nothing is said of %s", form.String())
		}
	}
	if ran < 10 {
		t.Errorf("only %d examples", ran)
	}
}

// TestAProgramReadsWhatIsPiped works on a list of names that another program printed.
func TestAProgramReadsWhatIsPiped(t *testing.T) {
	o := operate(t, sleeper("web")+sleeper("job"), "web", "job")
	o.write("stop-listed.glisp", `
(defn each []
  (let [name (read-line)]
    (unless (nil? name)
      (println name (:outcome (first (stop name))))
      (each))))
(each)
`)
	out, errs, code := o.run("job\nweb\n", "exec", "stop-listed.glisp")
	if code != 0 || out != "job stopped\nweb stopped\n" {
		t.Errorf("it ends with %d and prints\n%s%s", code, out, errs)
	}
	if out, errs, code := o.run("wbe\n", "exec", "stop-listed.glisp"); code != 4 || out != "" || !strings.Contains(errs, "stop-listed.glisp:5:") {
		t.Errorf("with a name that is none it ends with %d and prints\n%s%s", code, out, errs)
	}
}

// TestAProgramReadsAMebibyteThatIsPiped sends what of its size is the hardest to send: JSON needs six bytes for each of it.
func TestAProgramReadsAMebibyteThatIsPiped(t *testing.T) {
	o := operate(t, sleeper("web"), "web")
	o.write("count.glisp", "(println (len (read-all)))")
	for _, piece := range []string{"x", "a line\n", "\"<&>\\", "\x00", "é"} {
		text := strings.Repeat(piece, 1<<20/len(piece))
		if out, errs, code := o.run(text, "exec", "count.glisp"); code != 0 || out != fmt.Sprintln(utf8.RuneCountInString(text)) {
			t.Errorf("%q: it ends with %d and prints %.100q\n%s", piece, code, out, errs)
		}
	}
	for text, want := range map[string]string{strings.Repeat("x", 1<<20+1): "more than 1 MiB", "caf\xe9\n": "not UTF-8"} {
		if out, errs, code := o.run(text, "exec", "count.glisp"); code != 2 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%.10q: it ends with %d and prints %.100q\n%s; want %q", text, code, out, errs, want)
		}
	}
}
