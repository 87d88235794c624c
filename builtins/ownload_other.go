//go:build !linux

package builtins

// ownLoad is what this process itself takes: it is measured on Linux only.
func ownLoad() (load, bool) { return load{}, false }
