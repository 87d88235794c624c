package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/qjpcpu/supervisord/core/logs"
)

// ownTail gives the last n lines of the daemon's own log, the oldest first, and the number of the next one. Lines of an earlier
// daemon and of rotated files are among them when the log is a file; else as many as are in memory.
func (d *daemon) ownTail(n int) ([]string, uint64, error) {
	var log handover
	lines, next := d.diary.tail(n, func() { log.give(openRegular(d.ownLogPath)) })
	file, size := log.take()
	if file == nil {
		return lines, next, nil
	}
	if len(lines) >= n {
		return lines, next, file.Close()
	}
	older, err := ownBackupsOf(d.ownLogPath)
	if err != nil {
		_ = file.Close() // it was only read
		return nil, next, err
	}
	if info, err := file.Stat(); err == nil { // it may have been rotated just now
		older = slices.DeleteFunc(older, func(path string) bool {
			other, err := os.Stat(path)
			return err == nil && os.SameFile(info, other)
		})
	}
	found, err := logs.TailOf(file, size, older, n)
	if err != nil || len(found) < len(lines) { // what a full disk did not take is in memory
		return lines, next, err
	}
	lines = lines[:0]
	for _, line := range found {
		lines = append(lines, line.Text)
	}
	return lines, next, nil
}

// handover is a file on its way from who opens it to who wants it, and may not have waited.
type handover struct {
	mu    sync.Mutex
	file  *os.File
	size  int64
	taken bool
}

func (h *handover) give(file *os.File, size int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.taken && file != nil {
		_ = file.Close() // it was only read
		return
	}
	h.file, h.size = file, size
}

func (h *handover) take() (*os.File, int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.taken = true
	return h.file, h.size
}

// openRegular opens a file for reading and tells its length; nil when it is none.
func openRegular(path string) (*os.File, int64) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, 0
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0
	}
	if info, err = f.Stat(); err != nil {
		_ = f.Close() // it was only read
		return nil, 0
	}
	return f, info.Size()
}

// ownBackupsOf are the rotated files of one of the daemon's own logs, the youngest first.
func ownBackupsOf(path string) ([]string, error) {
	folder, name := filepath.Split(path)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	var paths []string
	for _, entry := range entries {
		middle, ok := strings.CutPrefix(strings.TrimSuffix(entry.Name(), ext), stem)
		if ok && strings.HasSuffix(entry.Name(), ext) && rotatedName().MatchString(middle) {
			paths = append(paths, filepath.Join(folder, entry.Name()))
		}
	}
	slices.Sort(paths)
	slices.Reverse(paths)
	return paths, nil
}
