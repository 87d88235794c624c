package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/qjpcpu/supervisord/lisp"
)

// completeWord is the command that the shells ask; see complete.go.
const completeWord = "__complete"

// completion prints what a shell needs to complete the words of a command line. The knowledge is in the program: each shell
// asks it, with the words as far as they go.
func (s *session) completion(c *call) error {
	text, known := shellCompletions()[c.args[0]]
	if !known {
		hint := ""
		if near := lisp.Nearest(c.args[0], []string{"bash", "zsh", "fish"}); near != "" {
			hint = " (did you mean " + near + "?)"
		}
		return usage("cannot complete for %s%s: want bash, zsh or fish", c.args[0], hint)
	}
	_, err := fmt.Fprint(s.stdio.Out, strings.ReplaceAll(text, "PROGRAM", programName()))
	return err
}

// programName is what this program was called by.
func programName() string {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	if strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return "supervisord"
	}
	return name
}

// shellCompletions are the scripts by shell. What they read is one candidate a line, with a tab and a word on it; the line
// :files leaves the word to the shell's completion of file names.
func shellCompletions() map[string]string {
	return map[string]string{
		// Bash cuts words at characters such as : and @, which names may hold, so the line is cut here, at blanks; of a
		// candidate bash wants what follows the last such character.
		"bash": `_PROGRAM() {
	local line=${COMP_LINE:0:COMP_POINT} word kept text about
	local -a words
	read -ra words <<<"$line"
	case $line in *[[:blank:]]) words+=("") ;; esac
	word=${words[${#words[@]}-1]}
	kept=${word%"${word##*[$COMP_WORDBREAKS]}"}
	COMPREPLY=()
	while IFS=$'\t' read -r text about; do
		if [ "$text" = :files ]; then
			compopt -o default 2>/dev/null
			COMPREPLY=()
			return
		fi
		COMPREPLY+=("${text#"$kept"}")
	done < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _PROGRAM PROGRAM
`,
		"zsh": `#compdef PROGRAM
_PROGRAM() {
	local -a lines shown
	local line
	lines=("${(@f)$("${(Q)words[1]}" __complete -- "${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
	if [[ $lines[1] == :files ]]; then
		_files
		return
	fi
	for line in $lines; do
		shown+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
	done
	_describe PROGRAM shown
}
if [ "$funcstack[1]" = _PROGRAM ]; then
	_PROGRAM
else
	compdef _PROGRAM PROGRAM
fi
`,
		"fish": `function __PROGRAM_complete
	set -l before (commandline -opc)
	set -l current (commandline -ct)
	set -l lines ($before[1] __complete -- $before[2..-1] "$current" 2>/dev/null)
	if test "$lines[1]" = :files
		__fish_complete_path "$current"
	else
		printf '%s\n' $lines
	end
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
`,
	}
}
