package builtins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qjpcpu/supervisord/builtins/metrics/metricstest"
	"github.com/qjpcpu/supervisord/lisp"
)

// scrape reads what /metrics would answer; every name of a family that it misses fails the test.
func (w *world) scrape() func(family string, labels ...string) float64 {
	w.t.Helper()
	var b strings.Builder
	if err := w.engine.Metrics(&b); err != nil {
		w.t.Fatal(err)
	}
	if strings.Contains(b.String(), canary) {
		w.t.Errorf("a secret is in\n%s", b.String())
	}
	families, err := metricstest.Parse(b.String())
	if err != nil {
		w.t.Fatalf("%v in\n%s", err, b.String())
	}
	return func(name string, labels ...string) float64 {
		w.t.Helper()
		f := families[name]
		if f == nil {
			w.t.Errorf("no family %s", name)
			return -1
		}
	next:
		for _, s := range f.Samples {
			for i := 0; i+1 < len(labels); i += 2 {
				if s.Labels[labels[i]] != labels[i+1] {
					continue next
				}
			}
			return s.Value
		}
		return -1 // there is none
	}
}

// TestMetricsSayWhatHappened: of the processes, of evaluations, and of the daemon.
func TestMetricsSayWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		defer w.end()
		<-time.After(2 * time.Second) // the job ends after one
		w.eval(`(restart "web-1")`)
		w.eval(`(+ 1 (- 2 1))`)
		w.eval(`(no-such-thing (x))`)
		<-time.After(time.Second)
		get := w.scrape()
		for _, c := range []struct {
			want   float64
			family string
			labels []string
		}{
			{1, "supervisord_process_up", []string{"process", "web-1"}},
			{0, "supervisord_process_up", []string{"process", "job"}},
			{1, "supervisord_process_wanted", []string{"process", "web-1"}},
			{1, "supervisord_process_state", []string{"process", "job", "state", "exited"}},
			{-1, "supervisord_process_state", []string{"process", "job", "state", "running"}},
			{1, "supervisord_process_uptime_seconds", []string{"process", "web-1"}},
			{3, "supervisord_process_uptime_seconds", []string{"process", "web-2"}},
			{1, "supervisord_process_exits_total", []string{"process", "web-1", "code", "TERM"}},
			{1, "supervisord_process_exits_total", []string{"process", "job", "code", "0"}},
			{0, "supervisord_process_restarts_total", []string{"process", "web-1"}},
			{1, "supervisord_process_failed_launches_total", []string{"process", "broken"}},
			{3, "supervisord_uptime_seconds", nil},
			{1, "supervisord_info", []string{"version", "v1.2.3", "commit", "abc"}},
			{0, "supervisord_restricted", nil},
			{3, "supervisord_processes", []string{"state", "running"}},
			{2, "supervisord_evals_total", []string{"outcome", "ok"}},
			{1, "supervisord_evals_total", []string{"outcome", "unbound"}},
			{0, "supervisord_hook_calls_total", []string{"outcome", "ok"}},
			{0, "supervisord_evals_running", nil},
			{0, "supervisord_loop_lag_seconds", []string{"le", ""}},
		} {
			got := get(c.family, c.labels...)
			if c.family == "supervisord_loop_lag_seconds" {
				continue // that it is there is enough
			}
			if got != c.want {
				t.Errorf("%s %v: got %v, want %v", c.family, c.labels, got, c.want)
			}
		}
		if get("supervisord_goroutines") < 1 {
			t.Error("no goroutines")
		}
	})
}

// TestLabelsOfMetricsAreBounded: a script that makes up kinds of errors makes up no labels.
func TestLabelsOfMetricsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		defer w.end()
		for i := range 100 {
			w.eval(fmt.Sprintf(`(raise (error 'kind-%d "x"))`, i))
		}
		get := w.scrape()
		if n := get("supervisord_evals_total", "outcome", "raised"); n != 100 {
			t.Errorf("%v raised", n)
		}
		if n := len(w.engine.meter.outcomes); n > 5 {
			t.Errorf("%d outcomes: %v", n, w.engine.meter.outcomes)
		}
	})
}

// TestBudgetsAreToldApart by what they bound, in the language's own words.
func TestBudgetsAreToldApart(t *testing.T) {
	for _, c := range []struct {
		want, form string
		budget     lisp.Budget
	}{
		{"steps", `(defn f [n] (f (+ n 1))) (f 0)`, lisp.Budget{Steps: 10_000}},
		{"memory", `(str/repeat "x" 1000000)`, lisp.Budget{Bytes: 100_000}},
		{"depth", `(defn f [n] (+ 1 (f n))) (f 0)`, lisp.Budget{Depth: 100}},
		{"output", `(println (str/repeat "x" 1000))`, lisp.Budget{Output: 100}},
		{"bits", `(sla 1 100000000000)`, lisp.Budget{}},
	} {
		_, err := lisp.NewThread(t.Context(), io.Discard, c.budget).Eval(lisp.NewBase(), "", c.form)
		if KindOf(err) != kindBudget || budgetOf(err) != c.want {
			t.Errorf("%s: %s of %v", c.form, budgetOf(err), err)
		}
		m := newMeter()
		m.begin()
		m.end(Result{Err: advised(err, programAdvice)})
		if m.budgets[c.want] != 1 || m.running != 0 {
			t.Errorf("%+v", m)
		}
	}
	for _, late := range []error{advised(overtime(expired(t), context.DeadlineExceeded), hookAdvice)} {
		m := newMeter()
		m.hook(late)
		if m.budgets["time"] != 1 || m.hooks[kindBudget] != 1 {
			t.Errorf("%v: %+v", late, m)
		}
	}
	if got := budgetOf(errors.New("x")); got != "other" {
		t.Errorf("got %s", got)
	}
}

// expired is a context that ended as that of a hook does that takes too long.
func expired(t *testing.T) context.Context {
	ctx, cancel := context.WithDeadlineCause(t.Context(), time.Now().Add(-time.Second), errHookTime)
	t.Cleanup(cancel)
	return ctx
}

// TestMeasurementsAreShared: a hundred who ask at once cost one measurement, and one that hangs holds nobody up for long.
func TestMeasurementsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var measured atomic.Int32
		hang := make(chan struct{})
		close(hang)
		s := &survey{measure: func() (map[string]load, error) {
			measured.Add(1)
			<-hang
			return map[string]load{"web": {fds: 3}}, nil
		}}
		ask := func(want bool) {
			t.Helper()
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					loads, ok := s.latest()
					if ok != want || ok && loads["web"].fds != 3 {
						t.Errorf("got %v %v", loads, ok)
					}
				})
			}
			all.Wait()
		}
		ask(true)
		ask(true)
		if n := measured.Load(); n != 1 {
			t.Errorf("%d measurements for 200 at once", n)
		}
		<-time.After(2 * surveyAge)
		release, free := context.WithCancel(t.Context())
		s.measure = func() (map[string]load, error) {
			measured.Add(1)
			<-release.Done()
			return nil, errors.New("gone")
		}
		began := time.Now()
		ask(false)
		ask(false)
		if took := time.Since(began); took > 3*surveyWait {
			t.Errorf("a measurement that hangs holds them up for %s", took)
		}
		if n := measured.Load(); n != 2 {
			t.Errorf("%d measurements", n)
		}
		free()
		synctest.Wait()
		if _, ok := s.latest(); ok {
			t.Error("a measurement that failed is shown")
		}
	})
}
