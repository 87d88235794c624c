//go:build unix

package config

import (
	"os"
	"syscall"
	"testing"

	"github.com/qjpcpu/supervisord/core/child"
)

// What the tests of both systems expect of this one; system_windows_test.go has the other's.

const (
	shell     = "/bin/sh" // a program that is there
	directory = "/usr"    // a directory that is there
	// noController is why a limit that needs cgroups cannot be kept without.
	noController = `it needs cgroups, and cgroup is "off"`
	// savedUser is a key of a saved process whose account may be gone.
	savedUser = `"user":"nosuchuser",`
	// openKeepsName: a file that is open cannot be renamed.
	openKeepsName = false
)

// noFile and noFolder: a file is missing, and one in a folder that is missing.
var noFile, noFolder error = syscall.ENOENT, syscall.ENOENT

// refusedKeys are the keys that this system cannot keep, with the reason.
var refusedKeys = func() map[string]string {
	refused := map[string]string{}
	for _, l := range []child.Limits{{MemoryMax: 1 << 30}, {PIDsMax: 1 << 10}, {CPUMax: 1}} {
		for _, p := range child.LimitProblems(l, "auto") { // in a container whose cgroups are read-only, and for who is not root
			refused[p.Key] = "cannot be kept: " + p.Err.Error()
		}
	}
	return refused
}()

// at is how the absolute path is written here.
func at(path string) string { return path }

// possible is a configuration without what this system refuses.
func possible(text string) string { return text }

// possibleUser is the user of a process after that.
func possibleUser(name string) string { return name }

// private holds a file or directory to being open to nobody else.
func private(t *testing.T, path string) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 || info.Mode().Perm()&0o600 != 0o600 || info.IsDir() != (info.Mode().Perm() == 0o700) {
		t.Errorf("%s is gone or open to others: %v %v", path, info, err)
	}
}
