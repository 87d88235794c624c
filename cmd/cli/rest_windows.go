package cli

// unmapUnused does nothing: Windows trims the working set of a process that rests by itself.
func unmapUnused() {}
