//go:build unix && !linux

package cli

import "context"

// farewell waits for nothing: there is no hold on a process that is not a child.
func farewell(int) func(context.Context) { return func(context.Context) {} }
