package core

// Outcome is what an operation came to for one process.
type Outcome struct {
	Name string
	// Did is what happened, in words for people: "started", "already running", "stopped", "already stopped", "restarted",
	// "exited" (it ran and ended as expected before its start grace was over), "kept", "tuned", "renewed", "added",
	// "removed", "reset", "marked", "not running", "failed".
	Did     string
	State   State    // when the outcome was settled
	PID     int      // 0 when there is no child
	Err     error    // nil unless Did is "failed"; complete sentence: "cannot start web: exit code 3"
	Reasons []string // of a plan's step: the keys that differ
}

// Report is one Outcome per process, in configuration order (for a plan: in the plan's order).
type Report []Outcome

// Err is nil when every outcome is good, else a *ReportError that names the failed ones.
func (r Report) Err() error {
	for _, o := range r {
		if o.Err != nil {
			return &ReportError{r}
		}
	}
	return nil
}
