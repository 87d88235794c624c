package repl

import (
	"fmt"
	"os"
	"strings"
)

// maxHistory is how many forms of a person are kept.
const maxHistory = 2000

// loadHistory reads the forms of earlier sessions, oldest first. A file that has grown to twice what is kept is cut.
func loadHistory(path string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil // a first session, or none that may be read: there is nothing to recall
	}
	all := strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
	kept := all[max(0, len(all)-maxHistory):]
	if len(all) > 2*maxHistory {
		cutHistory(path, kept)
	}
	return kept
}

// cutHistory replaces the file; when that fails it just stays long.
func cutHistory(path string, kept []string) {
	tmp := fmt.Sprintf("%s.%d", path, os.Getpid())
	if os.WriteFile(tmp, []byte(strings.Join(kept, "\n")+"\n"), 0o600) != nil || os.Rename(tmp, path) != nil {
		os.Remove(tmp)
	}
}

// appendHistory adds a form to the file, which only its owner may read: forms may hold secrets.
func appendHistory(path, form string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(form + "\n")
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}
