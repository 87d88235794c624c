package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// removeRegular removes a regular file; os.Remove would also remove an empty folder, hence the look before.
func removeRegular(folder, name string) (bool, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return false, err
	}
	defer root.Close()
	info, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, errors.New("it is no regular file: " + filepath.Join(folder, name))
	}
	return true, root.Remove(name)
}
