package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// own measures glisp alone and prints a line per row, for another process to read. Garbage is collected only between two
// measurements: what it costs varies by more than what is looked for, and without it the accounting weighs more.
func own(turn time.Duration, only *regexp.Regexp) error {
	debug.SetGCPercent(-1)
	for _, r := range rows {
		if !only.MatchString(r.name) {
			continue
		}
		alone := r
		alone.native = nil
		alone.program = map[string]string{"glisp": r.program["glisp"]}
		times, _, err := measure(alone, 3, turn)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		fmt.Printf("%s\t%f\n", r.name, times[0])
	}
	return nil
}

// budgetsCost measures this program and another one, which was built without the accounting of steps and memory, in turn,
// and prints what the accounting costs. It fails when that is more than most percent over all rows together.
func budgetsCost(other string, rounds int, turn time.Duration, only string, most float64) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	best := []map[string]float64{{}, {}}
	var names []string
	for range rounds {
		for i, binary := range []string{self, other} {
			out, err := exec.Command(binary, "-own", "-only", only, "-time", turn.String()).Output()
			if err != nil {
				return fmt.Errorf("%s: %w", binary, err)
			}
			for line := range bytes.Lines(out) {
				name, figure, _ := strings.Cut(strings.TrimSpace(string(line)), "\t")
				ns, err := strconv.ParseFloat(figure, 64)
				if err != nil {
					return err
				}
				old, seen := best[i][name]
				if !seen {
					old = ns
				}
				if !seen && i == 0 {
					names = append(names, name)
				}
				best[i][name] = min(old, ns)
			}
		}
	}
	fmt.Printf("%-42s %12s %12s %8s\n", "work", "budgets", "none", "cost")
	sum := 0.0
	for _, name := range names {
		with, without := best[0][name], best[1][name]
		cost := (with/without - 1) * 100
		sum += cost
		fmt.Printf("%-42s %12s %12s %7.1f%%\n", name, figure(with), figure(without), cost)
	}
	mean := sum / float64(max(1, len(names)))
	fmt.Printf("%-42s %12s %12s %7.1f%%\n", "mean", "", "", mean)
	if mean > most {
		return fmt.Errorf("all budgets together cost %.1f %%, want at most %.0f %%", mean, most)
	}
	return nil
}
