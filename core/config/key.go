package config

import (
	"sort"
	"strings"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/spelling"
)

// Type is what a key's value may be.
type Type int

// The types of values. Each is written one way in the file, one way as a flag and as the natural value in a hash.
const (
	String   Type = iota // "text"
	Path                 // "text"; a relative one is made absolute
	Bool                 // true, false; as a flag also 1, 0, t, f
	Int                  // 10
	Number               // 0.5 or 1
	Size                 // "100M" or bytes as a number
	Duration             // seconds as a number (10, 0.5) or "10ms", "1s", "2m"
	Signal               // "TERM", "SIGTERM" or 15
	Choice               // one of a few words
	Strings              // ["a", "b"]; as a flag a,b
	Paths                // ["a", "b"]; relative ones are made absolute
	Ints                 // [0, 2]; as a flag 0,2
	Table                // [process.env] K = "v"; as a flag K=v,K=v
	Mode                 // "027", octal
)

// String is the type as the README's table names it.
func (t Type) String() string {
	switch t {
	case Path:
		return "path"
	case Bool:
		return "boolean"
	case Int:
		return "integer"
	case Number:
		return "number"
	case Size:
		return "size"
	case Duration:
		return "time"
	case Signal:
		return "signal"
	case Choice:
		return "word"
	case Strings:
		return "list of strings"
	case Paths:
		return "list of paths"
	case Ints:
		return "list of integers"
	case Table:
		return "table of strings"
	case Mode:
		return "octal text"
	}
	return "string"
}

// Key is one row of the key table.
type Key struct {
	Name    string   // in the file, in hashes and as -supvr.NAME
	Alias   string   // a second spelling as a flag, "" if none
	Type    Type     //
	Choices []string // the words of a Choice
	Default string   // what holds when it is not given, for people; "" = nothing
	Doc     string   // one sentence
	Example string   // a value as it is written in the file
	Process bool     // a key of [[process]]; else of the daemon

	none     bool             // zero means that nothing was said
	min, max int64            // of Int and Ints; of Duration in seconds
	at       func(*draft) any // a pointer to where the value lives
}

// draft is what keys are set on: the daemon's settings or one process.
type draft struct {
	settings Settings
	spec     core.Spec
	envFile  string            // absolute; read and put under env when the process is complete
	env      map[string]string // what env itself says
}

// Settings are the daemon's own keys as they hold after file, flags and defaults.
type Settings struct {
	AdminListen     int    // TCP port; 0 = none
	AdminBindIP     string // an IP address; "" = loopback
	AdminSock       string // absolute; "" = Place.Socket when AdminListen is 0
	AdminGroup      string
	AdminTLSCert    string // absolute, both or none
	AdminTLSKey     string
	AdminInsecure   bool // beyond loopback without TLS
	AdminHosts      []string
	Log             string // absolute; "" = Place.Log when daemonized, else standard error
	LogLevel        string // "debug", "info", "warn", "error"
	LogFormat       string // "text", "json"
	ExitWhenAllDone bool
	Daemonize       bool
	ReapZombie      bool
	HideArgs        bool
	DisableRCE      bool
	ExitCodeFrom    string // name of a process, "" = none
	InitScript      string // absolute, "" = none
	StateDir        string // absolute; "" = by the rule of Place
	Cgroup          string // "auto", "off"
}

// Keys returns the key table: the daemon's keys, then those of a process, in the order in which they are best read.
func Keys() []Key { return append(daemonKeys(), processKeys()...) }

// index finds keys of one scope.
type index map[string]Key

func newIndex(keys []Key) index {
	ix := make(index, len(keys))
	for _, k := range keys {
		ix[k.Name] = k
	}
	return ix
}

// flag finds a key by its name or its second spelling.
func (ix index) flag(name string) (Key, bool) {
	if k, ok := ix[name]; ok {
		return k, true
	}
	for _, k := range ix {
		if k.Alias != "" && k.Alias == name {
			return k, true
		}
	}
	return Key{}, false
}

// names are the names that may be meant, sorted, with second spellings when asked for.
func (ix index) names(aliases bool) []string {
	out := make([]string, 0, len(ix)+4)
	for name, k := range ix {
		out = append(out, name)
		if aliases && k.Alias != "" {
			out = append(out, k.Alias)
		}
	}
	sort.Strings(out)
	return out
}

// tables are the two scopes of the key table, built once per load.
type tables struct{ daemon, process index }

func newTables() tables { return tables{newIndex(daemonKeys()), newIndex(processKeys())} }

// unknown explains a name that the scope does not have: a key of the other scope, one of a later version, or a slip of the
// finger. The prefix is how the place spells names: "" or "-supvr.".
func (t tables) unknown(name string, process bool, prefix string) string {
	own, other := t.daemon, t.process
	if process {
		own, other = other, own
	}
	flags := prefix != ""
	k, ok := other[name]
	if !ok && flags {
		k, ok = other.flag(name)
	}
	if ok {
		switch {
		case k.Process && flags:
			return prefix + name + " is a key of a process: it goes between its name and its command"
		case k.Process:
			return name + " is a key of a process: it goes below its [[process]] line"
		case flags:
			return prefix + name + " is a key of the daemon: supervisord start takes it, before the process's name"
		}
		return name + " is a key of the daemon: it goes before the first [[process]] line"
	}
	msg := "unknown key " + quote(name)
	if flags {
		msg = "unknown flag " + prefix + clip(name)
	}
	if a, ok := own.flag(name); ok {
		return msg + " (did you mean " + a.Name + "?)"
	}
	if near := spelling.Nearest(name, own.names(flags)); near != "" {
		return msg + " (did you mean " + prefix + near + "?)"
	}
	if near := spelling.Nearest(name, other.names(flags)); near != "" {
		where := "of a process"
		if process {
			where = "of the daemon"
		}
		return msg + " (" + prefix + near + " is a key " + where + ")"
	}
	return msg
}

// clip keeps a user's word short and on one line in a message.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "..."
	}
	return printable(s)
}

// printable puts ? for control characters: a message is one line and moves no cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

func quote(s string) string { return `"` + clip(s) + `"` }
