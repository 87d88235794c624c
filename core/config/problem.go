package config

import (
	"fmt"
	"sort"
	"strings"

	"github.com/qjpcpu/supervisord/core"
)

// Problem is one thing that is wrong with a configuration and where it stands.
type Problem struct {
	File   string // as it was named; "" for flags and hashes
	Line   int    // from 1; 0 when it is about the whole file
	Column int    // from 1, in characters; 0 when unknown
	Msg    string
}

// String is "file:line:column: message" as far as these are known.
func (p Problem) String() string {
	switch {
	case p.File == "":
		return p.Msg
	case p.Line == 0:
		return p.File + ": " + p.Msg
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Msg)
}

// Problems is everything that is wrong, in the order of the file. As an error it is core.ErrInvalid.
type Problems []Problem

// mostTold is how many problems a text names: more are read by nobody, and have a cause in common.
const mostTold = 100

// Error is one problem a line, and how many more there are.
func (ps Problems) Error() string {
	var lines []string
	for _, p := range ps[:min(len(ps), mostTold)] {
		lines = append(lines, p.String())
	}
	if more := len(ps) - mostTold; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more problems", more))
	}
	return strings.Join(lines, "\n")
}

// Is makes errors.Is(problems, core.ErrInvalid) true.
func (ps Problems) Is(target error) bool { return target == core.ErrInvalid }

// sorted puts problems into the order of the file; those of the whole file and of flags come first. Whatever a message quotes,
// each stays one line of printable text.
func (ps Problems) sorted() Problems {
	for i := range ps {
		ps[i].Msg = printable(ps[i].Msg)
	}
	sort.SliceStable(ps, func(i, j int) bool {
		a, b := ps[i], ps[j]
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
	return ps
}

// err is nil when there are none: a nil Problems in an error would not be nil.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps.sorted()
}
