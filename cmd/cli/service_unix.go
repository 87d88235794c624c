//go:build unix

package cli

import (
	"errors"
	"os"
)

// errOtherManager says who keeps services here.
var errOtherManager = &coded{code: ExitUsage, err: errors.New("this is for Windows; where systemd is, use a unit like scripts/supervisord.service")}

func installService(string, string, []string) error { return errOtherManager }

func uninstallService(string) error { return errOtherManager }

func (s *session) asService(func(*os.File) error) error { return errOtherManager }
