package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestStatusIsATable(t *testing.T) {
	value := `[{"name":"web","state":"running","want":true,"pid":4242,"uptime":3725.5,"restarts":0,"reason":null},
		{"name":"flaky","state":"fatal","want":true,"pid":0,"uptime":0,"restarts":12,"reason":"exit code 3\u001b[2J"},
		{"name":"job","state":"exited","want":false,"pid":null,"uptime":null,"restarts":0,"reason":"exit code 0","log":"degraded(ENOSPC, lost=7)"}]`
	want := `NAME   STATE    PID   UPTIME  RESTARTS  REASON
web    running  4242  1h02m   0
flaky  fatal    -     -       12        exit code 3\x1b[2J
job    exited   -     -       0         exit code 0; log degraded(ENOSPC, lost=7)
`
	var out bytes.Buffer
	if err := renderStatus(&view{out: &out, value: json.RawMessage(value)}); err != nil || out.String() != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, out.String(), want)
	}
	if code := judgeStatus([]byte(value)); code != ExitDegraded {
		t.Errorf("exit code %d, want %d", code, ExitDegraded)
	}
}

// TestStatusMeaning: 3 when something wanted up is not there; an expected exit is not wanted up.
func TestStatusMeaning(t *testing.T) {
	for value, want := range map[string]int{
		`[]`: ExitOK,
		`[{"name":"a","state":"running","want":true}]`:  ExitOK,
		`[{"name":"a","state":"starting","want":true}]`: ExitOK,
		`[{"name":"a","state":"stopping","want":true}]`: ExitOK,
		`[{"name":"a","state":"stopped","want":false}]`: ExitOK,
		`[{"name":"a","state":"exited","want":false}]`:  ExitOK,
		`[{"name":"a","state":"exited","want":true}]`:   ExitDegraded,
		`[{"name":"a","state":"backoff","want":true}]`:  ExitDegraded,
		`[{"name":"a","state":"fatal","want":true}]`:    ExitDegraded,
	} {
		if got := judgeStatus([]byte(value)); got != want {
			t.Errorf("%s: exit code %d, want %d", value, got, want)
		}
	}
}

func TestColoursOnlyWhenAsked(t *testing.T) {
	value := json.RawMessage(`[{"name":"a","state":"running","want":true,"pid":1,"uptime":1}]`)
	var plain, coloured bytes.Buffer
	if err := renderStatus(&view{out: &plain, value: value}); err != nil || bytes.ContainsRune(plain.Bytes(), '\x1b') {
		t.Errorf("plain: %v %q", err, plain.String())
	}
	if err := renderStatus(&view{out: &coloured, value: value, colour: true}); err != nil || !bytes.Contains(coloured.Bytes(), []byte(green+"running"+plainC)) {
		t.Errorf("coloured: %v %q", err, coloured.String())
	}
}

func TestReportIsShortLines(t *testing.T) {
	value := `[{"name":"web","outcome":"restarted","state":"running","pid":7},{"name":"db-main","outcome":"failed","state":"fatal","pid":0,"error":"cannot start db-main: exec /x: no such file"}]`
	want := "web      restarted  pid 7\ndb-main  failed     exec /x: no such file\n"
	var out bytes.Buffer
	if err := renderReport(&view{out: &out, value: json.RawMessage(value)}); err != nil || out.String() != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, out.String(), want)
	}
}

func TestSpans(t *testing.T) {
	for seconds, want := range map[float64]string{0.4: "0s", 59: "59s", 61: "1m01s", 3600: "1h00m", 90061: "1d01h"} {
		if got := span(seconds); got != want {
			t.Errorf("%v seconds: %s, want %s", seconds, got, want)
		}
	}
}

func TestProgressNamesWhoIsAwaited(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	lines := []statusLine{
		{Name: "a", State: "stopped"},
		{Name: "b", State: "stopping", PID: 7, Reason: "SIGTERM sent\x1b[2J", Deadline: "2026-01-31T12:00:08Z"},
		{Name: "c", State: "running", PID: 8},
		{Name: "d", State: "starting", PID: 9, Deadline: "2026-01-31T12:00:02Z"},
		{Name: "e", State: "backoff", Reason: "exit code 3", Deadline: "2026-01-31T12:01:02Z"},
	}
	for verb, want := range map[string]string{
		"stop": `2 of 5 stopped; waiting for b (stopping, SIGTERM sent\x1b[2J, SIGKILL in 8s), c (running), d (starting, counts as up in 2s)`,
		"start": `1 of 5 running; waiting for a (stopped), b (stopping, SIGTERM sent\x1b[2J, SIGKILL in 8s), d (starting, counts as up in 2s), ` +
			`e (backoff, exit code 3, next try in 1m02s)`,
	} {
		if got := progressText(verb, lines, now); got != want {
			t.Errorf("%s: %q, want %q", verb, got, want)
		}
	}
	if got := progressText("stop", lines[:1], now); got != "1 of 1 stopped" {
		t.Errorf("got %q", got)
	}
	if got := clipRunes("ünfzig", 4); got != "ünf…" {
		t.Errorf("clipped to %q", got)
	}
	if got := summary([]outcome{{Did: "stopped"}, {Did: "already stopped"}, {Did: "stopped"}}, 5234*time.Millisecond); got != "2 stopped, 1 already stopped in 5.2s" {
		t.Errorf("summed up as %q", got)
	}
}

// TestAReportSaysAProblemOnce: the line has the name and that it failed already.
func TestAReportSaysAProblemOnce(t *testing.T) {
	for problem, want := range map[string]string{
		"cannot start web: exec /x: no such file":         "web  failed  exec /x: no such file\n",
		"cannot wait longer to start web: it is starting": "web  failed  cannot wait longer to start web: it is starting\n",
		"the supervisor of web: is closing":               "web  failed  the supervisor of web: is closing\n",
	} {
		var out bytes.Buffer
		value := `[{"name":"web","outcome":"failed","state":"fatal","pid":null,"error":"` + problem + `"}]`
		if err := renderReport(&view{out: &out, value: json.RawMessage(value)}); err != nil || out.String() != want {
			t.Errorf("%s: %v %q", problem, err, out.String())
		}
	}
}

// TestAReloadOfManyShowsWhatChanges: many processes that nothing happens to are counted, a few are named.
func TestAReloadOfManyShowsWhatChanges(t *testing.T) {
	steps := []string{`{"op":"renew","name":"web","reasons":["args"]}`}
	for i := range 11 {
		steps = append(steps, fmt.Sprintf(`{"op":"keep","name":"w%d","reasons":[],"warning":null}`, i))
	}
	for n, want := range map[int]string{
		12: "renew  web  args\nkeep   11 processes as they are\n",
		3:  "renew  web  args\nkeep   w0\nkeep   w1\n",
	} {
		var out bytes.Buffer
		value := `{"steps":[` + strings.Join(steps[:n], ",") + `],"warnings":[]}`
		if err := renderPlan(&view{out: &out, value: json.RawMessage(value)}); err != nil || out.String() != want {
			t.Errorf("%d steps: %v\n%s", n, err, out.String())
		}
	}
}
