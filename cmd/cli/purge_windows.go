package cli

import (
	"errors"
	"io/fs"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
)

// removeRegular removes a regular file by its handle, so that what is removed is what was looked at: neither a folder nor what
// a link points to.
func removeRegular(folder, name string) (bool, error) {
	path, err := windows.UTF16PtrFromString(filepath.Join(folder, name))
	if err != nil {
		return false, err
	}
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	file, err := windows.CreateFile(path, windows.DELETE|windows.FILE_READ_ATTRIBUTES, share, nil, windows.OPEN_EXISTING,
		windows.FILE_FLAG_OPEN_REPARSE_POINT|windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer windows.CloseHandle(file)
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(file, &info); err != nil {
		return false, err
	}
	switch kind, err := windows.GetFileType(file); {
	case err != nil:
		return false, err
	case info.FileAttributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0:
		return false, errors.New("it is a link, not a regular file")
	case info.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0:
		return false, errors.New("it is a folder, not a regular file")
	case kind != windows.FILE_TYPE_DISK:
		return false, errors.New("it is a device, not a regular file")
	}
	remove := byte(1) // FILE_DISPOSITION_INFO
	if err := windows.SetFileInformationByHandle(file, windows.FileDispositionInfo, &remove, uint32(unsafe.Sizeof(remove))); err != nil {
		return false, err
	}
	return true, nil
}
