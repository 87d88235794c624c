package lisp

import (
	"fmt"
	"io"
	"sync"
)

// maxBuffer bounds what a buffer holds, in bytes.
const maxBuffer = 16 << 20

// Buffer is text in memory that is written at the end and read from the start: what (buffer) makes. Its methods may be
// called by several goroutines, so that a command may write into it.
type Buffer struct {
	mu     sync.Mutex
	b      []byte
	at     int
	closed bool
}

// bufferPrims make buffers.
func bufferPrims() []Prim {
	return []Prim{
		{Name: "buffer", Params: "", Doc: "A buffer in memory: (:write b s) (:print b x...) (:println b x...) (:printf b format x...) add to it; (:read b [n]) and (:lines b) take from its start; (string b) shows what is left.", Example: "(let [b (buffer)] (:print b \"n=\" 1) (:println b \" end\") (string b)) => \"n=1 end\\n\"", fn: func(t *Thread, _ []Value) Value {
			t.alloc(128)
			return Host(&Buffer{})
		}},
	}
}

// Type is "*buffer*".
func (b *Buffer) Type() string { return "*buffer*" }

// String is what has not been read yet.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.b[b.at:])
}

// Write adds p. It fails with kind "too-large" when the buffer would hold more than 16 MiB, and when it is closed.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return 0, Errorf("value", "cannot write to a buffer that is closed")
	case len(b.b)-b.at+len(p) > maxBuffer:
		return 0, Errorf("too-large", "cannot write to a buffer: it would hold more than %d bytes", maxBuffer)
	case b.at > len(b.b)/2:
		b.b = append([]byte(nil), b.b[b.at:]...)
		b.at = 0
	}
	b.b = append(b.b, p...)
	return len(p), nil
}

// Read takes from the start; io.EOF when nothing is there.
func (b *Buffer) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at == len(b.b) {
		b.b, b.at = nil, 0
		return 0, io.EOF
	}
	n := copy(p, b.b[b.at:])
	b.at += n
	return n, nil
}

// Left is how much can be read.
func (b *Buffer) Left() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int64(len(b.b) - b.at)
}

// Name is what :name answers.
func (b *Buffer) Name() string { return "anonWriter" }

// Close makes further writing fail.
func (b *Buffer) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// IO is an object that a program reads from and writes to by the methods of a buffer; see [IOMethod].
type IO interface {
	Object
	io.Reader
	io.Writer
	io.Closer
	// Left is about how many bytes can be read now.
	Left() int64
	// Name says where it all is.
	Name() string
}

var ioMethods = []string{"write", "print", "println", "printf", "read", "lines", "name", "close"}

// Get answers the methods.
func (b *Buffer) Get(t *Thread, name string, args []Value) (Value, error) {
	return IOMethod(t, b, name, args)
}

// IOMethod answers (:write o s), (:print o x...), (:println o x...), (:printf o format x...), (:read o [n]), (:lines o),
// (:name o) and (:close o).
func IOMethod(t *Thread, o IO, name string, args []Value) (v Value, err error) {
	defer t.recovered(&err, t.top)
	return t.ioMethod(o, name, args), nil
}

func (t *Thread) ioMethod(b IO, name string, args []Value) Value {
	want := func(least, most int) {
		if len(args) < least || len(args) > most {
			t.arity(":"+name, len(args)+1, least+1, most+1, "")
		}
	}
	switch name {
	case "write":
		want(1, 1)
		s, ok := args[0].AsString()
		if p, isBytes := args[0].AsBytes(); isBytes {
			s, ok = string(p), true
		}
		if !ok {
			t.badArg(":write", 2, args[0], "string or bytes")
		}
		t.put(b, s)
		return Int(int64(len(s)))
	case "print":
		t.put(b, t.line(args, ""))
	case "println":
		t.put(b, t.line(args, " ")+"\n")
	case "printf":
		if len(args) == 0 || args[0].Kind() != KindString {
			t.fail("type", "cannot call :printf: want a format")
		}
		t.put(b, t.format(args))
	case "read":
		want(0, 1)
		n := b.Left()
		if len(args) == 1 {
			if args[0].Kind() != KindInt || compareNumbers(args[0], Int(0)) < 0 {
				t.badArg(":read", 2, args[0], "how many bytes")
			}
			if most, ok := args[0].AsInt(); ok {
				n = min(n, most)
			}
		}
		t.alloc(2 * n)
		p := make([]byte, n)
		n2, err := io.ReadFull(b, p)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			t.throw(err)
		}
		return t.newText(string(p[:n2]))
	case "lines":
		want(0, 0)
		t.alloc(2 * b.Left())
		s := t.readAll(b)
		if s == "" {
			return t.texts(nil)
		}
		return t.texts(t.lines(s))
	case "name":
		want(0, 0)
		return t.newText(b.Name())
	case "close":
		want(0, 0)
		if err := b.Close(); err != nil {
			t.throw(err)
		}
	default:
		near := ""
		if n := Nearest(name, ioMethods); n != "" {
			near = " (did you mean :" + n + "?)"
		}
		t.fail("key", "cannot call :%s of %s: no such method%s", name, article(b.Type()), near)
	}
	return Nil
}

func (t *Thread) put(b IO, s string) {
	t.charge(1 + int64(len(s))>>6)
	t.alloc(3 * int64(len(s)))
	if _, err := b.Write([]byte(s)); err != nil {
		t.throw(err)
	}
}

// readAll reads to the end, with the budget asked before every piece.
func (t *Thread) readAll(r io.Reader) string {
	var all []byte
	size := 512
	if b, ok := r.(IO); ok {
		size = int(min(b.Left(), 1<<20)) + 1
	}
	for {
		t.charge(1)
		t.alloc(2 * int64(size))
		if len(all)+size > 64<<20 {
			t.fail("too-large", "cannot read more than %d bytes", 64<<20)
		}
		piece := make([]byte, size)
		n, err := r.Read(piece)
		all = append(all, piece[:n]...)
		switch {
		case err == io.EOF:
			return string(all)
		case err != nil:
			t.throw(fmt.Errorf("cannot read: %w", err))
		}
		size = min(2*size, 1<<20)
	}
}
