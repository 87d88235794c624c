package child

// Lacks names what the product cannot do on a system (a name as in runtime.GOOS) and does elsewhere, for people. Nothing is
// lacking on Linux; what Windows has not is refused where it is asked for, as limits are on every other system.
func Lacks(goos string) []string {
	switch goos {
	case "linux", "windows":
		return nil
	}
	return []string{
		"no parent-death signal: what runs goes on when the daemon is killed",
		"no subreaper: a process's tree is its process group, and what leaves the group is not stopped with it",
	}
}
