package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// purge removes the files that a configuration declares as purge_files: each by its exact name, regular files only.
// There is no shell and no pattern; folders, devices, symlinks and whatever is reached through a symlinked folder stay,
// and are named in the error. A file that is not there is fine.
func purge(paths []string) (removed []string, err error) {
	var problems []error
	for _, path := range paths {
		did, err := purgeOne(path)
		if err != nil {
			problems = append(problems, fmt.Errorf("cannot remove %s: %w", path, err))
		}
		if did {
			removed = append(removed, path)
		}
	}
	return removed, errors.Join(problems...)
}

func purgeOne(path string) (bool, error) {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path || filepath.Dir(path) == path {
		return false, errors.New("it is not the plain absolute name of a file")
	}
	folder := filepath.Dir(path)
	real, err := filepath.EvalSymlinks(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case real != folder:
		return false, fmt.Errorf("its folder is reached through a symlink (%s)", real)
	}
	return removeRegular(folder, filepath.Base(path))
}
