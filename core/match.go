package core

import (
	"path"
	"strings"

	"github.com/qjpcpu/supervisord/core/spelling"
)

// isPattern reports whether a user's word is a glob rather than a name; names cannot hold these characters.
func isPattern(word string) bool { return strings.ContainsAny(word, "*?[\\") }

// match picks from names, in their order and each once, those that the patterns mean; none means all.
func match(names, patterns []string) ([]string, error) {
	if len(patterns) == 0 {
		return names, nil
	}
	picked := make(map[string]bool, len(patterns))
	for _, pat := range patterns {
		found := false
		for _, name := range names {
			hit := name == pat
			if !hit && isPattern(pat) {
				var err error
				if hit, err = path.Match(pat, name); err != nil {
					return nil, &PatternError{pat}
				}
			}
			if hit {
				picked[name], found = true, true
			}
		}
		if !found {
			return nil, &NotFoundError{Name: pat, Near: spelling.Nearest(pat, names)}
		}
	}
	out := make([]string, 0, len(picked))
	for _, name := range names {
		if picked[name] {
			out = append(out, name)
		}
	}
	return out, nil
}
