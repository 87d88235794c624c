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
// and prints what the accounting costs. It fails when that is more than most percent for any row. A row that seems to cost
// more is measured again, as often as all of them were: a busy machine lengthens times, never shortens them, so that the
// least of more rounds is nearer to the truth.
func budgetsCost(other string, rounds int, turn time.Duration, only string, most float64) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b := beside{binaries: [2]string{self, other}, turn: turn}
	if err := b.measure(rounds, only); err != nil {
		return err
	}
	for range 3 {
		again := b.above(most)
		if len(again) == 0 {
			break
		}
		for i, name := range again {
			again[i] = regexp.QuoteMeta(name)
		}
		if err := b.measure(rounds, "^("+strings.Join(again, "|")+")$"); err != nil {
			return err
		}
	}
	fmt.Printf("%-42s %12s %12s %8s\n", "work", "budgets", "none", "cost")
	sum := 0.0
	for _, name := range b.names {
		sum += b.cost(name)
		fmt.Printf("%-42s %12s %12s %7.1f%%\n", name, figure(b.best[0][name]), figure(b.best[1][name]), b.cost(name))
	}
	fmt.Printf("%-42s %12s %12s %7.1f%%\n", "mean", "", "", sum/float64(max(1, len(b.names))))
	if above := b.above(most); len(above) > 0 {
		return fmt.Errorf("the budgets cost more than %.0f %% for: %s", most, strings.Join(above, ", "))
	}
	return nil
}

// beside holds the least times of two programs.
type beside struct {
	binaries [2]string
	turn     time.Duration
	names    []string
	best     [2]map[string]float64
}

// measure runs both in turn.
func (b *beside) measure(rounds int, only string) error {
	for range rounds {
		for i, binary := range b.binaries {
			if b.best[i] == nil {
				b.best[i] = map[string]float64{}
			}
			out, err := exec.Command(binary, "-own", "-only", only, "-time", b.turn.String()).Output()
			if err != nil {
				return fmt.Errorf("%s: %w", binary, err)
			}
			for line := range bytes.Lines(out) {
				name, figure, _ := strings.Cut(strings.TrimSpace(string(line)), "\t")
				ns, err := strconv.ParseFloat(figure, 64)
				if err != nil {
					return err
				}
				old, seen := b.best[i][name]
				if !seen {
					old = ns
				}
				if !seen && i == 0 {
					b.names = append(b.names, name)
				}
				b.best[i][name] = min(old, ns)
			}
		}
	}
	return nil
}

// cost is what the accounting costs, in percent.
func (b *beside) cost(name string) float64 { return (b.best[0][name]/b.best[1][name] - 1) * 100 }

// above are the rows where that is more than most.
func (b *beside) above(most float64) []string {
	var names []string
	for _, name := range b.names {
		if b.cost(name) > most {
			names = append(names, name)
		}
	}
	return names
}
