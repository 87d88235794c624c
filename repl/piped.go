package repl

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// piped evaluates forms as they become complete, to the first failure.
func (t *Terminal) piped(ctx context.Context) int {
	in := bufio.NewReader(t.In)
	var src strings.Builder
	var s scan
	first, line := 0, 0 // numbers of the form's first line, and of the next one to read, from 0
	for ended := false; !ended && ctx.Err() == nil; {
		text, err := in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			t.complain("", fmt.Sprintf("cannot read the input: %s", err))
			return ExitCode(kindFailed)
		}
		ended = err != nil
		if line == 0 && strings.HasPrefix(text, "#!") {
			text = "\n"
		}
		src.WriteString(text)
		line++
		s.feed(text)
		// A form that has become too long is sent all the same: the daemon says why it is refused.
		if s.incomplete() && !ended && src.Len() <= DefaultLimits().Form {
			continue
		}
		if s.content {
			if code, leave := t.pipedForm(ctx, strings.TrimRight(src.String(), "\r\n"), first); leave {
				return code
			}
		}
		src.Reset()
		s = scan{}
		first = line
	}
	return 0
}

// pipedForm evaluates one form, whose first line is the given one of the input, and tells whether the loop ends with it.
func (t *Terminal) pipedForm(ctx context.Context, src string, first int) (code int, leave bool) {
	reply, err := t.eval(ctx, src)
	switch {
	case err != nil:
		t.complain("", err.Error())
		if _, ok := errors.AsType[*UnreachableError](err); ok {
			return ExitCode(kindUnreachable), true
		}
		return ExitCode(kindCancelled), true
	case reply.Exit != 0:
		return reply.Exit, true
	case reply.Error != nil:
		t.fail(src, first, reply.Error)
		return ExitCode(reply.Error.Kind), true
	}
	if string(reply.Value) != "null" {
		t.show(reply)
	}
	return 0, false
}
