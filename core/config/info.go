package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Info says how a running daemon is reached.
type Info struct {
	Address string `json:"address"` // "unix:/path" or "host:port"
	PID     int    `json:"pid"`
	Version string `json:"version"`
	Token   string `json:"token,omitempty"` // the file of its token: a changed state_dir is another one only after its next start
}

// WriteInfo writes the daemon's Info to Place.Info, 0600, whole or not at all, and a copy beside the lock.
func (p Place) WriteInfo(info Info) error {
	if err := WriteInfo(p.Info, info); err != nil {
		return err
	}
	return WriteInfo(p.infoCopy(), info)
}

// ReadInfo is what WriteInfo wrote. A caller without the daemon's login session (cron) has another runtime directory and finds
// the copy. errors.Is(err, fs.ErrNotExist) when no daemon ever wrote one; whether it still runs only a connection tells.
func (p Place) ReadInfo() (Info, error) {
	info, err := ReadInfo(p.Info)
	if errors.Is(err, fs.ErrNotExist) {
		return ReadInfo(p.infoCopy())
	}
	return info, err
}

// RemoveInfo is for a daemon that ends in order. Only the holder of the lock may call it.
func (p Place) RemoveInfo() error {
	var errs []error
	for _, path := range []string{p.Info, p.infoCopy()} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (p Place) infoCopy() string { return filepath.Join(p.StateDir, "daemon.json") }

// WriteInfo writes an Info file, 0600, whole or not at all.
func WriteInfo(path string, info Info) error {
	data, err := json.Marshal(info)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return writeAtomic(path, append(data, '\n'))
}

// ReadInfo reads an Info file. errors.Is(err, fs.ErrNotExist) when there is none.
func ReadInfo(path string) (Info, error) {
	f, err := openBeside(path)
	if err != nil {
		return Info{}, fmt.Errorf("cannot read where the daemon listens: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return Info{}, fmt.Errorf("cannot read where the daemon listens: %w", err)
	}
	var info Info
	if err := json.Unmarshal(data, &info); err != nil || info.Address == "" {
		return Info{}, fmt.Errorf("cannot read where the daemon listens: %s is damaged", path)
	}
	return info, nil
}
