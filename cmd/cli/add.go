package cli

import (
	"fmt"
	"os"

	"github.com/qjpcpu/supervisord/core/config"
	"github.com/qjpcpu/supervisord/lisp"
)

// addForm is add-proc with the hash of the process. Relative paths mean the caller's folder, which the daemon cannot
// know, so they are made absolute here.
func addForm(c *call) (lisp.Value, error) {
	if len(c.flags) > 0 {
		return lisp.Nil, usage("cannot use %s%s: the flags of a process stand between its name and its command", flagPrefix, c.flags[0].name)
	}
	words, err := config.ParseAddProc(c.words())
	if err != nil {
		return lisp.Nil, err
	}
	folder, err := os.Getwd()
	if err != nil {
		return lisp.Nil, fmt.Errorf("cannot find the current folder: %w", err)
	}
	process, err := words.HashIn(folder)
	if err != nil {
		return lisp.Nil, err
	}
	hash := lisp.NewHash()
	for _, key := range config.Keys() {
		value, given := process[key.Name]
		if !key.Process || !given {
			continue
		}
		element, err := lisp.FromGo(value)
		if err != nil {
			return lisp.Nil, fmt.Errorf("cannot add %s: %s: %w", words.Name, key.Name, err)
		}
		hash.SetString(key.Name, element)
	}
	return lisp.List(lisp.Sym("add-proc"), lisp.HashValue(hash)), nil
}
