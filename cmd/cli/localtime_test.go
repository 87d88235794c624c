package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/repl"
)

// TestTimesAreThoseOfThisPlaceEverywhere: events, events -f and why show one moment in the same words.
func TestTimesAreThoseOfThisPlaceEverywhere(t *testing.T) {
	const at = "2026-01-31T23:30:00.250Z"
	moment, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		t.Fatal(err)
	}
	here := moment.Local().Format("2006-01-02 15:04:05.000")
	var events, followed, coloured, why bytes.Buffer
	if err := renderEvents(&view{out: &events, value: json.RawMessage(`[{"at":"` + at + `","name":"web","to":"running","text":"running (pid 7)"}]`)}); err != nil {
		t.Fatal(err)
	}
	if err := renderWhy(&view{out: &why, value: json.RawMessage(`"web is running.\nIt was started, at ` + at + `.\n  ` + at + `  running (pid 7)"`)}); err != nil {
		t.Fatal(err)
	}
	line := `{"at":"` + at + `","name":"web","to":"running","text":"running (pid 7), said at ` + at + `"}` + "\n... no event\x1b[2J ...\n" +
		`{"at":"` + at + `","name":"longer","to":"fatal","text":"given up\u001b[2J"}` + "\n" + `{"at":"` + at + `","name":"web","to":"fatal","text":"given up"}` + "\n"
	plain, bright := &eventLines{out: &followed}, &eventLines{out: &coloured, colour: true}
	for _, b := range []byte(line) { // as it may come
		if _, err := plain.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bright.Write([]byte(line)); err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		events.String():   here + "  web  running (pid 7)\n",
		why.String():      "web is running.\nIt was started, at " + here + ".\n  " + here + "  running (pid 7)\n",
		followed.String(): here + "  web  running (pid 7), said at " + at + "\n... no event\\x1b[2J ...\n" + here + "  longer  given up\\x1b[2J\n" + here + "  web     given up\n",
	} {
		if got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	if _, err := bright.Write([]byte(`{"at":"` + at + `","name":"hook:1","to":null,"text":"failed: no such name"}` + "\n")); err != nil {
		t.Fatal(err)
	}
	got := coloured.String()
	for _, want := range []string{dim + here + plainC + "  web  " + green + "running", "  longer  " + red + "given up", "  hook:1  " + red + "failed: no"} {
		if !strings.Contains(got, want) {
			t.Errorf("coloured: %q lacks %q", got, want)
		}
	}
	if strings.Contains(got, "\x1b[2J") {
		t.Errorf("coloured: %q", got)
	}
}

// TestWhyAtThePromptIsThatOfTheCommand: in the same words, whatever state the process is in; a text that is no explanation keeps
// its times.
func TestWhyAtThePromptIsThatOfTheCommand(t *testing.T) {
	const at = "2026-01-31T23:30:00.250Z"
	show := func(text string) (prompt, command string) {
		value, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var p, c bytes.Buffer
		(&session{}).showReply(&p, repl.Reply{Value: value, Text: string(value)})
		if err := renderWhy(&view{out: &c, value: value}); err != nil {
			t.Fatal(err)
		}
		return p.String(), c.String()
	}
	for state := core.Stopped; state <= core.Fatal; state++ {
		in := ""
		if state == core.Backoff {
			in = "in "
		}
		prompt, command := show("web is " + in + state.String() + ".\nIt was started by uid 0, at " + at + ".\n  " + at + "  gone")
		if prompt != command || strings.Contains(prompt, at) {
			t.Errorf("the prompt shows\n%s\nthe command\n%s", prompt, command)
		}
	}
	if prompt, _ := show("web is mine\n" + at); !strings.Contains(prompt, at) {
		t.Errorf("a text of its own is shown as %q", prompt)
	}
}

func TestUsageIsATable(t *testing.T) {
	value := `[{"name":"web","memory":5368709,"cpu":1.26,"processes":2,"threads":9,"fds":31},
		{"name":"long-name","memory":1023,"cpu":3725.4,"processes":1,"threads":null,"fds":null},
		{"name":"down","memory":0,"cpu":0,"processes":0,"threads":0,"fds":0},
		{"name":"big","memory":1099511627776,"cpu":59.94,"processes":1,"threads":1,"fds":3}]`
	want := `NAME       MEMORY  CPU    PROCESSES  THREADS  FDS
web        5.1M    1.3s   2          9        31
long-name  1023    1h02m  1          -        -
down       0       0.0s   0          0        0
big        1.0T    59.9s  1          1        3
`
	var out bytes.Buffer
	if err := renderUsage(&view{out: &out, value: json.RawMessage(value)}); err != nil || out.String() != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, out.String(), want)
	}
	out.Reset()
	if err := renderUsage(&view{out: &out, value: json.RawMessage(`{"a":1}`), text: "(a 1)"}); err != nil || out.String() != "(a 1)\n" {
		t.Errorf("what is no usage: %v %q", err, out.String())
	}
}
