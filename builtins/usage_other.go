//go:build !linux && !windows

package builtins

import (
	"errors"

	"github.com/qjpcpu/supervisord/core/child"
)

// measure refuses: processes are measured on Linux and Windows.
func measure(child.Starter, map[int]string, map[string]string) (map[string]load, error) {
	return nil, errors.New("not supported on this system in this version")
}
