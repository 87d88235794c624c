package child

import (
	"os"

	"golang.org/x/sys/unix"
)

// mayHang reports whether a file is in a file system that may let who uses it wait for ever: for another machine, or for a
// program. Go keeps a part of its scheduler busy until an exec has returned, and so a fork whose exec hangs would halt this
// whole program at its next collection of garbage. Only our own file, whichever disk it is on, is in memory already: such a
// program is started by the shim, and it is the shim that hangs.
//
// What is known to be local is let through, so that what is unknown cannot hurt.
func mayHang(path string) bool {
	var file unix.Stat_t
	if err := unix.Stat(path, &file); err == nil && unix.Major(file.Dev) != 0 {
		return false // on a disk, and quicker to find out
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return false // exec will say why
	}
	switch uint32(fs.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, zfsMagic, bcachefsMagic,
		unix.TMPFS_MAGIC, unix.RAMFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC, unix.SQUASHFS_MAGIC, unix.EROFS_SUPER_MAGIC_V1, unix.ISOFS_SUPER_MAGIC,
		unix.REISERFS_SUPER_MAGIC, unix.MSDOS_SUPER_MAGIC, unix.EXFAT_SUPER_MAGIC, unix.PROC_SUPER_MAGIC:
		return false
	}
	return true
}

// exposed reports whether a program's user may send signals to what becomes the program as soon as that has become the user, and
// not to this process as well. Between that and exec it is stopped by SIGSTOP, which halts this whole program as a hanging exec
// does: any program of that user could do it with "kill -STOP -1". The shim is stopped alone.
//
// Without /proc there is no shim: such a program is started all the same, and the daemon can be halted so.
func exposed(id Identity) bool {
	return id.Set && int(id.UID) != os.Getuid() && unix.Access("/proc/self/exe", unix.X_OK) == nil
}

// Two that x/sys does not name (statfs(2); OpenZFS and bcachefs).
const (
	zfsMagic      = 0x2fc12fc1
	bcachefsMagic = 0xca451a4e
)
