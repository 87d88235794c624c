//go:build !linux

package cli

// fitting has nothing to tell elsewhere.
func fitting() (warnings []string, err error) { return nil, nil }
