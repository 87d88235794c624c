package cli_test

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/qjpcpu/supervisord/builtins/metrics/metricstest"
)

// curl asks the daemon over its socket, as a person would.
func (o *operated) curl(args ...string) string {
	o.t.Helper()
	command := exec.Command("curl", append([]string{"-sS", "--unix-socket", o.address()}, args...)...)
	out, err := command.CombinedOutput()
	if err != nil {
		o.t.Fatalf("curl %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestMetricsOfARealDaemon reads /metrics with a strict reader, and holds the README's table to what is there.
func TestMetricsOfARealDaemon(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("this asks by curl")
	}
	o := operate(t, shellProcess("web", "echo hello; exec sleep 1000", "")+shellProcess("flaky", "exit 3", "max_restarts = 2\nrestart_delay = 0"), "web")
	o.wait("flaky", "fatal")
	o.run("", "exec", "-e", "(begin (nothing-like-this))")
	text := o.curl("http://localhost/metrics")
	families, err := metricstest.Parse(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, line := range []string{
		`supervisord_process_up{process="web"} 1`, `supervisord_process_up{process="flaky"} 0`,
		`supervisord_process_exits_total{process="flaky",code="3"} 3`, `supervisord_process_restarts_total{process="flaky"} 2`,
		`supervisord_process_log_bytes_total{process="web",stream="stdout"} 6`, `supervisord_process_log_lost_bytes_total{process="web",stream="stdout"} 0`,
		`supervisord_process_open_fds{process="web"} 3`, `supervisord_process_processes{process="web"} 1`,
		`supervisord_evals_total{outcome="unbound"} 1`, `supervisord_budgets_hit_total{budget="steps"} 0`, `supervisord_processes{state="fatal"} 1`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("%s is not in\n%s", line, text)
		}
	}
	for _, name := range []string{"supervisord_goroutines", "supervisord_memory_bytes", "supervisord_open_fds", "supervisord_uptime_seconds"} {
		if f := families[name]; f == nil || len(f.Samples) != 1 || f.Samples[0].Value <= 0 {
			t.Errorf("%s: %+v", name, f)
		}
	}
	// A GET of anything else, and a POST of this, are refused, as everywhere.
	for _, args := range [][]string{{"-d", "{}", "http://localhost/metrics"}, {"http://localhost/metrics/"}, {"http://localhost/metrics?x"}, {"-X", "DELETE", "http://localhost/metrics"}} {
		if answer := o.curl(args...); !strings.Contains(answer, `"error"`) || strings.Contains(answer, "supervisord_") {
			t.Errorf("%q: %s", args, answer)
		}
	}
	compareMetrics(t, families)
}

// compareMetrics holds the README's table of metrics to those of a daemon; with -update-readme it writes it.
func compareMetrics(t *testing.T, families map[string]*metricstest.Family) {
	t.Helper()
	var b strings.Builder
	b.WriteString("| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(families)) {
		f := families[name]
		labels := map[string]bool{}
		for _, s := range f.Samples {
			for label := range s.Labels {
				labels[label] = true
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, f.Type, strings.Join(slices.Sorted(maps.Keys(labels)), ", "), f.Help)
	}
	const path, begin, end = "../../README.md", "<!-- metrics -->\n", "<!-- /metrics -->"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	have, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("README.md has no section of metrics")
	}
	if update := flag.Lookup("update-readme"); update.Value.String() == "true" {
		if err := os.WriteFile(path, []byte(before+begin+b.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have != b.String() {
		t.Errorf("the table of metrics in README.md is not what a daemon answers; go test ./cmd/cli -run MetricsOfARealDaemon -update-readme writes it")
	}
}

// TestPrometheusIsLetIn: with the headers that Prometheus sends and the token of the file, as in the README; also under disable_rce.
// Without the token it is not.
func TestPrometheusIsLetIn(t *testing.T) {
	port := freeAddress()
	o := operate(t, "admin_listen = "+port+"\ndisable_rce = true\n"+sleeper("web"))
	token, err := os.ReadFile(o.path("state/token"))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(right string) (int, string, string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+port+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"User-Agent": "Prometheus/3.5.0", "X-Prometheus-Scrape-Timeout-Seconds": "10", "Accept-Encoding": "gzip", "Authorization": right,
			"Accept": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.1",
		} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header.Get("Content-Type"), string(text)
	}
	status, kind, text := ask("Bearer " + strings.TrimSpace(string(token)))
	if _, err := metricstest.Parse(text); status != 200 || kind != "text/plain; version=0.0.4; charset=utf-8" || err != nil || !strings.Contains(text, "\nsupervisord_restricted 1\n") {
		t.Errorf("got %d %s %v\n%s", status, kind, err, text)
	}
	for _, right := range []string{"", "Bearer x", "Basic " + strings.TrimSpace(string(token))} {
		if status, _, text := ask(right); status != 401 || strings.Contains(text, "supervisord_") {
			t.Errorf("%q: %d %s", right, status, text)
		}
	}
}
