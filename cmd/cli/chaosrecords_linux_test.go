package cli_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// livesEnded: the first event with a pid begins a life, one with an exit ends it.
func (c *chaos) livesEnded() {
	open, ended := map[string]int{}, map[string]int{}
	exits := map[string][]string{}
	for _, e := range c.events {
		if e.PID == 0 {
			continue
		}
		life := fmt.Sprintf("%s %d", e.Name, e.PID)
		if e.Exit == nil {
			open[life] = 1
			continue
		}
		if open[life] == 0 {
			c.complain("a second end, or an end without a life: %+v", e)
		}
		open[life] = 0
		ended[life]++
		exits[life] = append(exits[life], fmt.Sprint(e.Exit))
	}
	for life, n := range open {
		if n != 0 {
			c.complain("the exit of %s is lost", life)
		}
	}
	said := regexp.MustCompile(`(?m)^(\w+ \d+) (\S+) bye (\d+) \.$`)
	lives := map[string]map[string]bool{}
	for _, text := range c.output() {
		for _, m := range regexp.MustCompile(`(?m)^(\w+ \d+) (\S+) 1 \.$`).FindAllStringSubmatch(text, -1) {
			if lives[m[1]] == nil {
				lives[m[1]] = map[string]bool{}
			}
			lives[m[1]][m[2]] = true
		}
		for _, m := range said.FindAllStringSubmatch(text, -1) {
			// Whoever was struck between its last word and its end did not end by itself.
			if !slices.ContainsFunc(exits[m[1]], func(x string) bool { return x == m[3] || strings.Trim(x, "0123456789") != "" }) {
				c.complain("%s said that it ends with %s, told is %v", m[1], m[3], exits[m[1]])
			}
		}
	}
	for life, printed := range lives {
		if len(printed) > ended[life] {
			c.complain("%s printed in %d lives, %d ends are told", life, len(printed), ended[life])
		}
	}
}

// output is what is in the logs, by file; packed ones are unpacked.
func (c *chaos) output() map[string]string {
	c.t.Helper()
	files, err := filepath.Glob(c.path("logs/*"))
	if err != nil {
		c.t.Fatal(err)
	}
	all := map[string]string{}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			c.t.Fatal(err)
		}
		if strings.HasSuffix(path, ".gz") {
			packed, err := gzip.NewReader(bytes.NewReader(text))
			if err == nil {
				text, err = io.ReadAll(packed)
			}
			if err != nil {
				c.t.Fatalf("%s: %v", path, err)
			}
		}
		all[filepath.Base(path)] = string(text)
	}
	return all
}

// linesKept: of each life the lines from 1 on, each once, no fewer than it counted, in the order in which it printed them.
func (c *chaos) linesKept() {
	line := regexp.MustCompile(`^\w+ \d+ (\S+) (\d+|bye \d+) \.\n$`)
	seen := map[string]map[int]bool{}
	for file, text := range c.output() {
		last := map[string]int{}
		for l := range strings.Lines(text) {
			m := line.FindStringSubmatch(l)
			if m == nil {
				c.complain("%s: no whole line: %q", file, l)
				continue
			}
			n, err := strconv.Atoi(m[2])
			if err != nil {
				continue // its last word
			}
			life := m[1]
			if seen[life] == nil {
				seen[life] = map[int]bool{}
			}
			if seen[life][n] || n <= last[life] {
				c.complain("%s: line %d of %s is there twice, or too late", file, n, life)
			}
			seen[life][n], last[life] = true, n
		}
	}
	if len(seen) < 10 {
		c.complain("only %d lives printed anything", len(seen))
	}
	for life, lines := range seen {
		for n := 1; n <= len(lines); n++ {
			if !lines[n] {
				c.complain("line %d of %s is missing, of at least %d", n, life, len(lines))
				break
			}
		}
	}
	counts, err := filepath.Glob(c.path("counts/*"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, path := range counts {
		text, err := os.ReadFile(path)
		if err != nil {
			c.t.Fatal(err)
		}
		if n, _ := strconv.Atoi(strings.TrimSpace(string(text))); len(seen[filepath.Base(path)]) < n {
			c.complain("%s printed %d lines, %d are kept", filepath.Base(path), n, len(seen[filepath.Base(path)]))
		}
	}
}

// bytesAccounted: the bytes that the daemon says were printed are those in the files; none are said to be lost.
func (c *chaos) bytesAccounted() {
	sizes := map[string]int{}
	for file, text := range c.output() {
		name, _, _ := strings.Cut(file, ".")
		sizes[name] += len(text)
	}
	metrics := c.get("/metrics")
	for _, name := range []string{"steady", "crasher", "deaf", "forker"} {
		for metric, want := range map[string]int{"log_bytes": sizes[name], "log_lost_bytes": 0} {
			key := fmt.Sprintf("\nsupervisord_process_%s_total{process=%q,stream=\"stdout\"} ", metric, name)
			_, after, found := strings.Cut(metrics, key)
			text, _, _ := strings.Cut(after, "\n")
			if n, err := strconv.ParseFloat(text, 64); !found || err != nil || int(n) != want {
				c.complain("%s of %s is %q, want %d", metric, name, text, want)
			}
		}
	}
}

// ends shuts down, and looks at what remains: nothing but records; complete ones, unless a daemon was killed in between.
func (c *chaos) ends(complete bool) {
	c.t.Helper()
	if _, errs, code := c.run("", "shutdown"); code != 0 {
		c.complain("shutdown: %d %s", code, errs)
	}
	c.daemon.await(func(string) bool { return false }) // until it has ended
	if code := c.daemon.command.ProcessState.ExitCode(); code != 0 {
		c.complain("the daemon ends with %d:\n%s", code, c.daemon.text())
	}
	if left := c.marked(); len(left) > 0 {
		c.complain("after the end there are still %v", left)
	}
	for _, gone := range []string{c.address(), c.path("state/daemon.json")} {
		if _, err := os.Lstat(gone); err == nil {
			c.complain("%s is still there", gone)
		}
	}
	if log := c.daemon.text(); strings.Contains(log, "panic") || strings.Contains(log, "DATA RACE") {
		c.complain("the daemon's log:\n%s", log)
	}
	text, err := os.ReadFile(c.path("state/audit.log"))
	if err != nil {
		c.t.Fatal(err)
	}
	begun := map[uint64]bool{}
	for l := range strings.Lines(string(text)) {
		var r struct {
			ID    uint64
			Phase string
		}
		if err := json.Unmarshal([]byte(l), &r); err != nil {
			c.complain("the audit log: %v: %q", err, l)
			continue
		}
		switch r.Phase {
		case "begin":
			begun[r.ID] = true
		case "end":
			if !begun[r.ID] && complete {
				c.complain("an end without a beginning: %s", l)
			}
			delete(begun, r.ID)
		}
	}
	if len(begun) > 0 && complete {
		c.complain("%d beginnings in the audit log have no end", len(begun))
	}
}
