package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/qjpcpu/supervisord/lisp"
)

// completion prints what a shell needs to complete commands and options. Process names are not completed: that would
// ask the daemon at every key.
func (s *session) completion(c *call) error {
	first, second, options := wordTables()
	switch shell := c.args[0]; shell {
	case "bash", "zsh":
		if shell == "zsh" {
			fmt.Fprintln(s.stdio.Out, "autoload -U +X bashcompinit && bashcompinit")
		}
		fmt.Fprintf(s.stdio.Out, `_supervisord() {
	local word=${COMP_WORDS[COMP_CWORD]} words="%s"
	case "${COMP_WORDS[1]}" in
`, strings.Join(first, " "))
		for _, group := range slices.Sorted(maps.Keys(second)) {
			fmt.Fprintf(s.stdio.Out, "\t%s) [ $COMP_CWORD -gt 1 ] && words=\"%s\" ;;\n", group, strings.Join(second[group], " "))
		}
		fmt.Fprintf(s.stdio.Out, `	esac
	case "$word" in -*) words="%s" ;; esac
	COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _supervisord supervisord
`, strings.Join(options, " "))
	case "fish":
		fmt.Fprintf(s.stdio.Out, "complete -c supervisord -n __fish_use_subcommand -a '%s'\n", strings.Join(first, " "))
		for _, group := range slices.Sorted(maps.Keys(second)) {
			fmt.Fprintf(s.stdio.Out, "complete -c supervisord -n '__fish_seen_subcommand_from %s' -a '%s'\n", group, strings.Join(second[group], " "))
		}
		for _, o := range options {
			fmt.Fprintf(s.stdio.Out, "complete -c supervisord -l %s\n", strings.TrimPrefix(o, "--"))
		}
	default:
		hint := ""
		if near := lisp.Nearest(shell, []string{"bash", "zsh", "fish"}); near != "" {
			hint = " (did you mean " + near + "?)"
		}
		return usage("cannot complete for %s%s: want bash, zsh or fish", shell, hint)
	}
	return nil
}

// wordTables are the first words, the second words of each group, and all options.
func wordTables() (first []string, second map[string][]string, options []string) {
	second = map[string][]string{}
	seen := map[string]bool{}
	for _, c := range commands() {
		if !slices.Contains(first, c.words[0]) {
			first = append(first, c.words[0])
		}
		if len(c.words) == 2 {
			second[c.words[0]] = append(second[c.words[0]], c.words[1])
		}
		for _, o := range c.allOptions() {
			if !seen[o.name] {
				seen[o.name] = true
				options = append(options, "--"+o.name)
			}
		}
	}
	return first, second, options
}
