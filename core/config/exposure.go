package config

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/qjpcpu/supervisord/core"
)

// secretName matches names of variables whose values are secrets by convention.
var secretName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(pass|secret|token|key|cred|auth|cookie|dsn|private)`)
})

// secretArgument matches an argument that holds a secret: --password=x, API_KEY=x, scheme://user:password@host. A path is none:
// --tls-key=/etc/tls.key.
var secretArgument = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^-{0,2}[a-z0-9_.-]*(pass|secret|token|key|cred|auth|cookie|dsn|private)[a-z0-9_.-]*=[^/.]|://[^/\s:@]*:[^/\s]+@`)
})

// file warns of a configuration that everybody can read although secrets stand in it, and of one that makes somebody else the
// master of what the daemon runs. (When that is root, a file that others can write is refused, see checkFile.)
func (w *weaknesses) file(sources []source) {
	path := w.loader.path
	if path == "" {
		return
	}
	info, err := os.Stat(path)
	if err != nil || !w.knowsOwner(info) {
		return
	}
	whole := func(format string, args ...any) {
		w.found = append(w.found, Problem{File: path, Msg: fmt.Sprintf(format, args...)})
	}
	owner, _, _ := ownerOf(info)
	switch {
	case w.uid == 0 && owner != 0:
		whole("belongs to user %d, who so decides what root runs (chown root it)", owner)
	case w.uid != 0 && writable(info, true) != "":
		whole("%s, and so others decide what is run here", writable(info, true))
	default:
		if why := w.open(path, w.uid); why != "" {
			whole("%s, and so somebody else decides what is run here", why)
		}
	}
	if info.Mode().Perm()&0o004 == 0 {
		return
	}
	for _, src := range sources {
		env, _ := src.raw["env"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(env)) {
			if v, ok := env[name].(string); ok && secretName().MatchString(name) && v != "" && !strings.Contains(v, "${") {
				w.key(src, "env", name, "everybody can read this file (mode %04o) and it holds %s of %s: chmod 640 it, or keep such values in an env_file",
					info.Mode().Perm(), clip(name), clip(fmt.Sprint(src.raw["name"])))
				return // once is enough
			}
		}
	}
}

// secrets warns of what a process is told in a way that others can hear.
func (w *weaknesses) secrets(src source, spec core.Spec) {
	announced := func(i int) bool {
		before := spec.Launch.Args[max(i-1, 0)]
		return i > 0 && strings.HasPrefix(before, "-") && !strings.Contains(before, "=") && secretName().MatchString(before) && !strings.ContainsAny(spec.Launch.Args[i][:min(1, len(spec.Launch.Args[i]))], "-/.")
	}
	for i, arg := range spec.Launch.Args {
		if secretArgument().MatchString(arg) || announced(i) {
			w.key(src, "args", "", "number %d of %s looks like a secret, and everybody can see the arguments of a process: give it in an env_file", i+1, clip(spec.Name))
			break
		}
	}
	path, ok := src.raw["env_file"].(string)
	if !ok || strings.Contains(path, "${") {
		return
	}
	path = src.reader().abs(path)
	info, err := os.Stat(path)
	if err != nil || !w.knowsOwner(info) {
		return
	}
	if info.Mode().Perm()&0o004 != 0 {
		env, _, err := readEnvFile(path)
		if err == nil && slices.ContainsFunc(slices.Collect(maps.Keys(env)), secretName().MatchString) {
			w.key(src, "env_file", "", "everybody can read %s (mode %04o) and secrets stand in it: chmod 600 it", path, info.Mode().Perm())
		}
	}
	if why := w.open(path, w.uid); why != "" {
		w.key(src, "env_file", "", "%s, and what stands in it decides what %s runs", why, clip(spec.Name))
	}
}
