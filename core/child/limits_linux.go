package child

// ofProgram reports whether a program has to be prepared by the shim before it starts.
func (l Limits) ofProgram() bool {
	return l.Umask.Given || l.Nice.Given || l.OOMScoreAdj.Given || len(l.Rlimits) > 0
}

// ofTree reports whether the tree needs a cgroup that limits it.
func (l Limits) ofTree() bool { return l.MemoryMax > 0 || l.PIDsMax > 0 || l.CPUMax > 0 }
