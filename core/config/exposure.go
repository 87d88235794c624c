package config

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// secretName matches names of variables whose values are secrets by convention.
var secretName = regexp.MustCompile(`(?i)(pass|secret|token|key|cred|auth|cookie|dsn|private)`)

// exposure warns of a file that everybody can read although secrets stand in it, and of one that makes somebody else the
// master of what root runs. (A file that others can write is refused, see checkFile.)
func (h host) exposure(path string, sources []source) []Problem {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	var out []Problem
	owner, _, known := ownerOf(info)
	if known && h.uid == 0 && owner != 0 {
		out = append(out, Problem{File: path, Msg: fmt.Sprintf("belongs to user %d, who so decides what root runs (chown root it)", owner)})
	}
	if !known || info.Mode().Perm()&0o004 == 0 {
		return out
	}
	for _, src := range sources {
		env, _ := src.raw["env"].(map[string]any)
		for _, name := range sortedKeys(env) {
			if v, ok := env[name].(string); ok && secretName.MatchString(name) && v != "" && !strings.Contains(v, "${") {
				return append(out, Problem{File: path, Msg: fmt.Sprintf("everybody can read it (mode %04o) and it holds %s of %s: chmod 640 it, or keep such values in an env_file",
					info.Mode().Perm(), clip(name), clip(fmt.Sprint(src.raw["name"])))})
			}
		}
	}
	return out
}
