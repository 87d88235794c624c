package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// object is a line of a log in JSON.
type object struct {
	Time, Name, Stream string
	Line               *string
	Base64             []byte
	Partial            bool
}

func (o object) bytes() []byte {
	if o.Line != nil {
		return []byte(*o.Line)
	}
	return o.Base64
}

func objects(t *testing.T, text string) []object {
	t.Helper()
	var all []object
	for line := range strings.Lines(text) {
		var o object
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&o); err != nil {
			t.Fatalf("%v: %.200q", err, line)
		}
		if _, err := time.Parse(time.RFC3339Nano, o.Time); err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

func TestLinesStandInTheirFormat(t *testing.T) {
	const stamp = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
	for format, want := range map[Format]string{
		Raw:        "^one\ntwo \x1b\\[31m\nend$",
		Prefix:     "^web \\| one\nweb \\| two \x1b\\[31m\nweb \\| end$",
		Time:       "^" + stamp + " one\n" + stamp + " two \x1b\\[31m\n" + stamp + " end$",
		TimePrefix: "^" + stamp + " web \\| one\n" + stamp + " web \\| two \x1b\\[31m\n" + stamp + " web \\| end$",
		JSON: `^{"time":"` + stamp + `","name":"web","stream":"stdout","line":"one"}` + "\n" +
			`{"time":"` + stamp + `","name":"web","stream":"stdout","line":"two \\u001b\[31m"}` + "\n" +
			`{"time":"` + stamp + `","name":"web","stream":"stdout","line":"end","partial":true}` + "\n$",
	} {
		path := filepath.Join(t.TempDir(), "a.log")
		s := open(t, newSet(t, Options{}), "web", Settings{Files: []string{path}, Format: format})
		began := time.Now().Truncate(time.Millisecond)
		say(t, s, "one\ntw", "o \x1b[31m\n", "end")
		if said := regexp.MustCompile(stamp).FindString(content(t, path)); format.hasTime() {
			if at, err := time.Parse(time.RFC3339, said); err != nil || at.Before(began) || at.After(time.Now()) {
				t.Errorf("%v: the line is of %v, %v", format, said, err)
			}
		}
		if got := content(t, path); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%v: %q", format, got)
		}
		if h := s.Health(); h.Written != int64(len("one\ntwo \x1b[31m\nend")) {
			t.Errorf("%v: %+v", format, h)
		}
		// The next life begins on a line of its own.
		say(t, s, "again\n")
		lines, err := texts(s.Tail(1, time.Time{}, nil))
		if err != nil || len(lines) != 1 || format != Raw && strings.Contains(lines[0], "end") || !strings.Contains(lines[0], "again") {
			t.Errorf("%v: %q, %v", format, lines, err)
		}
		if i := slices.Index(Formats(), format.String()); i != int(format) {
			t.Errorf("%v is the name of format %d", format, i)
		}
	}
}

func TestNoByteIsBentInJSON(t *testing.T) {
	for _, size := range []int{300_000, 3_000_000} {
		path := filepath.Join(t.TempDir(), "a.log")
		s := open(t, newSet(t, Options{}), "web", Settings{Files: []string{path}, Size: 200_000, Count: 1000, Format: JSON})
		run(t, s, fmt.Sprintf("bytes %d 5", size))
		all, err := io.ReadAll(concat(t, history(t, path)))
		if err != nil {
			t.Fatal(err)
		}
		var back bytes.Buffer
		for _, o := range objects(t, string(all)) {
			back.Write(o.bytes())
			if !o.Partial {
				back.WriteByte('\n')
			}
		}
		if sum(t, &back) != sum(t, anything(size, 5)) {
			t.Error("what the objects hold is not what was written")
		}
		if h := s.Health(); h.Written != int64(size) || h.Lost != 0 {
			t.Errorf("%+v", h)
		}
		linesAreWhole(t, history(t, path))
	}
}

func FuzzTextIsQuoted(f *testing.F) {
	f.Add("plain")
	f.Add("\x00\x1f\"\\\x7f\u0080\u009f\u00a0\u2028é\n\t\r")
	f.Fuzz(func(t *testing.T, text string) {
		out := appendText(nil, []byte(text))
		ours := shaper{}
		line := ours.object(nil, []byte(text), true, []byte("now"))
		var o object
		if err := json.Unmarshal(line, &o); err != nil || string(o.bytes()) != text {
			t.Fatalf("%q: %v, %s", text, err, line)
		}
		for _, c := range string(out) {
			if c < ' ' || c >= 0x7f && c < 0xa0 {
				t.Fatalf("%q holds a control character", out)
			}
		}
	})
}

