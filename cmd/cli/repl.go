package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/qjpcpu/supervisord/lisp"
	"github.com/qjpcpu/supervisord/repl"
)

// repl talks to a person, or evaluates the form after -e.
func (s *session) repl(c *call) error {
	if c.has("eval") {
		exec, _ := find([]string{"exec"})
		return s.send(&call{command: exec, given: c.given})
	}
	client, _, err := s.dial(c)
	if err != nil {
		return err
	}
	terminal := repl.Terminal{
		Client: client, In: s.stdio.In, Out: s.stdio.Out, Err: s.stdio.Err,
		Interactive: isTerminal(s.stdio.In) && isTerminal(s.stdio.Out),
		Colour:      colourful(s.stdio.Out),
		Show:        s.showReply,
		Session:     "repl-" + rand.Text(),
	}
	terminal.Complete = completer(client, terminal.Session)
	if terminal.Interactive {
		greeting, err := s.greet(client)
		if err != nil {
			return c.unreachable(err)
		}
		terminal.Banner = fitted(greeting+"\ntry (status), (help), (doc restart) or Tab; Ctrl-C ends a form, Ctrl-D leaves", widthFor(s.stdio.Out))
		terminal.History = historyFile()
	}
	if code := terminal.Run(s.ctx); code != ExitOK {
		return exitCode(code)
	}
	return nil
}

// greet says whom the prompt talks to, in the daemon's own words: it may be of another version. One that is slow to answer gets its
// prompt all the same; one that is not there, or lets nobody in, is told before anything is typed.
func (s *session) greet(client *repl.Client) (string, error) {
	ctx, cancel := context.WithTimeout(s.ctx, silence)
	defer cancel()
	text, err := client.Health(ctx)
	if ctx.Err() != nil && s.ctx.Err() == nil {
		return fmt.Sprintf("supervisord at %s has not answered for %s", client.Address(), silence), nil
	}
	if refused, ok := errors.AsType[*repl.Failure](err); ok {
		return "", fail(repl.ExitCode(refused.Kind), "%s", refused.Message)
	}
	if err != nil {
		return "", err
	}
	var health struct{ Version string }
	if err := json.Unmarshal(text, &health); err != nil {
		return "", fmt.Errorf("cannot read what the daemon says of itself: %w", err)
	}
	return repl.Plain(fmt.Sprintf("supervisord %s at %s", health.Version, client.Address())), nil
}

// showReply prints a value at the prompt.
func (s *session) showReply(w io.Writer, reply repl.Reply) {
	switch {
	case showKnown(w, reply):
	case isStream(reply):
		fmt.Fprintln(w, reply.Text+"  its elements are made when they are read: (realize (take 10 *1))")
	default:
		fmt.Fprintln(w, repl.Abridge(reply.Text, screenWidth()))
	}
}

// isStream tells whether a value is a stream, which crosses the wire as the text that stands for one.
func isStream(reply repl.Reply) bool {
	var text string
	return strings.HasPrefix(reply.Text, "(stream") && json.Unmarshal(reply.Value, &text) == nil && text == reply.Text
}

// showKnown prints what a person knows from the commands as the commands do: statuses, reports, events, usage, explanations; the
// list of verbs as a table, a text of several lines as one, in whole words as far as the terminal is wide. It leaves everything
// else.
func showKnown(w io.Writer, reply repl.Reply) bool {
	v := &view{out: w, value: reply.Value, text: reply.Text, colour: colourful(w)}
	for _, known := range []struct {
		keys   []string
		render renderer
	}{
		{[]string{"name", "state", "restarts"}, renderStatus},
		{[]string{"name", "outcome"}, renderReport},
		{[]string{"seq", "at", "name", "to"}, renderEvents},
		{[]string{"name", "args", "power", "doc"}, renderVerbs},
		{[]string{"name", "memory", "cpu", "processes"}, renderUsage},
	} {
		if rowsWith(reply.Value, known.keys...) {
			return known.render(v) == nil
		}
	}
	var text string
	if json.Unmarshal(reply.Value, &text) != nil || !strings.Contains(text, "\n") {
		return false
	}
	if isExplanation(text) {
		text = localTimes(text)
	}
	text = fitted(strings.TrimSuffix(text, "\n"), widthFor(w))
	fmt.Fprintln(w, repl.Abridge(text, screenWidth()))
	return true
}

// rowsWith tells whether a value is a list of hashes that all have these keys.
func rowsWith(value []byte, keys ...string) bool {
	var all []map[string]json.RawMessage
	if json.Unmarshal(value, &all) != nil || len(all) == 0 {
		return false
	}
	for _, one := range all {
		for _, key := range keys {
			if one[key] == nil {
				return false
			}
		}
	}
	return true
}

// renderVerbs prints the value of (help): how each verb is called, and what it does as far as the line goes.
func renderVerbs(v *view) error {
	var verbs []struct{ Name, Args, Doc string }
	if err := json.Unmarshal(v.value, &verbs); err != nil {
		return err
	}
	widest := 0
	for _, verb := range verbs {
		widest = max(widest, len(verb.Name)+len(verb.Args)+len("( )"))
	}
	t := table{colour: v.colour, width: widthFor(v.out)}
	for _, verb := range verbs {
		doc := verb.Doc
		if isTerminal(v.out) {
			doc = clipRunes(doc, max(screenWidth()-widest-2, 20))
		}
		t.add(cell{text: "(" + strings.TrimSpace(verb.Name+" "+verb.Args) + ")"}, cell{doc, dim})
	}
	return t.write(v.out)
}

// historyFile is where the forms of a person are kept, "" if there is no home.
func historyFile() string {
	folder := environment("XDG_STATE_HOME")
	if folder == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		folder = filepath.Join(home, ".local", "state")
	}
	folder = filepath.Join(folder, "supervisord")
	if os.MkdirAll(folder, 0o700) != nil {
		return ""
	}
	return filepath.Join(folder, "history")
}

// completer completes process names in strings, and elsewhere verbs, what the session has defined, and the language, as
// the daemon knows them now.
func completer(client *repl.Client, session string) func(context.Context, string, bool) []repl.Candidate {
	ask := func(ctx context.Context, session string, form lisp.Value) (value json.RawMessage) {
		reply, err := client.Eval(ctx, repl.Request{Form: lisp.Print(form), Name: "completion", Session: session}, nil)
		if err != nil || reply.Error != nil {
			return nil
		}
		return reply.Value
	}
	return func(ctx context.Context, word string, _ bool) []repl.Candidate {
		var all []repl.Candidate
		if !strings.HasPrefix(word, `"`) {
			var names []struct{ Name, Doc string }
			_ = json.Unmarshal(ask(ctx, session, form("complete", word)), &names) // what it does not understand it does not offer
			for _, one := range names {
				all = append(all, repl.Candidate{Text: one.Name, Doc: one.Doc})
			}
			return all
		}
		lines, _ := statusLines(ask(ctx, "", form("status")))
		for _, line := range lines {
			if text := `"` + line.Name; strings.HasPrefix(text, word) {
				all = append(all, repl.Candidate{Text: text + `"`, Doc: line.State})
			}
		}
		return all
	}
}
