package builtins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/logs"
	"github.com/qjpcpu/supervisord/lisp"
)

// The numbers of lines: what is shown when nothing is said, and the most that can be asked for.
const (
	defaultLines  = 100
	followedLines = 10
	mostLines     = 1_000_000
)

// longestPattern bounds the text of a regular expression, in bytes.
const longestPattern = 1 << 10

// logQuery is what logs and follow were asked for.
type logQuery struct {
	patterns []string
	streams  []string
	lines    int
	since    time.Time
	match    *regexp.Regexp
	times    bool // each line has its time before it
	json     bool // each line is an object of JSON
}

// query reads the arguments of logs and follow: names, then options as "key=value" strings or hashes. A name can hold no
// "=", so the two cannot be mistaken.
func query(a arguments, lines int) (logQuery, error) {
	q := logQuery{streams: []string{"stdout", "stderr"}, lines: -1}
	for i, arg := range a.args {
		if hash, ok := arg.AsHash(); ok {
			var problem error
			hash.Each(func(k, v lisp.Value) bool {
				key, known := textOf(k)
				if !known {
					problem = a.wrong(i, "a hash with strings as keys")
					return false
				}
				problem = q.set(a.verb, key, lisp.Display(v))
				return problem == nil
			})
			if problem != nil {
				return q, problem
			}
			continue
		}
		word, err := a.text(i)
		if err != nil {
			return q, err
		}
		if key, value, isOption := strings.Cut(word, "="); isOption {
			if err := q.set(a.verb, key, value); err != nil {
				return q, err
			}
			continue
		}
		q.patterns = append(q.patterns, word)
	}
	switch {
	case q.lines >= 0:
	case !q.since.IsZero():
		q.lines = mostLines
	default:
		q.lines = lines
	}
	return q, nil
}

// set takes one option.
func (q *logQuery) set(verb, key, value string) error {
	bad := func(want string) error {
		return lisp.Errorf(kindInvalid, "cannot call %s: %s is %q, want %s", verb, key, cut(value, longestArgument), want)
	}
	switch key {
	case "stream":
		if value != "stdout" && value != "stderr" {
			return bad("stdout or stderr")
		}
		q.streams = []string{value}
	case "lines":
		n, ok := smallNumber(value)
		if !ok {
			return bad(fmt.Sprintf("a number of lines up to %d", mostLines))
		}
		q.lines = n
	case "since":
		at, ok := moment(value)
		if !ok {
			return bad("a duration such as 10m or a time such as 2026-01-31T12:00:00Z")
		}
		q.since = at
	case "match":
		if len(value) > longestPattern {
			return bad(fmt.Sprintf("a regular expression of at most %d bytes", longestPattern))
		}
		re, err := regexp.Compile(value)
		if err != nil {
			return lisp.Errorf(kindInvalid, "cannot call %s: match: %v", verb, err)
		}
		q.match = re
	case "times":
		if value != "true" && value != "false" {
			return bad("true or false")
		}
		q.times = value == "true"
	case "json":
		if verb != "follow" {
			return lisp.Errorf(kindInvalid, "cannot call %s: json is an option of follow; json/stringify makes JSON of an array", verb)
		}
		if value != "true" && value != "false" {
			return bad("true or false")
		}
		q.json = value == "true"
	default:
		known, want := []string{"stream", "lines", "since", "match", "times"}, "stream, lines, since, match or times"
		if verb == "follow" {
			known, want = append(known, "json"), "stream, lines, since, match, times or json"
		}
		hint := ""
		if near := lisp.Nearest(key, known); near != "" {
			hint = " (did you mean " + near + "?)"
		}
		return lisp.Errorf(kindInvalid, "cannot call %s: unknown option %q%s, want %s", verb, cut(key, 64), hint, want)
	}
	return nil
}

