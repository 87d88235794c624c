package config

import (
	"fmt"
	"os"
)

// maxScript is the size of the largest init script, in bytes: as much as a request may bring.
const maxScript = 256 << 10

// ReadScript reads an init script. As it runs with everything that the daemon may do, it must be as trustworthy as the
// configuration: when the daemon is root, nobody else may be able to write it. The error names the path.
func ReadScript(path string) (string, error) {
	if err := realHost(lookupIn(os.Environ())).checkFile(path, "init_script "+path); err != nil {
		return "", err
	}
	text, err := readFile(path)
	if err != nil {
		return "", fmt.Errorf("cannot read init_script %s: %w", path, reason(err))
	}
	if len(text) > maxScript {
		return "", fmt.Errorf("cannot use init_script %s: it is larger than %d KiB", path, maxScript>>10)
	}
	return text, nil
}
