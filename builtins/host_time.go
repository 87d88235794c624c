package builtins

import (
	"time"

	"github.com/qjpcpu/supervisord/lisp"
)

// clockPrims are those that need a clock.
func clockPrims() []lisp.Prim {
	return []lisp.Prim{
		{Name: "time/now", Doc: "The present time, in UTC.", Example: "(type (time/now)) => \"time\"",
			Fn: func(*lisp.Thread, []lisp.Value) (lisp.Value, error) { return lisp.Time(time.Now().UTC()), nil }},
		{Name: "sleep", Params: "time:~int|float|string",
			Doc:     "Waits: seconds, or a text such as \"300ms\". Waiting costs nothing of the budgets and ends with the evaluation.",
			Example: "(sleep 0.01) => ()\n(sleep \"1ms\") => ()",
			Fn: func(t *lisp.Thread, args []lisp.Value) (value lisp.Value, err error) {
				d, err := patience("sleep", args[0], longestWait*time.Second)
				if err != nil {
					return lisp.Nil, err
				}
				ended := t.Context().Done()
				t.Wait(func() {
					timer := time.NewTimer(d)
					defer timer.Stop()
					select {
					case <-timer.C:
					case <-ended:
					}
				})
				return lisp.Nil, over(t)
			}},
	}
}
