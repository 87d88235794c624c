package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/qjpcpu/supervisord/lisp"
)

// format lays out programs: files in place, folders with all programs below them, standard input to standard output. A file
// that cannot be read as a program is left as it is and reported; the others are done nevertheless.
func (s *session) format(c *call) error {
	names := c.args
	if len(names) == 0 {
		names = []string{"-"}
	}
	var wrong []error
	differs := false
	for _, name := range names {
		files, err := programsOf(name)
		if err != nil {
			wrong = append(wrong, fail(ExitUsage, "cannot format: %w", err))
			continue
		}
		for _, file := range files {
			changed, err := s.formatOne(file, c.has("check"))
			differs = differs || changed
			wrong = append(wrong, err)
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	if differs && c.has("check") {
		return exitCode(ExitFailed)
	}
	return nil
}

// programsOf are the programs that a word of the command line means.
func programsOf(name string) (files []string, err error) {
	if info, err := os.Stat(name); name == "-" || err != nil || !info.IsDir() {
		return []string{name}, nil // reading it says what is wrong
	}
	err = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && filepath.Ext(path) == programSuffix {
			files = append(files, path)
		}
		return err
	})
	return files, err
}

// formatOne lays out one program. onlyName: its name is printed if it would change, and nothing is done.
func (s *session) formatOne(name string, onlyName bool) (changed bool, err error) {
	text, err := s.source(name)
	if err != nil {
		return false, err
	}
	title := name
	if name == "-" {
		title = "stdin"
	}
	formatted, err := lisp.Format(title, text)
	var unreadable *lisp.Error
	if errors.As(err, &unreadable) {
		return false, usage("%s", unreadable.Render())
	}
	if err != nil {
		return false, err
	}
	changed = formatted != text
	switch {
	case name == "-" && !onlyName:
		_, err = io.WriteString(s.stdio.Out, formatted)
		return changed, err
	case !changed:
		return false, nil
	case !onlyName:
		if err := overwrite(name, text, formatted); err != nil {
			return true, err
		}
	}
	_, err = fmt.Fprintln(s.stdio.Out, printable(title))
	return true, err
}

// overwrite puts another content into a file, which keeps its owner, mode and links. The old content stays beside it
// until the new one is written, and stays for good when that fails.
func overwrite(path, old, content string) error {
	fail := func(err error) error { return fmt.Errorf("cannot write %s: %w", path, err) }
	backup, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.old")
	if err != nil {
		return fail(err)
	}
	_, err = backup.WriteString(old)
	if err := errors.Join(err, backup.Sync(), backup.Close()); err != nil {
		os.Remove(backup.Name())
		return fail(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		os.Remove(backup.Name())
		return fail(err)
	}
	_, err = io.WriteString(file, content)
	if err := errors.Join(err, file.Truncate(int64(len(content))), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("%w (what it was is in %s)", fail(err), backup.Name())
	}
	if err := os.Remove(backup.Name()); err != nil {
		return fmt.Errorf("cannot remove %s: %w", backup.Name(), err)
	}
	return nil
}
