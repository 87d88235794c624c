package config

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"golang.org/x/sys/windows"
)

// What the tests of both systems expect of this one; system_unix_test.go has the other's.

const (
	shell         = `C:/windows/system32/cmd.exe`
	directory     = `C:\windows`
	noController  = "not supported on windows"
	savedUser     = ""
	openKeepsName = true
)

var noFile, noFolder error = windows.ERROR_FILE_NOT_FOUND, windows.ERROR_PATH_NOT_FOUND

var refusedKeys = map[string]string{
	"admin_group":   "is not possible on Windows: the folder of the socket says who may use it",
	"hide_args":     "is not possible on Windows",
	"user":          "is not possible on Windows: a process runs under the account of the daemon",
	"group":         "is not possible on Windows: a process runs under the account of the daemon",
	"umask":         "cannot be kept: not supported on windows",
	"nice":          "cannot be kept: not supported on windows",
	"oom_score_adj": "cannot be kept: not supported on windows",
	"rlimits":       "cannot be kept: not supported on windows",
	"memory_max":    "cannot be kept: not supported on windows",
	"pids_max":      "cannot be kept: not supported on windows",
	"cpu_max":       "cannot be kept: not supported on windows",
}

func at(path string) string {
	path = filepath.Clean(path)
	if filepath.IsAbs(path) {
		return path
	}
	return "C:" + path
}

var accountLine = regexp.MustCompile(`(?m)^(user|group) = .*\n`)

func possible(text string) string { return accountLine.ReplaceAllString(text, "") }

func possibleUser(string) string { return "" }

// private: a file has the access list that its folder passes on, and makeDir's folders pass on theirs; Wine shows neither.
func private(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
