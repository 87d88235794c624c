package cli

import (
	"os"
	"path/filepath"
	"strconv"
)

// descriptor names a file for the program that inherits it: by the number of the handle, which is the same there.
func descriptor(file *os.File, _ int) string { return strconv.FormatUint(uint64(file.Fd()), 10) }

// closeOnExec: what a process inherits stands on a list.
func closeOnExec(*os.File) {}

// settle leaves the caller's folder, which could not be removed while a process is in it.
func settle() error {
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	return os.Chdir(filepath.VolumeName(folder) + `\`)
}
