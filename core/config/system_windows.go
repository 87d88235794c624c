package config

import (
	"errors"
	"io/fs"
	"os"
)

// maxExitCode is the largest exit code there is: 32 bits.
const maxExitCode = 1<<32 - 1

const noFollow = 0

func ownerOf(fs.FileInfo) (uid, gid int, known bool) { return 0, 0, false }

func mayExecute(fs.FileInfo) bool { return true }

func (h host) checkFile(_, _ string) error { return nil }

func tryLock(*os.File) (bool, error) {
	return false, errors.New("not supported on windows yet: the daemon's lock")
}

func syncDir(string) error { return nil }
