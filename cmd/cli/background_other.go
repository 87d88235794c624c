//go:build !linux

package cli

import (
	"errors"
	"os"
)

var errNoHiding = errors.New("hide_args is not possible on this system")

// hiddenFile and hideArgs refuse; the configuration has done so before.
func hiddenFile([]string) (*os.File, error) { return nil, errNoHiding }

func hideArgs([]string) error { return errNoHiding }
