//go:build unix

package cli

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// removeRegular unlinks a regular file by its folder's descriptor, so that no part of the path is followed twice.
func removeRegular(folder, name string) (bool, error) {
	dir, err := unix.Open(folder, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, err
	}
	defer unix.Close(dir)
	var info unix.Stat_t
	switch err := unix.Fstatat(dir, name, &info, unix.AT_SYMLINK_NOFOLLOW); {
	case errors.Is(err, unix.ENOENT):
		return false, nil
	case err != nil:
		return false, err
	case info.Mode&unix.S_IFMT != unix.S_IFREG:
		return false, fmt.Errorf("it is %s, not a regular file", kindOf(uint32(info.Mode)))
	}
	// A plain unlink refuses folders by itself.
	if err := unix.Unlinkat(dir, name, 0); err != nil {
		return false, err
	}
	return true, nil
}

// kindOf is what a file of this mode is, with its article.
func kindOf(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return "a folder"
	case unix.S_IFLNK:
		return "a symlink"
	case unix.S_IFIFO:
		return "a fifo"
	case unix.S_IFSOCK:
		return "a socket"
	}
	return "a device"
}
