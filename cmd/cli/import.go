package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/qjpcpu/supervisord/core/config"
	"github.com/qjpcpu/supervisord/core/config/migrate"
)

// mostImported bounds the files that import reads, each of them.
const mostImported = 4 << 20

// importFile turns the configuration of another supervisor into ours. It never touches a file that is there.
func (s *session) importFile(c *call) error {
	source, err := s.foreignSource(c.args[0])
	if err != nil {
		return err
	}
	hostname, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("cannot import %s: %w", source.Name, err)
	}
	_, err = os.Stat(filepath.Join(source.Dir, ".env"))
	result, err := migrate.Convert(source, migrate.Options{Include: includedSources, Hostname: hostname, EnvFile: err == nil})
	if err != nil {
		return &coded{code: ExitUsage, err: err}
	}
	out := c.given["output"]
	if out == "" {
		_, err := io.WriteString(s.stdio.Out, result.TOML)
		return err
	}
	if err := writeNew(out, result.TOML); err != nil {
		return err
	}
	s.judgeImport(out, result)
	return nil
}

// judgeImport says what was written and what is left to do.
func (s *session) judgeImport(out string, result migrate.Result) {
	processes, notes := "processes", "notes"
	if result.Processes == 1 {
		processes = "process"
	}
	if len(result.Notes) == 1 {
		notes = "note"
	}
	fmt.Fprintf(s.stdio.Out, "wrote %s: %d %s", printable(out), result.Processes, processes)
	if n := len(result.Notes); n > 0 {
		fmt.Fprintf(s.stdio.Out, ", %d %s on what has no counterpart (lines that begin with \"# !\")", n, notes)
	}
	fmt.Fprintln(s.stdio.Out)
	loaded, err := config.Load(out, config.Overrides{})
	var problems config.Problems
	if errors.As(err, &problems) {
		for _, problem := range problems {
			fmt.Fprintf(s.stdio.Err, "to mend before it can be started: %s\n", printable(problem.String()))
		}
	}
	for _, warning := range loaded.Warnings {
		fmt.Fprintf(s.stdio.Err, "warning: %s\n", printable(warning.String()))
	}
}

// foreignSource reads the file to import; "-" is standard input.
func (s *session) foreignSource(name string) (migrate.Source, error) {
	here, err := os.Getwd()
	if err != nil {
		return migrate.Source{}, fmt.Errorf("cannot find the current folder: %w", err)
	}
	if name == "-" {
		text, err := readAtMost(s.stdio.In, mostImported)
		if err != nil {
			return migrate.Source{}, fmt.Errorf("cannot read standard input: %w", err)
		}
		return migrate.Source{Name: "standard input", Dir: here, Text: text}, nil
	}
	return readSource(name)
}

func readSource(name string) (migrate.Source, error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return migrate.Source{}, fmt.Errorf("cannot find %s: %w", name, err)
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	var file *os.File
	if err == nil {
		file, err = os.Open(path)
	}
	if err != nil {
		return migrate.Source{}, usage("cannot import %s: %v", name, withoutPath(err))
	}
	defer file.Close()
	text, err := readAtMost(file, mostImported)
	if err != nil {
		return migrate.Source{}, fmt.Errorf("cannot import %s: %w", name, err)
	}
	return migrate.Source{Name: name, Dir: filepath.Dir(path), Text: text}, nil
}

// withoutPath is an error without the path that its message names already.
func withoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

func readAtMost(from io.Reader, most int64) (string, error) {
	text, err := io.ReadAll(io.LimitReader(from, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("it has more than %d MiB", most>>20)
	}
	return string(text), err
}

// includedSources reads the files of a pattern, in the order of their names.
func includedSources(dir, pattern string) ([]migrate.Source, error) {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(dir, pattern)
	}
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil, usage("cannot import: [include] %s: %v", pattern, err)
	}
	slices.Sort(names)
	var all []migrate.Source
	for _, name := range names {
		source, err := readSource(name)
		if err != nil {
			return nil, err
		}
		all = append(all, source)
	}
	return all, nil
}

// writeNew writes a file that must not be there yet. It may hold secrets, so it is for its owner and group alone.
func writeNew(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if errors.Is(err, fs.ErrExist) {
		return fail(ExitConflict, "cannot write %s: it exists already", path)
	}
	if err != nil {
		return fmt.Errorf("cannot write: %w", err)
	}
	if _, err := file.WriteString(text); err != nil {
		return errors.Join(fmt.Errorf("cannot write: %w", err), file.Close())
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("cannot write: %w", err)
	}
	return nil
}
