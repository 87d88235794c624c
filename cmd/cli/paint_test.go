package cli

import (
	"io"
	"strings"
	"testing"
)

// On a terminal the lines of several processes are told apart by colour; nothing that they print can leave its line.
func TestLinesOfSeveralProcessesAreToldApart(t *testing.T) {
	var out strings.Builder
	p := &painter{out: &out, seen: map[string]string{}}
	for _, piece := range []string{"web: one\nwor", "ker: two\nweb: \x1b[2Jthree: 3\n", "no name\n", "w\xc3", "\xbc: x\n", "begin"} {
		if _, err := io.WriteString(p, piece); err != nil {
			t.Fatal(err)
		}
	}
	want := nameColours[0] + "web |" + plainC + " one\n" +
		nameColours[1] + "worker |" + plainC + " two\n" +
		nameColours[0] + "web    |" + plainC + ` \x1b[2Jthree: 3` + "\n" +
		"no name\n" +
		nameColours[2] + "wü     |" + plainC + " x\n"
	if out.String() != want {
		t.Errorf("got\n%q\nwant\n%q", out.String(), want)
	}
	out.Reset()
	p = &painter{out: &out, seen: map[string]string{}}
	lines := []string{"a: 1", "longer: 2"}
	p.learn(lines)
	for _, line := range lines {
		if err := p.line(line); err != nil {
			t.Fatal(err)
		}
	}
	if want := nameColours[0] + "a      |" + plainC + " 1\n" + nameColours[1] + "longer |" + plainC + " 2\n"; out.String() != want {
		t.Errorf("got\n%q\nwant\n%q", out.String(), want)
	}
	for _, words := range [][]string{{"service", "logs", "web"}, {"service", "logs", "a", "b"}, {"service", "status"}} {
		c, err := parse(words)
		if err != nil {
			t.Fatal(err)
		}
		if c.painter(&out) != nil {
			t.Errorf("%v is painted although its output is no terminal", words)
		}
	}
}