// smallNumber reads digits up to mostLines.
func smallNumber(text string) (int, bool) {
	n := 0
	for _, c := range []byte(text) {
		if c < '0' || c > '9' || n > mostLines {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, text != "" && n <= mostLines
}

// moment reads a time, or a duration back from now; a duration may also be a number of days.
func moment(text string) (time.Time, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, ok := smallNumber(days); ok {
			return time.Now().AddDate(0, 0, -n), true
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return time.Now().Add(-d), true
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}

// OneProcess tells whether these names mean exactly one process whatever there is: then its lines need no name before them.
func OneProcess(names []string) bool { return len(names) == 1 && core.ValidName(names[0]) == nil }

// source is one stream that is read.
type source struct {
	of     string       // the process
	kind   string       // "stdout" or "stderr"
	name   string       // what stands before its lines, "" for nothing
	stream *logs.Stream // nil: the process was not started since the daemon was; only its file can be read
	file   string       // the first one that it writes, "" if none
	format logs.Format
	told   bool // its older lines are those of the source before it, which has the same file
	mixed  bool // its lines may be those of the other stream, which has the same file
}

// tail are the last lines of the source.
func (s source) tail(q logQuery) ([]logs.Line, error) {
	if s.stream == nil {
		return logs.TailFile(s.file, s.format, q.lines, q.since, q.match)
	}
	return s.stream.Tail(q.lines, q.since, q.match)
}

// show is a line as it is shown.
func (q logQuery) show(line sourced) string {
	if line.Missed > 0 {
		line.Text = fmt.Sprintf("... %d bytes passed over, too slow a reader ...", line.Missed)
	}
	if q.json {
		kind := line.from.kind
		if line.from.mixed {
			kind = ""
		}
		return lineJSON(line.from.of, kind, line.Line)
	}
	text := line.Text
	if q.times {
		at := "-"
		if !line.At.IsZero() {
			at = line.At.UTC().Format(timeLayout)
		}
		text = at + " " + text
	}
	if name := line.from.name; name != "" {
		text = name + ": " + text
	}
	return text
}

// sources are the streams that are asked for. Output that is discarded has none; when nothing at all is kept of a process
// that was named, that is an error.
func (q logQuery) sources(h *Host) ([]source, error) {
	names, err := h.Sup.Select(q.patterns...)
	if err != nil {
		return nil, shown(err)
	}
	var all []source
	for _, name := range names {
		spec, err := h.Sup.Spec(name)
		if err != nil {
			return nil, shown(err)
		}
		s := source{of: name, name: name, format: spec.Output.Format}
		if OneProcess(q.patterns) {
			s.name = ""
		}
		out := map[string]string{"stdout": firstFile(spec.Output.Stdout), "stderr": firstFile(spec.Output.Stderr)}
		found := false
		var why error
		for i, kind := range q.kinds(spec.Output) {
			s.stream, err = h.Sup.Stream(name, kind)
			s.kind, s.file = kind, out[kind]
			s.mixed = out["stdout"] != "" && out["stdout"] == out["stderr"]
			s.told = i > 0 && found && s.mixed
			switch {
			case err == nil, errors.Is(err, core.ErrConflict) && s.file != "":
				all = append(all, s)
				found = true
			case errors.Is(err, core.ErrConflict):
				why = err
			default:
				return nil, shown(err)
			}
		}
		if !found && OneProcess(q.patterns) {
			return nil, why
		}
	}
	return all, nil
}

// kinds are the streams to read. Where both have the same files, one pipe carries them and neither can be asked for alone.
func (q logQuery) kinds(o core.Output) []string {
	if slices.Equal(o.Stdout, o.Stderr) {
		return []string{"stdout", "stderr"}
	}
	return q.streams
}

// firstFile is the file whose lines a stream shows, "" when it has none.
func firstFile(files []string) string {
	for _, file := range files {
		switch file {
		case "/dev/stdout", "/dev/stderr", "/dev/null":
		default:
			return file
		}
	}
	return ""
}

func showLogs(h *Host, _ *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	q, err := query(arguments{"logs", args}, defaultLines)
	if err != nil {
		return lisp.Nil, err
	}
	all, err := q.sources(h)
	if err != nil {
		return lisp.Nil, err
	}
	var out []lisp.Value
	size := 0
	merged, err := q.merged(all, source.tail)
	if err != nil {
		return lisp.Nil, err
	}
	for _, line := range merged {
		text := q.show(line)
		if size += len(text); size > mostLogBytes {
			return lisp.Nil, lisp.Errorf(kindBudget, "cannot show so much output: more than %d MiB; ask for fewer lines", mostLogBytes>>20)
		}
		out = append(out, lisp.String(text))
	}
	return lisp.Array(out...), nil
}

// sourced is a line and where it comes from.
type sourced struct {
	from *source
	logs.Line
}

// merged are the older lines of all sources in the order of their times. Lines of one source stay in their order; those of which
// nothing is known come first.
func (q logQuery) merged(all []source, tail func(source, logQuery) ([]logs.Line, error)) ([]sourced, error) {
	var lines []sourced
	sources := 0
	for i := range all {
		s := &all[i]
		if s.told {
			continue
		}
		found, err := tail(*s, q)
		if err != nil {
			return nil, fmt.Errorf("cannot read the log: %w", err)
		}
		sources++
		var last time.Time
		for _, line := range found {
			if line.At.Before(last) { // the clock was set back
				line.At = last
			}
			last = line.At
			lines = append(lines, sourced{s, line})
		}
	}
	if sources > 1 {
		slices.SortStableFunc(lines, func(a, b sourced) int { return a.At.Compare(b.At) })
	}
	return lines, nil
}

// mostLogBytes bounds what one call of logs returns.
const mostLogBytes = 32 << 20

// followed is a line, or the end of its stream.
type followed struct {
	sourced
	err error
}

func follow(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	q, err := query(arguments{"follow", args}, followedLines)
	if err != nil {
		return lisp.Nil, err
	}
	all, err := q.sources(h)
	if err != nil {
		return lisp.Nil, err
	}
	began := time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	out := rawOut(t)
	arrived := make(chan followed)
	done := make(chan struct{})
	followers := make([]*logs.Follower, 0, len(all))
	// Every goroutine started below ends when its follower is closed and nobody takes its line any more.
	running := 0
	defer func() {
		cancel()
		close(done)
		for _, f := range followers {
			f.Close()
		}
		for running > 0 {
			if got := <-arrived; got.err != nil {
				running--
			}
		}
	}()
	var from []*source
	begin := func(s source, q logQuery) ([]logs.Line, error) {
		if s.stream == nil {
			return s.tail(q)
		}
		old, f, err := s.stream.TailFollow(ctx, q.lines, q.since, q.match)
		if err == nil {
			followers, from = append(followers, f), append(from, &s)
		}
		return old, err
	}
	old, err := q.merged(all, begin)
	if err != nil {
		return lisp.Nil, err
	}
	for _, s := range all {
		if !s.told {
			continue
		}
		none := q
		none.lines = 0
		if _, err := begin(s, none); err != nil {
			return lisp.Nil, fmt.Errorf("cannot read the log: %w", err)
		}
	}
	for _, line := range old {
		if err := writeLine(out, q.show(line)); err != nil {
			return lisp.Nil, err
		}
	}
	for i, f := range followers {
		running++
		go pass(f, from[i], arrived, done)
	}
	for _, s := range all {
		if s.stream == nil {
			running++
			go q.await(ctx, h, s, began, arrived, done)
		}
	}
	for running > 0 {
		got := <-arrived
		switch {
		case got.err != nil:
			running--
			if !errors.Is(got.err, io.EOF) {
				return lisp.Nil, got.err
			}
		case got.Missed > 0, q.match == nil, q.match.MatchString(got.Text):
			err = writeLine(out, q.show(got.sourced))
		}
		if err != nil {
			return lisp.Nil, err
		}
	}
	return lisp.Nil, nil
}

// await follows a process that was never started, from its first start on; its end is that of the process being removed.
func (q logQuery) await(ctx context.Context, h *Host, s source, since time.Time, to chan<- followed, done <-chan struct{}) {
	stream, err := firstStream(ctx, h, s)
	if errors.Is(err, core.ErrNotFound) {
		err = io.EOF
	}
	if err != nil {
		to <- followed{err: err}
		return
	}
	lines := mostLines
	if s.told {
		lines = 0
	}
	old, f, err := stream.TailFollow(ctx, lines, since, q.match)
	if err != nil {
		to <- followed{err: fmt.Errorf("cannot read the log: %w", err)}
		return
	}
	defer f.Close()
	for _, line := range old {
		select {
		case to <- followed{sourced: sourced{&s, line}}:
		case <-done:
		}
	}
	pass(f, &s, to, done)
}

// firstStream waits until the process is started for the first time since the daemon was.
func firstStream(ctx context.Context, h *Host, s source) (*logs.Stream, error) {
	for journal := h.Sup.Journal(); ; {
		seen := journal.Last()
		stream, err := h.Sup.Stream(s.of, s.kind)
		if !errors.Is(err, core.ErrConflict) {
			return stream, err
		}
		if err := journal.Wait(ctx, seen); err != nil {
			return nil, err
		}
	}
}

// pass hands the lines of a follower on, and its end last. Once done is closed lines are dropped.
func pass(f *logs.Follower, from *source, to chan<- followed, done <-chan struct{}) {
	for {
		line, err := f.Next()
		if err != nil {
			to <- followed{err: err}
			return
		}
		select {
		case to <- followed{sourced: sourced{from, line}}:
		case <-done:
		}
	}
}

func writeLine(w io.Writer, line string) error {
	_, err := io.WriteString(w, line+"\n")
	return err
}
