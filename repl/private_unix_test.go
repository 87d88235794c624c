//go:build unix

package repl

import (
	"fmt"
	"os"
)

// secretTo writes a file that nobody else may read.
func secretTo(path, text string) error { return os.WriteFile(path, []byte(text), 0o600) }

// openToAll lets everybody read a file.
func openToAll(path string) error { return os.Chmod(path, 0o644) }

// What is said of a token that others may read, and of a link in its place.
const (
	openIsRefused = "want 0600"
	linkIsRefused = "symbolic links"
)

// isSecret tells why somebody else may read a file.
func isSecret(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode() != 0o600 {
		err = fmt.Errorf("mode %v", info.Mode())
	}
	return err
}
