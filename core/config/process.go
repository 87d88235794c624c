package config

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/qjpcpu/supervisord/core"
)

// ProcessFromHash makes the Spec of a hash with the keys of [[process]]: the same table, types and checks as for the file, but
// strings are literal. Integers of any size of Go, []string, []any, map[string]string and map[string]any are understood.
// base is the folder that relative paths and the working directory mean; "" = the configuration's.
func (c Config) ProcessFromHash(hash map[string]any, base string) (core.Spec, error) {
	b := c.builder()
	spec := b.build(hashSource(hash, c.base(base), core.Added))
	if err := b.problems.err(); err != nil {
		return core.Spec{}, err
	}
	return spec, nil
}

// base is the folder of relative paths.
func (c Config) base(cwd string) string {
	if c.Path != "" {
		return absolute(cwd, filepath.Dir(c.Path))
	}
	return absolute(cwd, root())
}

// builder makes processes under the configuration's settings.
func (c Config) builder() *builder {
	lookup := lookupIn(c.environ)
	l := loader{settings: c.Settings}
	return &builder{tables: newTables(), accounts: accounts{}, lookup: lookup, root: realHost(lookup).uid == 0,
		cgroup: c.Settings.Cgroup, config: c.Path, log: l.ownLog(c.Place), output: outputDefaults(c.Settings, c.Place)}
}

// checkProcessFlags looks at the words and the names of the flags.
func checkProcessFlags(p ProcessArgs, ps *Problems) {
	checkFlags(p.Flags, true, ps)
	checkProcessArgs("start", p, ps)
}

// flagSource makes a command line the table that the file would have held. Values that are no values are noted; command and
// arguments are literal.
func flagSource(t tables, p ProcessArgs, cwd string, origin core.Origin, ps *Problems) source {
	raw := map[string]any{"name": p.Name}
	spelled := map[string]string{}
	for _, f := range p.Flags {
		k, ok := t.process.flag(f.Name)
		if !ok || k.Name == "name" {
			continue
		}
		spelled[k.Name] = flagPrefix + f.Name
		v, err := fromFlag(k, f.Value)
		if err != nil {
			*ps = append(*ps, Problem{Msg: fmt.Sprintf("%s%s: %v", flagPrefix, f.Name, err)})
			continue
		}
		raw[k.Name] = v
	}
	if p.Command != "" {
		raw["command"] = p.Command
		args := make([]any, len(p.Args))
		for i, a := range p.Args {
			args[i] = a
		}
		raw["args"] = args
	} else if raw["command"] == nil {
		raw["command"] = nil // said already by checkProcessArgs
	}
	return source{
		raw: raw, origin: origin, cwd: cwd,
		where: func(string, string) Problem { return Problem{} },
		label: func(key string) string {
			if s := spelled[key]; s != "" {
				return s
			}
			return key
		},
		reader: func() reader { return reader{base: cwd, expanded: new(bool)} },
	}
}

// Hash is the process as the hash of add-proc: the keys of [[process]] that were given, with values as the file would have
// had. Relative paths stay as they are; HashIn makes them absolute.
func (p ProcessArgs) Hash() (map[string]any, error) {
	var problems Problems
	checkProcessFlags(p, &problems)
	raw := flagSource(newTables(), p, "", core.Added, &problems).raw
	if err := problems.err(); err != nil {
		return nil, err
	}
	return raw, nil
}

// HashIn is Hash for a daemon that does not know the caller's current directory: relative paths, that of the command too, are
// made absolute in folder, and folder is the working directory if none was given.
func (p ProcessArgs) HashIn(folder string) (map[string]any, error) {
	raw, err := p.Hash()
	if err != nil {
		return nil, err
	}
	r := reader{base: folder}
	absolute := func(v any) any {
		if path, ok := v.(string); ok && path != "" && !homeless(path) {
			return r.abs(path)
		}
		return v
	}
	if _, given := raw["cwd"]; !given {
		raw["cwd"] = folder
	}
	for _, k := range processKeys() {
		switch v, given := raw[k.Name]; {
		case !given:
		case k.Type == Path, k.Name == "command" && isPath(v):
			raw[k.Name] = absolute(v)
		case k.Name == "stop_command":
			if items, ok := v.([]any); ok && len(items) > 0 && isPath(items[0]) {
				items[0] = absolute(items[0])
			}
		case k.Type == Paths:
			if items, ok := v.([]any); ok {
				for i := range items {
					items[i] = absolute(items[i])
				}
			}
		}
	}
	return raw, nil
}

// isPath reports whether a command is a path and not a name to look up.
func isPath(v any) bool {
	s, ok := v.(string)
	return ok && strings.ContainsAny(s, "/"+string(filepath.Separator))
}

// hashSource makes a hash a source.
func hashSource(hash map[string]any, base string, origin core.Origin) source {
	raw := make(map[string]any, len(hash))
	for k, v := range hash {
		if v != nil { // nil is what a Lisp writes for "not given"
			raw[k] = plain(v)
		}
	}
	return source{
		raw: raw, origin: origin, cwd: base,
		where:  func(string, string) Problem { return Problem{} },
		label:  func(key string) string { return key },
		reader: func() reader { return reader{base: base, expanded: new(bool)} },
	}
}

// plain makes a Go value what the TOML library would have made of the same: int64, float64, string, bool, []any,
// map[string]any. Others stay and are refused by their key.
func plain(v any) any {
	if v == nil {
		return nil
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return rv.Int()
	case reflect.Float32, reflect.Float64:
		return rv.Float()
	case reflect.String:
		return rv.String()
	case reflect.Bool:
		return rv.Bool()
	case reflect.Slice, reflect.Array:
		out := make([]any, rv.Len())
		for i := range out {
			out[i] = plain(rv.Index(i).Interface())
		}
		return out
	case reflect.Map:
		if rv.Type().Key().Kind() != reflect.String {
			return v
		}
		out := make(map[string]any, rv.Len())
		for it := rv.MapRange(); it.Next(); {
			out[it.Key().String()] = plain(it.Value().Interface())
		}
		return out
	}
	return v
}
