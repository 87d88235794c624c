package config

import (
	"fmt"
	"os"
)

// openOwn opens a file that must be this user's or root's own, by no other writable and no symlink: what it says is believed.
// In a directory of ours it cannot be otherwise; in one that others may write to, /tmp for example, somebody may have been there
// before us.
func openOwn(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return nil, err
	}
	// That of the open file counts, whatever has the name by now.
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err == nil {
		if why := exposed(info, os.Geteuid(), true); why != "" {
			err = fmt.Errorf("%s %s", path, why)
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