func TestALineOfAnySizeIsWholeInEveryFormat(t *testing.T) {
	for _, format := range []Format{Prefix, Time, TimePrefix, JSON} {
		path := filepath.Join(t.TempDir(), "a.log")
		s := open(t, newSet(t, Options{}), "web", Settings{Files: []string{path}, Format: format})
		line := strings.Repeat("\x01long", 100_000)
		say(t, s, line+"\nshort\n")
		got := content(t, path)
		if format == JSON {
			var back strings.Builder
			for _, o := range objects(t, got) {
				back.Write(o.bytes())
				if len(o.bytes()) > maxLine {
					t.Errorf("a piece of %d bytes", len(o.bytes()))
				}
				if !o.Partial {
					back.WriteByte('\n')
				}
			}
			if back.String() != line+"\nshort\n" {
				t.Error("the pieces are not the line")
			}
			continue
		}
		lines := strings.Split(got, "\n")
		if len(lines) != 3 || !strings.HasSuffix(lines[0], line) || !strings.HasSuffix(lines[1], "short") {
			t.Errorf("%v: %d lines", format, len(lines))
		}
	}
}

// The format changes under a living child, in the middle of a line too.
func TestTheFormatIsAppliedInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	set := newSet(t, Options{})
	s := open(t, set, "web", Settings{Files: []string{path}})
	r, w, err := pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := s.Attach(r, "both")
	told := int64(0)
	tell := func(text string) {
		io.WriteString(w, text)
		for told += int64(len(text)); p.progress.Load() < told; {
			<-time.After(time.Millisecond)
		}
	}
	tell("raw\nhalf a line, ")
	for _, step := range []struct {
		format Format
		text   string
	}{
		{Prefix, "still raw\nprefixed\nhalf"}, {JSON, " an object\nobject\n"}, {Raw, "raw again\n"},
	} {
		if err := s.Apply(Settings{Files: []string{path}, Format: step.format}); err != nil {
			t.Fatal(err)
		}
		tell(step.text)
	}
	w.Close()
	<-p.Done()
	got := regexp.MustCompile(`\d{4}-[^"]+Z`).ReplaceAllString(content(t, path), "T")
	want := "raw\nhalf a line, still raw\nweb | prefixed\nweb | half\n" +
		`{"time":"T","name":"web","stream":"both","line":" an object"}` + "\n" +
		`{"time":"T","name":"web","stream":"both","line":"object"}` + "\n" + "raw again\n"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAGapIsAnObjectAmongObjects(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	var fail atomic.Pointer[error]
	set := newSet(t, Options{})
	set.wrap = func(string) func(io.Writer) io.Writer {
		return func(w io.Writer) io.Writer { return faulty{w: w, fail: &fail} }
	}
	s := open(t, set, "web", Settings{Files: []string{path}, Format: JSON})
	full := error(&os.PathError{Op: "write", Path: path, Err: syscall.ENOSPC})
	fail.Store(&full)
	say(t, s, "lost\n")
	fail.Store(nil)
	<-time.After(retryEvery)
	say(t, s, "kept\n")
	lines := strings.SplitAfter(content(t, path), "\n")
	if len(lines) < 3 { // the first holds what went before the error
		t.Fatalf("%q", lines)
	}
	all := objects(t, strings.Join(lines[1:], ""))
	if len(all) != 2 || all[0].Stream != "supervisord" || !strings.HasPrefix(*all[0].Line, fmt.Sprintf("lost %d bytes in 1 writes ", s.Health().Lost)) || *all[1].Line != "kept" {
		t.Errorf("%+v", all)
	}
}

func TestALinesTimeIsReadBack(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 0, 0, 123e6, time.UTC)
	for _, format := range []Format{Time, TimePrefix, JSON} {
		s := shaper{name: "web", label: "stdout"}
		out, _ := s.shape(nil, format, []byte("line\n"), at.In(time.FixedZone("east", 5*3600))) // wherever the daemon runs, the line says UTC
		if got, ok := lineTime(out); !ok || !got.Equal(at) {
			t.Errorf("%s: %v %v", out, got, ok)
		}
	}
	for _, line := range []string{"", "line", `{"time":"`, "2026-01-31T12:00:00Z line", "2026-99-31T12:00:00.000Z"} {
		if got, ok := lineTime([]byte(line)); ok {
			t.Errorf("%q: %v", line, got)
		}
	}
}
