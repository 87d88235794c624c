package config

import (
	"fmt"
	"os"
	"path/filepath"
)

// writeAtomic replaces a file by data, 0600: whoever looks, also after a power cut, sees the old content or the new one. On
// an error (a full disk) the old file stands as it was.
func writeAtomic(path string, data []byte) (err error) {
	fail := func(err error) error { return fmt.Errorf("cannot write %s: %w", path, reason(err)) }
	// CreateTemp opens 0600 and O_EXCL: neither a waiting symlink nor another writer is met.
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fail(err)
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if _, err := tmp.Write(data); err != nil {
		return fail(err)
	}
	if err := tmp.Sync(); err != nil {
		return fail(err)
	}
	if err := tmp.Close(); err != nil {
		return fail(err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fail(err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fail(err)
	}
	return nil
}
