package lisp

// closure is a function of the program: compiled code and the variables it took along.
type closure struct {
	proto *proto
	up    []Value
}

func (*closure) kind() Kind { return KindFunction }

// proto is the compiled code of a function: immutable, shared by every evaluation that can reach it.
type proto struct {
	body    node
	shape   int   // how many arguments may be put into the slots as they come; -1 when they may not
	cost    int64 // steps that a call takes
	own     int64 // of a call in the program's code: 0 for a small function that calls nothing, which is part of what calls it
	nparams int
	rest    bool // one more parameter takes the remaining arguments as a list
	loose   bool // #(...): any number of arguments will do
	orNil   bool // of a loose one: the first argument is nil when missing
	nslots  int
	name    string
	doc     string
	params  *array // as they are written; nil for #(...)
	src     *source
	pos     position
}

// cell is a variable that is both captured by a closure and assigned.
type cell struct{ v Value }

func (*cell) kind() Kind { return kindInternal }

// funcName is the name of a function in messages.
func funcName(v Value) string {
	switch o := v.o.(type) {
	case *closure:
		return o.proto.title()
	case *primitive:
		return o.def.Name
	}
	return clip(Print(v), 40)
}

// usage is how the function is called.
func (p *proto) usage() string { return usageOf(p.name, p.params) }

func usageOf(name string, params *array) string {
	if params == nil {
		return "#(...)"
	}
	if name == "" {
		name = "fn"
	}
	out := "(" + name
	for _, p := range params.items {
		if s, ok := p.o.(*symbol); ok {
			out += " " + s.name
		}
	}
	return out + ")"
}

func (p *proto) title() string {
	if p.name != "" {
		return p.name
	}
	return "fn"
}

// Object is something of the embedder that a program can hold and hand back. It may also implement [Getter], [Iterable],
// [Comparer], [JSONer] and fmt.Stringer (its plain text).
type Object interface {
	// Type is what (type x) answers.
	Type() string
}

// Getter answers (:name object args...).
type Getter interface {
	Get(t *Thread, name string, args []Value) (Value, error)
}

// Iterable makes an object a stream's source. The function answers false when there is nothing more.
type Iterable interface {
	Iterate(t *Thread) func() (Value, bool, error)
}

// Comparer makes two objects equal that are not the same.
type Comparer interface{ Equal(Object) bool }

// JSONer gives the value that stands for an object in JSON.
type JSONer interface{ JSON() Value }

type hostObject struct{ obj Object }

func (*hostObject) kind() Kind { return KindHost }

// Host makes a value that holds an object of the embedder.
func Host(o Object) Value { return Value{o: &hostObject{o}} }

// AsHost gives an object of the embedder.
func (v Value) AsHost() (Object, bool) {
	if h, ok := v.o.(*hostObject); ok {
		return h.obj, true
	}
	return nil, false
}
