package repl

import (
	"context"
	"io"
)

// Terminal is the loop that a person talks to. The zero value of every field but Client, In and Out will do.
type Terminal struct {
	Client      *Client
	In          io.Reader
	Out, Err    io.Writer // values and output; errors
	Interactive bool      // prompts, editing and a banner; else forms are read and evaluated to the end of In
	Colour      bool
	History     string                                                        // the file of the person's earlier forms; "" keeps none
	Banner      string                                                        // printed first when interactive
	Session     string                                                        // name of the server-side session; "" makes one up
	Show        func(w io.Writer, r Reply)                                    // prints a reply's value; nil prints its text
	Complete    func(ctx context.Context, word string, head bool) []Candidate // completions of the word before the cursor; head: it stands where a verb does
}

// Candidate is one way to complete a word.
type Candidate struct {
	Text string // the whole word
	Doc  string // one line on it
}

// Run talks until the input ends or ctx does, and returns the exit code: 0, the code of (exit N), or when not
// interactive that of the first form that failed.
func (t *Terminal) Run(ctx context.Context) int { return t.run(ctx) }
func (t *Terminal) run(ctx context.Context) int { return 0 }
