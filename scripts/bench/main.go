//go:build linux

// Command bench measures a built supervisord as a black box, a bare program that only forks, execs and waits, and the peers
// that are installed (Debian's supervisor, runit and s6), one after the other in the same run, and prints each figure with its
// ratio to the bare program. It judges ours: a line that breaks its promise ends with "MISSED" and the exit code is 1.
//
//	bench [-n 1000] [-rounds 200] [-rest 10s] PATH/TO/supervisord
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
	if len(os.Args) > 1 && os.Args[1] == "limit" {
		limit(os.Args[2:])
		return
	}
	count := flag.Int("n", 1000, "processes to start")
	rounds := flag.Int("rounds", 200, "kills to measure")
	rest := flag.Duration("rest", 10*time.Second, "how long to watch the daemon at rest")
	repeat := flag.Int("repeat", 3, "how often everything is measured in turn; medians count")
	only := flag.String("only", "", "contestants to measure, separated by commas; all")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: bench [-n 1000] [-rounds 200] [-rest 10s] PATH/TO/supervisord")
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
	fmt.Println()
	return judge(ours, limit, few, count, rest)
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

// judge prints ours beside the promise (a ratio that must hold) and the target (where to be).
func judge(ours, bare, few figures, count int, rest time.Duration) error {
	missed := 0
	line := func(what, figure string, kept bool, promise string, there bool, target string) {
		verdict := "target reached"
		switch {
		case !kept:
			verdict = "MISSED"
			missed++
		case !there:
			verdict = "target " + target + " not reached"
		}
		fmt.Printf("%-46s %10s   promise %-12s %s\n", what, figure, promise, verdict)
	}
	times := func(what string, ours, bare time.Duration, promise, target float64) {
		r := ratio(ours, bare)
		line(what+" (x bare)", fmt.Sprintf("%.2f", r), r <= promise, fmt.Sprintf("<= %g", promise), r <= target, fmt.Sprintf("<= %g", target))
	}
	times("killed, replacement runs (median)", ours.replaced, bare.replaced, 3, 1.3)
	times(fmt.Sprintf("%d processes started", count), ours.start, bare.start, 2, 1.25)
	times(fmt.Sprintf("%d processes stopped", count), ours.stop, bare.stop, 4, 1.35)
	times("200 killed at once, all replaced", ours.together, bare.together, 3, 1.2)
	line(fmt.Sprintf("(status) of %d over the socket (median)", count), show(ours.status), ours.status < 10*time.Millisecond, "< 10ms", true, "")
	for _, at := range []struct {
		n      int
		f      figures
		target int64
	}{{100, few, 10}, {count, ours, 16}} {
		mb := float64(at.f.memory) / (1 << 20)
		line(fmt.Sprintf("memory at rest with %d processes (PSS)", at.n), fmt.Sprintf("%.1fMB", mb), mb <= 2*float64(at.target), fmt.Sprintf("<= %dMB", 2*at.target), mb <= float64(at.target), fmt.Sprintf("<= %dMB", at.target))
		line(fmt.Sprintf("threads with %d processes", at.n), fmt.Sprint(at.f.threads), at.f.threads <= 12, "<= 12", true, "")
		line(fmt.Sprintf("wake-ups in %s with %d processes", rest, at.n), fmt.Sprint(at.f.wakeups), at.f.wakeups == 0, "none", true, "")
	}
	if missed > 0 {
		return fmt.Errorf("%d of the promises missed", missed)
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
