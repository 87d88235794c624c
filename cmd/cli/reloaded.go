package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/qjpcpu/supervisord/lisp"
	"github.com/qjpcpu/supervisord/repl"
)

// warnOfReload says what a reload has not taken over, and what the configuration is warned of: its report has only the processes, and
// the plan that is left after it has all the rest. The daemon may listen elsewhere by now, so it is looked for anew.
func (s *session) warnOfReload(ctx context.Context, c *call) {
	client, _, err := s.dial(c)
	if err != nil {
		return // the reload is done, and the daemon's log has the same warnings
	}
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	reply, err := client.Eval(ctx, repl.Request{Form: lisp.Print(form("plan")), Name: "reload"}, nil)
	var left struct{ Warnings []string }
	if err != nil || reply.Error != nil || json.Unmarshal(reply.Value, &left) != nil {
		return
	}
	for _, warning := range left.Warnings {
		fmt.Fprintf(s.stdio.Err, "warning: %s\n", printable(warning))
	}
}
