// Command bench-lisp compares glisp with gopher-lua, goja and starlark-go, and all with Go itself, on the same work in one
// process, and prints for each row glisp's time and how many times as long the others take. A time is the processor time
// of the whole process, garbage collection included, and the least of several rounds; in each round all take their turn,
// so that a busy neighbour slows all or none.
//
//	bench-lisp [-rounds 9] [-time 20ms] [-only PATTERN] [-markdown]
//
// With -growth it shows that the time per element stays the same from a thousand elements to a million.
//
// With -beside PROGRAM, which is this one built without the accounting of budgets, it shows what the accounting costs.
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 9, "how often each is measured; the least time counts")
	turn := flag.Duration("time", 20*time.Millisecond, "about how long one measurement takes")
	only := flag.String("only", "", "a regular expression that the names of rows must match")
	markdown := flag.Bool("markdown", false, "print a table for a page")
	alone := flag.Bool("own", false, "measure glisp alone and print figures for another process")
	beside := flag.String("beside", "", "this program built without the accounting of budgets")
	grow := flag.Bool("growth", false, "show the time per element as the number of elements grows")
	flag.Parse()
	pattern, err := regexp.Compile(*only)
	switch {
	case err != nil:
	case *grow:
		err = growth(min(3, *rounds), pattern.MatchString, 8)
	case *alone:
		err = own(*turn, pattern)
	case *beside != "":
		err = budgetsCost(*beside, *rounds, *turn, *only, 12)
	default:
		err = compare(*rounds, *turn, pattern, *markdown)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-lisp:", err)
		os.Exit(1)
	}
}

// compare measures the rows and prints them.
func compare(rounds int, turn time.Duration, only *regexp.Regexp, markdown bool) error {
	line := func(cells ...string) {
		if markdown {
			fmt.Println("| " + strings.Join(cells, " | ") + " |")
			return
		}
		fmt.Printf("%-42s", cells[0])
		for _, c := range cells[1:] {
			fmt.Printf(" %12s", c)
		}
		fmt.Println()
	}
	header := []string{"work (unit)", "glisp"}
	for _, c := range contenders[1:] {
		header = append(header, c.name)
	}
	line(append(header, "Go")...)
	if markdown {
		line(strings.Split("---"+strings.Repeat(" ---", len(header)), " ")...)
	}
	lost := 0
	for _, r := range rows {
		if !only.MatchString(r.name) {
			continue
		}
		times, native, err := measure(r, rounds, turn)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		cells := []string{fmt.Sprintf("%s (%s)", r.name, r.unit), figure(times[0])}
		for _, ns := range times[1:] {
			cells = append(cells, ratio(ns, times[0]))
			if ns < times[0] {
				lost++
			}
		}
		line(append(cells, ratio(native, times[0]))...)
	}
	if lost > 0 {
		return fmt.Errorf("%d figures show another interpreter ahead", lost)
	}
	return nil
}

// measure gives the nanoseconds per unit of each contender and of Go; NaN where a language has no such thing.
func measure(r row, rounds int, turn time.Duration) (times []float64, native float64, err error) {
	runs := make([]func() error, 0, len(contenders)+1)
	for _, c := range contenders {
		run, err := r.prepare(c) // nil where the language has no program in this row
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", c.name, err)
		}
		runs = append(runs, run)
	}
	if r.native == nil {
		runs = append(runs, nil)
	} else {
		// The result is kept alive, so that the compiler does the work.
		runs = append(runs, func() error { runtime.KeepAlive(r.native()); return nil })
	}
	times = make([]float64, len(runs))
	counts := make([]int, len(runs))
	for i, run := range runs {
		times[i] = math.Inf(1)
		if run == nil {
			times[i] = math.NaN()
			continue
		}
		for counts[i] = 1; ; counts[i] *= 2 {
			took, err := timed(run, counts[i])
			if err != nil {
				return nil, 0, err
			}
			if took >= turn/2 {
				break
			}
		}
	}
	for range rounds {
		for i, run := range runs {
			if run == nil {
				continue
			}
			runtime.GC()
			took, err := timed(run, counts[i])
			if err != nil {
				return nil, 0, err
			}
			times[i] = min(times[i], float64(took.Nanoseconds())/float64(counts[i]*r.units))
		}
	}
	return times[:len(contenders)], times[len(contenders)], nil
}

func timed(run func() error, count int) (time.Duration, error) {
	start := processorTime()
	for range count {
		if err := run(); err != nil {
			return 0, err
		}
	}
	return processorTime() - start, nil
}

func figure(ns float64) string {
	switch {
	case ns < 10:
		return fmt.Sprintf("%.1f ns", ns)
	case ns < 10_000:
		return fmt.Sprintf("%.0f ns", ns)
	case ns < 10_000_000:
		return fmt.Sprintf("%.0f µs", ns/1000)
	}
	return fmt.Sprintf("%.0f ms", ns/1e6)
}

func ratio(ns, ours float64) string {
	if math.IsNaN(ns) {
		return "–"
	}
	r := ns / ours
	if r < 0.995 {
		return fmt.Sprintf("%.2f ×", r)
	}
	return fmt.Sprintf("%.1f ×", r)
}
