package child

// Lacks is empty: everything is there.
func Lacks() []string { return nil }
