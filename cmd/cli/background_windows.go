package cli

import (
	"errors"
	"os"
)

var errNoBackground = errors.New("daemonize is not available on Windows yet (start with -supvr.daemonize false)")

func detach([]string, bool) (*os.File, error) { return nil, errNoBackground }

func hideArgs([]string) error { return errors.New("hide_args is not available on Windows") }

func closeOnExec(*os.File) {}

func settle() error { return nil }
