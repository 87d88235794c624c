//go:build !linux

package builtins

import "errors"

// measure refuses: processes are measured on Linux only.
func measure(map[int]string, map[string]string) (map[string]load, error) {
	return nil, errors.New("not supported on this system in this version")
}
