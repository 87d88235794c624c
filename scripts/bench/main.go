//go:build linux

// Command bench measures a built supervisord as a black box and prints each figure beside the same work done by a bare
// program that only forks, execs and waits, measured in the same run. It judges nothing but the promises of the README:
// a line that breaks its bound ends with "MISSED" and the exit code is 1.
//
//	bench [-n 1000] [-rounds 200] [-rest 10s] PATH/TO/supervisord
//
// Every child is one shell that says its pid on a FIFO and then waits on another, so that both sides pay for the same
// program and a start is seen when the child itself runs, never by asking the supervisor.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: bench [-n 1000] [-rounds 200] [-rest 10s] PATH/TO/supervisord")
		os.Exit(2)
	}
	binary, err := filepath.Abs(flag.Arg(0))
	if err == nil {
		err = run(binary, *count, *rounds, *rest)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(binary string, count, rounds int, rest time.Duration) error {
	dir, err := os.MkdirTemp("", "supervisord-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	missed := 0
	report := func(what string, ours, bare time.Duration, bound float64) {
		ratio := float64(ours) / float64(bare)
		verdict := ""
		if ratio > bound {
			verdict = "  MISSED"
			missed++
		}
		fmt.Printf("%-44s %10s   bare %10s   ratio %5.2f (at most %.0f)%s\n", what, show(ours), show(bare), ratio, bound, verdict)
	}
	below := func(what, figure string, ok bool, bound string) {
		verdict := ""
		if !ok {
			verdict = "  MISSED"
			missed++
		}
		fmt.Printf("%-44s %10s   %s%s\n", what, figure, bound, verdict)
	}

	replaced, err := measureReplacement(dir, binary, rounds)
	if err != nil {
		return fmt.Errorf("replacement: %w", err)
	}
	report("killed, replacement runs (median)", replaced.ours, replaced.bare, 3)

	started, err := measureStart(dir, binary, count)
	if err != nil {
		return fmt.Errorf("start of %d: %w", count, err)
	}
	report(fmt.Sprintf("%d processes started", count), started.ours, started.bare, 2)
	below(fmt.Sprintf("(status) of %d over the socket (median)", count), show(started.status), started.status < 10*time.Millisecond, "below 10ms")
	below(fmt.Sprintf("memory with %d processes (PSS)", count), fmt.Sprintf("%.1fMB", float64(started.memory)/1e6), true, "")

	idle, err := measureRest(dir, binary, 100, rest)
	if err != nil {
		return fmt.Errorf("at rest: %w", err)
	}
	below("threads with 100 processes at rest", fmt.Sprint(idle.threads), idle.threads <= 12, "at most 12")
	below(fmt.Sprintf("wake-ups in %s at rest", rest), fmt.Sprint(idle.wakeups), idle.wakeups == 0, "none")
	below("memory with 100 processes (PSS)", fmt.Sprintf("%.1fMB", float64(idle.memory)/1e6), true, "")
	if missed > 0 {
		return fmt.Errorf("%d of the promises missed", missed)
	}
	return nil
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
