package config

import (
	"fmt"
	"strconv"
	"strings"
)

// flagPrefix begins every flag that is a key of the configuration; one more dash before it is accepted.
const flagPrefix = "-supvr."

// KV is a flag as it was written: -supvr.Name Value.
type KV struct{ Name, Value string }

// ProcessArgs is one process as a command line names it: NAME [FLAGS] COMMAND ARGS...
type ProcessArgs struct {
	Name    string
	Flags   []KV
	Command string
	Args    []string
}

// StartArgs is what stands after the word start: [GLOBAL FLAGS] [NAME [PROC FLAGS] COMMAND ARGS...].
type StartArgs struct {
	Flags   []KV         // of the daemon
	Process *ProcessArgs // nil when only the file's processes are meant
}

// ParseStart understands the words after start. Unknown flags, flags at the wrong place and missing words are Problems; the
// values are looked at by Load.
func ParseStart(args []string) (StartArgs, error) {
	var ps Problems
	flags, rest := takeFlags(args, false, &ps)
	out := StartArgs{Flags: flags}
	if len(rest) > 0 {
		p := takeProcess(rest, "start", &ps)
		out.Process = &p
	}
	return out, ps.err()
}

// ParseAddProc understands the words after add-proc: NAME [PROC FLAGS] COMMAND ARGS...
func ParseAddProc(args []string) (ProcessArgs, error) {
	var ps Problems
	if len(args) == 0 {
		ps = append(ps, Problem{Msg: "cannot add-proc: want NAME COMMAND ARGS..."})
		return ProcessArgs{}, ps.err()
	}
	p := takeProcess(args, "add-proc", &ps)
	return p, ps.err()
}

// takeProcess reads NAME [FLAGS] COMMAND ARGS...; the command may be given by -supvr.command instead.
func takeProcess(args []string, verb string, ps *Problems) ProcessArgs {
	p := ProcessArgs{Name: args[0]}
	if strings.HasPrefix(p.Name, "-") {
		*ps = append(*ps, Problem{Msg: "cannot " + verb + ": " + quote(p.Name) + " stands where the process's name is wanted"})
	}
	var rest []string
	p.Flags, rest = takeFlags(args[1:], true, ps)
	if len(rest) > 0 {
		p.Command, p.Args = rest[0], rest[1:]
	}
	checkProcessArgs(verb, p, ps)
	return p
}

// checkProcessArgs notes what is wrong with the words as such: a missing command, or one that is given twice.
func checkProcessArgs(verb string, p ProcessArgs, ps *Problems) {
	byFlag := false
	for _, f := range p.Flags {
		switch f.Name {
		case "command":
			byFlag = true
		case "args":
			if p.Command != "" {
				*ps = append(*ps, Problem{Msg: flagPrefix + "args cannot be given beside a command: its arguments follow it"})
			}
		}
	}
	switch {
	case byFlag && p.Command != "":
		*ps = append(*ps, Problem{Msg: "cannot " + verb + " " + clip(p.Name) + ": the command is given twice, as a word and as " + flagPrefix + "command"})
	case !byFlag && p.Command == "":
		*ps = append(*ps, Problem{Msg: "cannot " + verb + " " + clip(p.Name) + ": it has no command (want NAME COMMAND ARGS...)"})
	}
}

// takeFlags reads flags from the left; the first word that is none ends them.
func takeFlags(args []string, process bool, ps *Problems) ([]KV, []string) {
	var out []KV
	for len(args) > 0 {
		word := args[0]
		if strings.HasPrefix(word, "-"+flagPrefix) {
			word = word[1:]
		}
		if !strings.HasPrefix(word, flagPrefix) {
			break
		}
		name, value, joined := strings.Cut(word[len(flagPrefix):], "=")
		args = args[1:]
		if !joined {
			if len(args) == 0 {
				*ps = append(*ps, Problem{Msg: flagPrefix + clip(name) + " has no value"})
				break
			}
			value, args = args[0], args[1:]
		}
		out = append(out, KV{name, value})
	}
	checkFlags(out, process, ps)
	return out, args
}

// checkFlags notes flags that no key stands behind, with the nearest one, and those of the other scope.
func checkFlags(flags []KV, process bool, ps *Problems) {
	t := newTables()
	for _, f := range flags {
		ix := t.daemon
		if process {
			ix = t.process
		}
		k, ok := ix.flag(f.Name)
		switch {
		case !ok:
			*ps = append(*ps, Problem{Msg: t.unknown(f.Name, process, flagPrefix)})
		case k.Name == "name":
			*ps = append(*ps, Problem{Msg: flagPrefix + "name is not a flag: the name is the word before the flags"})
		}
	}
}

// fromFlag makes a flag's text the value that the file would have held.
func fromFlag(k Key, text string) (any, error) {
	switch k.Type {
	case Bool:
		b, err := strconv.ParseBool(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("%s is no boolean: want true or false", quote(text))
		}
		return b, nil
	case Int:
		return wholeFromFlag(text)
	case Number:
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil, fmt.Errorf("%s is no number", quote(text))
		}
		return f, nil
	case Strings, Paths:
		items := []any{}
		for _, piece := range strings.Split(text, ",") {
			if piece != "" {
				items = append(items, piece)
			}
		}
		return items, nil
	case Ints:
		items := []any{}
		for _, piece := range strings.Split(text, ",") {
			if strings.TrimSpace(piece) == "" {
				continue
			}
			n, err := wholeFromFlag(piece)
			if err != nil {
				return nil, err
			}
			items = append(items, n)
		}
		return items, nil
	case Table:
		return tableFromFlag(text)
	}
	return strings.TrimSpace(text), nil
}

func wholeFromFlag(text string) (any, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s is no integer, or too large", quote(text))
	}
	return n, nil
}

// tableFromFlag reads K=V,K=V; a piece without = belongs to the value before it, so that a value may hold commas.
func tableFromFlag(text string) (any, error) {
	m := map[string]any{}
	if text == "" {
		return m, nil
	}
	last := ""
	for i, piece := range strings.Split(text, ",") {
		name, value, ok := strings.Cut(piece, "=")
		switch {
		case ok && name != "":
			m[name], last = value, name
		case ok || i == 0:
			return nil, fmt.Errorf("want KEY=VALUE,KEY=VALUE")
		default:
			m[last] = m[last].(string) + "," + piece
		}
	}
	return m, nil
}
