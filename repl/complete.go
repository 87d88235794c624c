package repl

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chzyer/readline"
)

// completionPatience is how long the person waits for completions from the daemon, at most.
const completionPatience = 500 * time.Millisecond

// Do completes: what all candidates have in common is put in at once; a second Tab lists them with a line on each.
func (e *editor) Do(line []rune, pos int) ([][]rune, int) {
	before := e.pending + string(line[:pos])
	text, head, ok := word(before)
	if !ok || e.t.Complete == nil {
		return nil, 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionPatience)
	defer cancel()
	candidates := slices.DeleteFunc(e.t.Complete(ctx, text, head), func(c Candidate) bool { return !strings.HasPrefix(c.Text, text) })
	length := len([]rune(text))
	switch common := commonPrefix(candidates); {
	case len(candidates) == 0:
		return nil, 0
	case len(candidates) == 1 && head:
		return [][]rune{[]rune(common[len(text):] + " ")}, length
	case len(common) > len(text):
		if len(candidates) > 1 {
			e.asked = before + common[len(text):] // the next Tab is the second one there
		}
		return [][]rune{[]rune(common[len(text):])}, length
	}
	if e.asked == before {
		fmt.Fprint(e.line.Stdout(), listCandidates(candidates, readline.GetScreenWidth()))
	}
	e.asked = before
	return nil, 0
}

// commonPrefix is what all candidates begin with, in whole characters.
func commonPrefix(candidates []Candidate) string {
	if len(candidates) == 0 {
		return ""
	}
	common := candidates[0].Text
	for _, c := range candidates[1:] {
		n := 0
		for i, r := range common {
			if !strings.HasPrefix(c.Text[i:], string(r)) {
				break
			}
			n = i + len(string(r))
		}
		common = common[:n]
	}
	return common
}

// maxListed is how many candidates fill a screen.
const maxListed = 40

// listCandidates is a line for each: the word and what it is, as far as the screen is wide (0 or less: it is not known).
func listCandidates(candidates []Candidate, screen int) string {
	width := 0
	for _, c := range candidates {
		width = max(width, len([]rune(c.Text)))
	}
	width = min(width, 32)
	clip := func(line string) string {
		if runes := []rune(line); screen > 1 && len(runes) > screen-1 {
			return string(runes[:screen-2]) + "…"
		}
		return line
	}
	var b strings.Builder
	for i, c := range candidates {
		if i == maxListed {
			fmt.Fprintf(&b, "… and %d more\n", len(candidates)-maxListed)
			break
		}
		doc, _, _ := strings.Cut(c.Doc, "\n")
		b.WriteString(clip(strings.TrimRight(fmt.Sprintf("%-*s  %s", width, Plain(c.Text), Plain(doc)), " ")) + "\n")
	}
	return b.String()
}
