package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

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
		Complete:    completer(client),
	}
	if terminal.Interactive {
		v, _ := buildVersion()
		terminal.Banner = fmt.Sprintf("supervisord %s at %s; (help) lists the forms, Ctrl-D leaves", v, client.Address())
		terminal.History = historyFile()
	}
	if code := terminal.Run(s.ctx); code != ExitOK {
		return exitCode(code)
	}
	return nil
}

// showReply prints a status as the table of service status and everything else as the language prints it.
func (s *session) showReply(w io.Writer, reply repl.Reply) {
	if lines, err := statusLines(reply.Value); err == nil && len(lines) > 0 && isStatus(reply.Value) {
		if renderStatus(&view{out: w, value: reply.Value, text: reply.Text, colour: colourful(w)}) == nil {
			return
		}
	}
	fmt.Fprintln(w, repl.Abridge(reply.Text, screenWidth()))
}

// isStatus tells a list of statuses from other lists of hashes.
func isStatus(value []byte) bool {
	var all []map[string]json.RawMessage
	if json.Unmarshal(value, &all) != nil {
		return false
	}
	for _, one := range all {
		if one["name"] == nil || one["state"] == nil || one["restarts"] == nil {
			return false
		}
	}
	return true
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

// completer completes verbs where a verb stands and process names elsewhere, as the daemon knows them now.
func completer(client *repl.Client) func(context.Context, string, bool) []repl.Candidate {
	ask := func(ctx context.Context, form string) (value json.RawMessage) {
		reply, err := client.Eval(ctx, repl.Request{Form: form, Name: "completion"}, nil)
		if err != nil || reply.Error != nil {
			return nil
		}
		return reply.Value
	}
	return func(ctx context.Context, word string, head bool) []repl.Candidate {
		var all []repl.Candidate
		if head {
			var verbs []struct{ Name, Doc string }
			_ = json.Unmarshal(ask(ctx, "(help)"), &verbs) // what it does not understand it does not offer
			for _, verb := range verbs {
				if strings.HasPrefix(verb.Name, word) {
					all = append(all, repl.Candidate{Text: verb.Name, Doc: verb.Doc})
				}
			}
			return all
		}
		lines, _ := statusLines(ask(ctx, "(status)"))
		for _, line := range lines {
			if text := `"` + line.Name; strings.HasPrefix(text, word) {
				all = append(all, repl.Candidate{Text: text + `"`, Doc: line.State})
			}
		}
		return all
	}
}
