package builtins

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/qjpcpu/supervisord/lisp"
)

// openFile is what (os/open-file NAME) gives: a file that is read from its start and written at its end. It holds nothing open
// between two calls, so nothing is left of it when the program ends.
type openFile struct {
	path   string
	at     int64 // where the next read begins
	closed bool
}

// Type is "io".
func (*openFile) Type() string { return "io" }

// String is "io".
func (*openFile) String() string { return "io" }

// Name is the file.
func (f *openFile) Name() string { return f.path }

// Left is how much of the file has not been read.
func (f *openFile) Left() int64 {
	info, err := os.Stat(f.path)
	if err != nil {
		return 0
	}
	return max(0, info.Size()-f.at)
}

// Close makes further reading and writing fail.
func (f *openFile) Close() error {
	f.closed = true
	return nil
}

// with opens the file for f.
func (f *openFile) with(how int, do func(*os.File) (int, error)) (int, error) {
	if f.closed {
		return 0, lisp.Errorf(kindInvalid, "cannot use %s: it was closed", f.path)
	}
	file, err := openRegular(f.path, how)
	if err != nil {
		return 0, fmt.Errorf("cannot use %w", bare(err))
	}
	n, err := do(file)
	if late := file.Close(); err == nil {
		err = late
	}
	return n, err
}

// Read takes what comes next.
func (f *openFile) Read(p []byte) (int, error) {
	n, err := f.with(os.O_RDONLY, func(file *os.File) (int, error) { return file.ReadAt(p, f.at) })
	f.at += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// Write adds to the end.
func (f *openFile) Write(p []byte) (int, error) {
	return f.with(os.O_WRONLY|os.O_CREATE|os.O_APPEND, func(file *os.File) (int, error) { return file.Write(p) })
}

// Get answers the methods.
func (f *openFile) Get(t *lisp.Thread, name string, args []lisp.Value) (lisp.Value, error) {
	return lisp.IOMethod(t, f, name, args)
}

// openRegular opens a file that cannot hold up anybody: no pipe, no device.
func openRegular(path string, how int) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, lisp.Errorf(kindInvalid, "cannot use %s: it is no regular file", path)
	}
	return os.OpenFile(path, how, 0o644)
}

// openPrims give io objects, and let csv/read and csv/write take the name of a file in place of one.
func openPrims(m *machine) []lisp.Prim {
	return []lisp.Prim{
		{Name: "os/open-file", Params: "[file:string]",
			Doc: "A file to read from its start and to write at its end, made when it is missing; without a name a temporary one that is\n" +
				"removed when the program ends. (:write f s) (:print f x...) (:println f x...) (:printf f format x...) (:read f [n])\n" +
				"(:lines f) (:name f) (:close f).",
			Example: "(let [f (os/open-file)] (:println f \"a\" 1) (:lines f)) => [\"a 1\"]",
			Fn: func(t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
				if len(args) == 0 {
					return temporary(t)
				}
				path, err := m.path(t, args[0])
				if err != nil {
					return lisp.Nil, err
				}
				f := &openFile{path: path}
				if _, err := f.Write(nil); err != nil {
					return lisp.Nil, err
				}
				return lisp.Host(f), t.Alloc(int64(len(path)) + 128)
			}},
		{Name: "csv/read", Params: "io:io|string [how:name|nil]",
			Doc:     "The rows of a file, or of what is left to read of a buffer or another io object, as csv/parse gives them.",
			Example: "(let [b (buffer)] (:print b \"a,b\\n1,2\\n\") (csv/read b)) => [[\"a\" \"b\"] [\"1\" \"2\"]]",
			Fn: func(t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
				from, err := m.io(t, "csv/read", args[0])
				if err != nil {
					return lisp.Nil, err
				}
				header := len(args) == 2 && args[1].Truthy()
				if how, _ := textOf(last(args)); header && how != "hash" {
					return lisp.Nil, lisp.Errorf(kindInvalid, "cannot call csv/read: %s is no way to give the rows, want 'hash or nothing", cut(lisp.Print(args[1]), 64))
				}
				if left := from.Left(); left > mostFileBytes {
					return lisp.Nil, tooLarge(from.Name())
				} else if err := t.Alloc(2 * left); err != nil {
					return lisp.Nil, err
				}
				text, err := io.ReadAll(io.LimitReader(from, mostFileBytes))
				if errors.Is(err, fs.ErrNotExist) {
					err = lisp.Errorf(kindNotFound, "%w", err)
				}
				if err != nil {
					return lisp.Nil, err
				}
				return lisp.FromCSV(t, string(text), header)
			}},
		{Name: "csv/write", Params: "io:io|string rows:seq",
			Doc:     "Writes rows into a file anew, or to a buffer or another io object, as csv/format gives them; nil.",
			Example: "(let [b (buffer)] (csv/write b [[\"a\" \"b\"] [1 2]]) (string b)) => \"a,b\\n1,2\\n\"",
			Fn: func(t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
				to, err := m.io(t, "csv/write", args[0])
				if err != nil {
					return lisp.Nil, err
				}
				text, err := lisp.AppendCSV(t, nil, args[1])
				if err != nil {
					return lisp.Nil, err
				}
				if _, isName := args[0].AsString(); isName {
					return writeFile(os.O_TRUNC)(t, to.Name(), []lisp.Value{lisp.Bytes(text)})
				}
				_, err = to.Write(text)
				return lisp.Nil, err
			}},
	}
}

func last(args []lisp.Value) lisp.Value { return args[len(args)-1] }

// temporary is a new file that lives as long as the program.
func temporary(t *lisp.Thread) (lisp.Value, error) {
	if err := t.Alloc(256); err != nil {
		return lisp.Nil, err
	}
	file, err := os.CreateTemp("", "supervisord-script-")
	if err != nil {
		return lisp.Nil, fmt.Errorf("cannot make a temporary file: %w", bare(err))
	}
	t.AtEnd(func() { _ = os.Remove(file.Name()) })
	return lisp.Host(&openFile{path: file.Name()}), file.Close()
}

// path is a name of a file as a program writes it: a leading ~ is the home directory.
func (m *machine) path(t *lisp.Thread, v lisp.Value) (string, error) {
	path, _ := v.AsString()
	if path == "" || strings.Contains(path, "\x00") {
		return "", lisp.Errorf(kindInvalid, "cannot use %q as the name of a file", cut(path, 64))
	}
	if path == "~" || strings.HasPrefix(path, "~/") {
		path = m.lookup(t, "HOME") + path[1:]
	}
	return path, nil
}

// io is an io object, or a file by its name.
func (m *machine) io(t *lisp.Thread, verb string, v lisp.Value) (lisp.IO, error) {
	if _, isName := v.AsString(); isName {
		path, err := m.path(t, v)
		return &openFile{path: path}, err
	}
	object, _ := v.AsHost()
	if o, ok := object.(lisp.IO); ok {
		return o, nil
	}
	return nil, lisp.Errorf(kindType, "cannot call %s: argument 1 is %s, want the name of a file, a buffer or another io object", verb, kindName(v))
}
