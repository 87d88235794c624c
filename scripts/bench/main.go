//go:build linux

// Command bench measures a built supervisord as a black box, a bare program that only forks, execs and waits, and the peers
// that are installed (Debian's supervisor, runit and s6), one after the other in the same run, and prints each figure with its
// ratio to the bare program. It judges ours: a figure that is out of its bound ends with "MISSED" and the exit code is 1.
//
//	bench [-n 1000] [-rounds 200] [-rest 10s] [-repeat 3] [-only NAME,...] PATH/TO/supervisord
//
// Every child is one shell that says its pid on a FIFO and then waits on another, so that all pay for the same program and a
// start is seen when the child itself runs, never by asking the supervisor; an end is seen through a pidfd.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		if part := map[string]func([]string){"limit": limit, "ask": askOnce, "serve": serve}[os.Args[1]]; part != nil {
			part(os.Args[2:])
			return
		}
	}
	count := flag.Int("n", 1000, "processes to start")
	rounds := flag.Int("rounds", 200, "kills to measure")
	rest := flag.Duration("rest", 10*time.Second, "how long to watch the daemon at rest")
	repeat := flag.Int("repeat", 3, "how often everything is measured in turn; medians count")
	only := flag.String("only", "", "contestants to measure, separated by commas; all")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: bench [-n 1000] [-rounds 200] [-rest 10s] [-repeat 3] [-only NAME,...] PATH/TO/supervisord")
		os.Exit(2)
	}
	binary, err := filepath.Abs(flag.Arg(0))
	if err == nil {
		err = compare(binary, *only, *repeat, *count, *rounds, *rest)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func compare(binary, only string, repeat, count, rounds int, rest time.Duration) error {
	dir, err := os.MkdirTemp("", "sv-bench-") // short, because the path of a socket has to be
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	all := contestants(binary)
	if only != "" {
		all = slices.DeleteFunc(all, func(c contestant) bool { return !slices.Contains(strings.Split(only, ","), c.name) })
	}
	measured := map[string][]figures{}
	for turn := range repeat {
		for _, c := range all {
			if turn > 0 && c.peer {
				continue
			}
			folder := filepath.Join(dir, fmt.Sprint(turn))
			if err := os.MkdirAll(folder, 0o700); err != nil {
				return err
			}
			f, err := measureAll(c, folder, count, rounds, map[bool]time.Duration{true: rest}[turn == 0])
			switch {
			case err != nil && c.peer:
				fmt.Printf("%-12s %v\n", c.name, err)
			case err != nil:
				return err
			default:
				measured[c.name] = append(measured[c.name], f)
			}
		}
	}
	fmt.Printf("%-12s %10s %6s %8s %10s %6s %8s %10s %6s %10s %10s %6s %8s %7s %7s\n", "", fmt.Sprintf("start %d", count), "ratio", "CPU", "stop", "ratio", "CPU",
		"replaced", "ratio", "99%", "200 at once", "ratio", "PSS MB", "threads", "wakeups")
	limit := medians(measured["bare"])
	for _, c := range all {
		f := medians(measured[c.name])
		fmt.Printf("%-12s %10s %6.2f %8s %10s %6.2f %8s %10s %6.2f %10s %10s %6.2f %8.1f %7d %7d\n", c.name, show(f.start), ratio(f.start, limit.start), show(f.busy),
			show(f.stop), ratio(f.stop, limit.stop), show(f.busyEnd), show(f.replaced), ratio(f.replaced, limit.replaced), show(f.late), show(f.together),
			ratio(f.together, limit.together), float64(f.memory)/(1<<20), f.threads, f.wakeups)
	}
	ours := medians(measured["supervisord"])
	if ours.start == 0 || limit.start == 0 {
		return nil
	}
	few := figures{}
	if err := few.measureMany(contestant{name: "supervisord", begin: supervised(binary), ours: true}, filepath.Join(dir, "few"), 100, rest); err != nil {
		return err
	}
	asked, err := measureControl(binary, filepath.Join(dir, "control"), min(rounds, 50))
	if err != nil {
		return err
	}
	fmt.Println()
	explain(limit, medians(measured["bare+calls"]), medians(measured["no-cgroups"]), ours)
	fmt.Println()
	return judge(ours, limit, few, asked, count, rest)
}

// explain says what the time is spent on that ours takes more than the bare program.
func explain(bare, calls, without, ours figures) {
	if calls.start == 0 || without.start == 0 {
		return
	}
	for _, one := range []struct {
		what                       string
		bare, calls, without, ours time.Duration
	}{
		{"starts", bare.start, calls.start, without.start, ours.start},
		{"stops", bare.stop, calls.stop, without.stop, ours.stop},
		{"one replacement", bare.replaced, calls.replaced, without.replaced, ours.replaced},
		{"200 replacements at once", bare.together, calls.together, without.together, ours.together},
	} {
		fmt.Printf("%-26s take %s more than bare; the same system calls without a supervisor: %s more; ours without cgroups: %s more\n",
			one.what, show(one.ours-one.bare), show(one.calls-one.bare), show(one.without-one.bare))
	}
	fmt.Printf("%-26s %s of processor time for the starts (bare %s, with the calls %s), %s for the stops (%s, %s)\n", "ours used",
		show(ours.busy), show(bare.busy), show(calls.busy), show(ours.busyEnd), show(bare.busyEnd), show(calls.busyEnd))
}

// medians are those of the times; the rest is of the first turn.
func medians(all []figures) figures {
	if len(all) == 0 {
		return figures{}
	}
	f := all[0]
	for _, of := range []func(*figures) *time.Duration{
		func(f *figures) *time.Duration { return &f.start },
		func(f *figures) *time.Duration { return &f.busy },
		func(f *figures) *time.Duration { return &f.busyEnd },
		func(f *figures) *time.Duration { return &f.stop },
		func(f *figures) *time.Duration { return &f.replaced },
		func(f *figures) *time.Duration { return &f.late },
		func(f *figures) *time.Duration { return &f.together },
	} {
		var times []time.Duration
		for _, one := range all {
			times = append(times, *of(&one))
		}
		*of(&f) = median(times)
	}
	return f
}

// judge prints ours beside the target (where to be) and the bound (what must hold, on a machine that does other things too).
func judge(ours, bare, few figures, asked control, count int, rest time.Duration) error {
	missed := 0
	line := func(what, figure string, kept, there bool, bound, target string) {
		verdict := "target reached"
		switch {
		case !kept:
			verdict = "MISSED"
			missed++
		case !there:
			verdict = "target not reached"
		}
		fmt.Printf("%-48s %9s   target %-8s bound %-8s %s\n", what, figure, target, bound, verdict)
	}
	most := func(what string, value, target, bound float64, format string) {
		line(what, fmt.Sprintf(format, value), value <= bound, value <= target, fmt.Sprintf("<= %g", bound), fmt.Sprintf("<= %g", target))
	}
	least := func(what string, value, target, bound float64) {
		line(what, fmt.Sprintf("%.2f", value), value >= bound, value >= target, fmt.Sprintf(">= %g", bound), fmt.Sprintf(">= %g", target))
	}
	most(fmt.Sprintf("%d processes started (x bare)", count), ratio(ours.start, bare.start), 1.25, 1.75, "%.2f")
	most(fmt.Sprintf("%d processes stopped (x bare)", count), ratio(ours.stop, bare.stop), 1.35, 1.75, "%.2f")
	most("killed, replacement runs, median (x bare)", ratio(ours.replaced, bare.replaced), 1.3, 1.75, "%.2f")
	most("200 killed at once, all replaced (x bare)", ratio(ours.together, bare.together), 1.2, 1.75, "%.2f")
	most(fmt.Sprintf("(status) of %d over the socket, median (ms)", count), float64(ours.status)/1e6, 10, 10, "%.1f")
	for _, at := range []struct {
		n      int
		f      figures
		target float64
	}{{100, few, 10}, {count, ours, 16}} {
		most(fmt.Sprintf("memory at rest with %d processes (PSS, MB)", at.n), float64(at.f.memory)/(1<<20), at.target, 1.15*at.target, "%.1f")
		most(fmt.Sprintf("threads with %d processes", at.n), float64(at.f.threads), 12, 12, "%.0f")
		most(fmt.Sprintf("wake-ups in %s with %d processes", rest, at.n), float64(at.f.wakeups), 0, 0, "%.0f")
	}
	most("service status of 10 (x a program that asks once)", ratio(asked.status, asked.ask), 1.25, 2, "%.2f")
	most("service restart of one (x the same)", ratio(asked.restart, asked.ask), 1.5, 2.5, "%.2f")
	for i, n := range connections {
		least(fmt.Sprintf("(status) of 10 a second, %d connections (x bare)", n), asked.ours[i]/asked.bare[i], 0.8, 0.2)
	}
	fmt.Printf("the program that asks once takes %s; the bare server answers %.0f and %.0f a second, ours %.0f and %.0f\n", show(asked.ask),
		asked.bare[0], asked.bare[1], asked.ours[0], asked.ours[1])
	if missed > 0 {
		return fmt.Errorf("%d figures are out of bounds", missed)
	}
	return nil
}

func ratio(a, b time.Duration) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func show(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(time.Microsecond).String()
	default:
		return d.Round(100 * time.Microsecond).String()
	}
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
