package lisp

import "fmt"

// past is where a program was when an error happened. It is noted when the error is thrown, and put into words only when
// the error leaves the evaluation or the program asks: most errors that a program catches are never looked at.
type past struct {
	prim  string // the primitive that failed, if one did
	src   *source
	line  int
	calls []pastCall // the innermost ones, then a ring of the outermost
	ring  int        // where in the ring the next one goes
	kinds int        // how many calls differed from the one before
	count int        // how many calls there were
}

type pastCall struct {
	p    *proto
	site position
}

// How many calls of a trace are told, from either end.
const innerCalls, outerCalls = 10, 10

// trace notes where the program is, once.
func (t *Thread) trace(e *Error) {
	if e.traced {
		return
	}
	e.traced = true
	was := &past{}
	fr := t.top
	for ; fr != nil; fr = fr.prev {
		if fr.cl == nil {
			continue
		}
		p := fr.cl.proto
		if p.src == nil { // a primitive: its place is where it was called
			if was.prim == "" {
				was.prim = p.name
			}
			continue
		}
		if fr.site == 0 {
			continue
		}
		if e.Pos.Line == 0 {
			e.Pos = p.src.pos(fr.site)
			was.src, was.line = p.src, e.Pos.Line
		}
		break
	}
	for ; fr != nil && was.count < 200_000; fr = fr.prev {
		if fr.cl != nil {
			was.add(pastCall{fr.cl.proto, fr.site})
		}
	}
	t.fuel -= int64(was.count) / 16
	e.past = was
}

// add notes a call, the one under way around the last one.
func (w *past) add(c pastCall) {
	w.count++
	if n := len(w.calls); n > 0 {
		last := w.calls[n-1]
		if n == innerCalls+outerCalls {
			last = w.calls[innerCalls+(w.ring+outerCalls-1)%outerCalls]
		}
		if last == c {
			return
		}
	}
	w.kinds++
	if len(w.calls) < innerCalls+outerCalls {
		w.calls = append(w.calls, c)
		return
	}
	w.calls[innerCalls+w.ring] = c
	w.ring = (w.ring + 1) % outerCalls
}

// settle puts the trace of an error into words. An error that others may see already must be copied before.
func (e *Error) settle() *Error {
	was := e.past
	if was == nil {
		if e.expanding != nil {
			e.Trace, e.expanding = append(e.Trace, e.expanding...), nil
		}
		return e
	}
	e.past = nil
	if was.src != nil && e.Line == "" {
		e.Line = was.src.lineAt(was.line)
	}
	e.Trace = append(was.lines(), e.expanding...)
	e.expanding = nil
	return e
}

// lines tells the calls, innermost first.
func (w *past) lines() []string {
	var out []string
	if w.prim != "" {
		out = append(out, "in "+w.prim)
	}
	told := len(w.calls)
	for i := range told {
		at := i
		if i >= innerCalls && w.kinds > told {
			at = innerCalls + (i-innerCalls+w.ring)%outerCalls
		}
		if left := w.count - told; left > 0 && told > 1 && i == min(innerCalls, told-1) {
			out = append(out, fmt.Sprintf("… %d more calls", left))
		}
		out = append(out, w.calls[at].String())
	}
	return out
}

// String is "in NAME at FILE:LINE:COL".
func (c pastCall) String() string {
	line := "in " + c.p.title()
	if c.p.src != nil && c.p.name == topName {
		line = "at top level"
	}
	if c.p.src != nil && c.site != 0 {
		line += " at " + c.p.src.pos(c.site).String()
	}
	return line
}

// topName is the name of the code of a form at top level.
const topName = "\x00top"
