package lisp

type node interface{ eval(*frame) Value }

type frame struct {
	slots      [8]Value
	cl         *closure
	next, prev *frame
	t          *Thread
	more       []Value
	site       position
	depth      int32
}

func (t *Thread) apply(fn Value, args []Value) Value    { return Nil }
func (t *Thread) eval(env *Env, name, src string) Value { return Nil }
func languageTables() [][]Prim                          { return nil }

var specialDocs []Doc
