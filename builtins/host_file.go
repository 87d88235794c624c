package builtins

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/qjpcpu/supervisord/lisp"
)

// mostFileBytes bounds the file that is read at once.
const mostFileBytes = 64 << 20

// filePrims read and write files. A leading ~ is the home directory; a relative name starts where the daemon stands.
func filePrims(m *machine) []lisp.Prim {
	// named is a primitive whose first argument is the name of a file.
	named := func(do func(t *lisp.Thread, path string, rest []lisp.Value) (lisp.Value, error)) func(*lisp.Thread, []lisp.Value) (lisp.Value, error) {
		return func(t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
			path, err := m.path(t, args[0])
			if err != nil {
				return lisp.Nil, err
			}
			value, err := do(t, path, args[1:])
			if errors.Is(err, fs.ErrNotExist) {
				err = lisp.Errorf(kindNotFound, "%w", err)
			}
			return value, err
		}
	}
	return []lisp.Prim{
		{Name: "os/read-file", Params: "file:string", Doc: "The content of a regular file of at most 64 MiB, as bytes; (string ...) makes text of it.",
			Example: "(begin (os/write-file \"/tmp/glisp-example/a\" \"hi\") (string (os/read-file \"/tmp/glisp-example/a\"))) => \"hi\"", Fn: named(readFile)},
		{Name: "os/write-file", Params: "file:string data:string|bytes", Doc: "Writes a file anew, with the directories above it.",
			Example: "(os/write-file \"/tmp/glisp-example/a\" \"hi\") => ()", Fn: named(writeFile(os.O_TRUNC))},
		{Name: "os/append-file", Params: "file:string data:string|bytes", Doc: "Writes at the end of a file, and makes it and the directories above it where they are missing.",
			Example: "(os/append-file \"/tmp/glisp-example/log\" \"more\") => ()", Fn: named(writeFile(os.O_APPEND))},
		{Name: "os/file-exist?", Params: "file:string", Doc: "Whether there is a file or directory of this name.", Example: "(os/file-exist? \"/tmp\") => true",
			Fn: named(func(_ *lisp.Thread, path string, _ []lisp.Value) (lisp.Value, error) {
				_, err := os.Stat(path)
				return lisp.Bool(err == nil), nil
			})},
		{Name: "os/remove-file", Params: "file:string", Doc: "Removes a file, or a directory with all that is in it; a missing one is a success. / itself is refused.",
			Example: "(os/remove-file \"/tmp/glisp-example\") => ()",
			Fn: named(func(_ *lisp.Thread, path string, _ []lisp.Value) (lisp.Value, error) {
				whole, err := filepath.Abs(path)
				if err == nil && whole == filepath.Dir(whole) {
					err = lisp.Errorf(kindInvalid, "cannot remove %s: it is the root", path)
				}
				if err == nil {
					err = os.RemoveAll(whole)
				}
				return lisp.Nil, err
			})},
		{Name: "os/mkdir", Params: "directory:string", Doc: "Makes a directory and those above it; one that is there is a success.",
			Example: "(begin (os/mkdir \"/tmp/glisp-example/d\") (os/remove-file \"/tmp/glisp-example\")) => ()",
			Fn: named(func(_ *lisp.Thread, path string, _ []lisp.Value) (lisp.Value, error) {
				return lisp.Nil, os.MkdirAll(path, 0o755)
			})},
		{Name: "os/read-dir", Params: "directory:string [kind:symbol|string]",
			Doc:     "The names in a directory, sorted; with 'file or 'dir only those. nil when there is no such directory.",
			Example: "(os/read-dir \"/no/such/directory\") => ()", Fn: named(readDir)},
	}
}

func readFile(t *lisp.Thread, path string, _ []lisp.Value) (lisp.Value, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return lisp.Nil, fmt.Errorf("cannot read %w", bare(err))
	case !info.Mode().IsRegular():
		return lisp.Nil, lisp.Errorf(kindInvalid, "cannot read %s: it is no regular file", path)
	case info.Size() > mostFileBytes:
		return lisp.Nil, tooLarge(path)
	}
	if err := t.Alloc(info.Size()); err != nil {
		return lisp.Nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return lisp.Nil, fmt.Errorf("cannot read %w", bare(err))
	}
	defer file.Close()
	// Files of the kernel have no size, and others may grow meanwhile.
	data, err := io.ReadAll(io.LimitReader(file, mostFileBytes+1))
	if err != nil {
		return lisp.Nil, fmt.Errorf("cannot read %w", bare(err))
	}
	if len(data) > mostFileBytes {
		return lisp.Nil, tooLarge(path)
	}
	return lisp.Bytes(data), t.Alloc(max(0, int64(len(data))-info.Size()))
}

func tooLarge(path string) error {
	return lisp.Errorf(kindTooLarge, "cannot read %s: it has more than %d MiB", path, mostFileBytes>>20)
}

func writeFile(how int) func(*lisp.Thread, string, []lisp.Value) (lisp.Value, error) {
	return func(_ *lisp.Thread, path string, rest []lisp.Value) (lisp.Value, error) {
		data, isBytes := rest[0].AsBytes()
		if text, ok := rest[0].AsString(); ok && !isBytes {
			data = []byte(text)
		}
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			return lisp.Nil, lisp.Errorf(kindInvalid, "cannot write %s: it is no regular file", path)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return lisp.Nil, fmt.Errorf("cannot write %w", bare(err))
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|how, 0o644)
		if err != nil {
			return lisp.Nil, fmt.Errorf("cannot write %w", bare(err))
		}
		_, err = file.Write(data)
		if err = errors.Join(err, file.Close()); err != nil {
			return lisp.Nil, fmt.Errorf("cannot write %w", bare(err))
		}
		return lisp.Nil, nil
	}
}

func readDir(t *lisp.Thread, path string, rest []lisp.Value) (lisp.Value, error) {
	kind := ""
	if len(rest) == 1 {
		if kind, _ = textOf(rest[0]); kind != "file" && kind != "dir" {
			return lisp.Nil, lisp.Errorf(kindInvalid, "cannot list %s: the kind is %q, want file or dir", path, cut(kind, 64))
		}
	}
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return lisp.Nil, nil
	}
	if err != nil {
		return lisp.Nil, fmt.Errorf("cannot list %w", bare(err))
	}
	var names []string
	size := 0
	for _, entry := range entries {
		if kind == "" || entry.IsDir() == (kind == "dir") {
			names = append(names, entry.Name())
			size += len(entry.Name()) + 48
		}
	}
	return textArray(names), t.Alloc(int64(size))
}

// bare is the error of a file without the name of the system call: "PATH: no such file or directory".
func bare(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return fmt.Errorf("%s: %w", of.Path, of.Err)
	}
	return err
}
