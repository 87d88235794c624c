package config

import (
	"fmt"
	"os"
	"path/filepath"
)

// openOwn opens a file that must be a user's or root's own, by no other writable and no symlink: what it says is believed.
// In a directory of the user's own it cannot be otherwise; in one that others may write to, /tmp for example, somebody may have
// been there before.
func openOwn(path string, uid int) (*os.File, error) {
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
		if why := exposed(info, uid, true); why != "" {
			err = fmt.Errorf("%s %s", path, why)
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// openBeside opens a file that must be this user's, root's, or of whom its directory belongs to: root asks about daemons of others.
func openBeside(path string) (*os.File, error) {
	uid := os.Geteuid()
	if info, err := os.Stat(filepath.Dir(path)); err == nil {
		if owner, _, known := ownerOf(info); known && uid == 0 {
			uid = owner
		}
	}
	return openOwn(path, uid)
}
