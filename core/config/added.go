package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/qjpcpu/supervisord/core"
)

// addedVersion is the format of the state file; a later one is not understood.
const addedVersion = 1

// addedFile is the state file: the processes that add-proc added, with the keys of [[process]] and all values in full (what
// env_file said is in env).
type addedFile struct {
	Version int              `json:"version"`
	Process []map[string]any `json:"process"`
}

// maxAdded is the largest state file, in bytes: a larger one is neither written nor read.
const maxAdded = 64 << 20

// SaveAdded replaces the state file by the Specs whose Origin is Added; others are left out. The file is 0600 (it holds
// environments), written whole or not at all, and the one before stays as path.bak. On an error, such as a full disk, the old
// state holds.
func SaveAdded(path string, specs []core.Spec) error {
	file := addedFile{Version: addedVersion, Process: []map[string]any{}}
	for _, s := range specs {
		if s.Origin == core.Added {
			file.Process = append(file.Process, SpecKeys(s))
		}
	}
	data, err := json.MarshalIndent(file, "", "\t")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	data = append(data, '\n')
	if len(data) > maxAdded {
		return fmt.Errorf("cannot write %s: what add-proc added is larger than %d MiB: put some of it into the configuration", path, maxAdded>>20)
	}
	old, err := readAdded(path)
	if err == nil && bytes.Equal(old, data) {
		return nil
	}
	if err == nil && parses(old) { // a torn file must not replace the good copy
		if err := writeAtomic(path+".bak", old); err != nil {
			return err
		}
	}
	return writeAtomic(path, data)
}

// LoadAdded reads the state file. It never refuses for ever: a file that is damaged is set aside as path.damaged and the copy
// path.bak is taken instead (also when a later version of the program wrote it), an entry that cannot be understood is left
// out, and each such loss is a warning. No file is no process. An error means that a file is there but cannot be read now.
func LoadAdded(path string) (specs []core.Spec, warnings []Problem, err error) {
	data, err := readAdded(path)
	if errors.Is(err, fs.ErrNotExist) {
		// A rename never leaves the name empty: somebody removed the file, and so what was added.
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read what add-proc added: %w", err)
	}
	specs, warnings, err = parseAdded(path, data)
	if err == nil {
		return specs, warnings, nil
	}
	warn := Problem{File: path, Msg: fmt.Sprintf("what add-proc added cannot be used: %v", err)}
	if err := writeAtomic(path+".damaged", data); err == nil {
		warn.Msg += ", it is kept as " + path + ".damaged"
	}
	if data, err = readAdded(path + ".bak"); err == nil {
		specs, warnings, err = parseAdded(path+".bak", data)
	}
	if err != nil {
		warn.Msg += "; there is no copy to use: what it added is not known any more"
		return nil, []Problem{warn}, nil
	}
	warn.Msg += "; the copy before the last change is used"
	return specs, append([]Problem{warn}, warnings...), nil
}

func readAdded(path string) ([]byte, error) {
	f, err := openOwn(path, os.Geteuid())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxAdded))
}

func parses(data []byte) bool {
	var file addedFile
	return json.Unmarshal(data, &file) == nil && file.Version == addedVersion
}

func parseAdded(path string, data []byte) ([]core.Spec, []Problem, error) {
	var file addedFile
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&file); err != nil {
		return nil, nil, errors.New("it is no JSON")
	}
	switch {
	case file.Version > addedVersion:
		return nil, nil, fmt.Errorf("it has version %d, this program understands %d", file.Version, addedVersion)
	case file.Version < 1:
		return nil, nil, errors.New("it has no version")
	}
	none := func(string) (string, bool) { return "", false }
	b := builder{tables: newTables(), accounts: accounts{}, lookup: none,
		output: func(string) ([]string, []string) { return nil, nil }}
	specs := []core.Spec{}
	var warnings []Problem
	for i, entry := range file.Process {
		src := hashSource(numbers(entry).(map[string]any), root(), core.Added)
		src.saved = true
		src.where = func(string, string) Problem { return Problem{File: path} }
		b.problems = nil
		spec := b.build(src)
		b.unique(spec, src)
		if len(b.problems) > 0 {
			name, _ := entry["name"].(string)
			for _, p := range b.problems {
				p.Msg = fmt.Sprintf("entry %d (%s) is left out: %s", i+1, clip(name), p.Msg)
				warnings = append(warnings, p)
			}
			continue
		}
		specs = append(specs, spec)
	}
	return specs, warnings, nil
}

// numbers makes JSON's numbers what TOML's are.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}
