//go:build linux

// Command capture measures how fast output gets from a program into its log file, by a built supervisord and by whatever of
// its peers is installed, beside two programs in the same run that do nothing else: `program | cat >file`, and a copy loop that
// lets lines gather for a millisecond in a pipe of one megabyte before it takes them all.
//
//	capture [-mb 512] [-rounds 5] [-only cat,supervisord] [-work line] PATH/TO/supervisord
//
// The program writes blocks of 64 KiB or one line of 100 bytes at a time. The clock runs from its start until the last byte
// is in the file; of lines, which keep the program busy all the time, without the time in which it was ready to run and others
// had the processor. The processor time is that of the capturing process alone. In each round all take their turn, and the
// ratios are the medians of those within a round. So a machine that has other things to do disturbs them little. Files are looked
// at afterwards: a byte that is missing, or a line that a rotation tore in two, is told. The exit code is 1 when supervisord
// lost or tore something or missed a target.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// work is what is captured.
type work struct {
	name   string
	kind   string // of the producer
	bytes  int64
	rotate int64 // bytes per file, 0: one file

	beside string  // the program that the targets are ratios to
	speed  float64 // at least so much of its bytes per second
	cost   float64 // at most so much of its processor time
}

// result is one measurement.
type result struct {
	took time.Duration
	cpu  time.Duration
	lost int64
	torn int
}

func main() {
	if len(os.Args) == 5 && os.Args[1] == "produce" {
		produce(os.Args[2], os.Args[3], os.Args[4])
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "gather" {
		if err := gather(); err != nil {
			fmt.Fprintln(os.Stderr, "capture:", err)
			os.Exit(1)
		}
		return
	}
	mb := flag.Int64("mb", 512, "megabytes of blocks to write; half of it of lines")
	rounds := flag.Int("rounds", 5, "rounds in which all take their turn")
	only := flag.String("only", "", "measure only these, separated by commas")
	kind := flag.String("work", "", "do only the work whose name has this in it")
	flag.Parse()
	if flag.NArg() != 1 || *rounds < 1 || *mb < 1 {
		fmt.Fprintln(os.Stderr, "usage: capture [-mb 512] [-rounds 5] [-only NAME,NAME] [-work WORDS] PATH/TO/supervisord")
		os.Exit(2)
	}
	binary, err := filepath.Abs(flag.Arg(0))
	good := false
	if err == nil {
		all := systems(binary)
		if *only != "" {
			names := strings.Split(*only, ",")
			all = slices.DeleteFunc(all, func(s system) bool { return !slices.Contains(names, s.name) })
		}
		good = run(all, *kind, *mb<<20, *rounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "capture:", err)
	}
	if err != nil || !good {
		os.Exit(1)
	}
}

// run measures everything and says whether no target was missed. The targets are those of core/logs in core/DESIGN.md.
func run(all []system, kind string, size int64, rounds int) (good bool) {
	good = true
	for _, w := range []work{
		{name: "64 KiB writes, one file", kind: "blocks", bytes: size, beside: "cat", speed: 1.03, cost: 1.17},
		{name: "64 KiB writes, rotated", kind: "blocks", bytes: size, rotate: 100e6, beside: "cat", speed: 0.99, cost: 1.17},
		{name: "one write for each line", kind: "lines", bytes: size / 2 / 100 * 100, beside: "gathering copy", speed: 0.9, cost: 1.56},
	} {
		if !strings.Contains(w.name, kind) {
			continue
		}
		fmt.Printf("%s, %d MB, ratios to: %s\n", w.name, w.bytes>>20, w.beside)
		got, failed := measure(all, w, rounds)
		for _, s := range all {
			if err := failed[s.name]; err != nil {
				fmt.Printf("  %-20s %v\n", s.name, err)
				good = good && s.name != ours
			} else if len(got[s.name]) > 0 && !report(s, w, got[s.name], got[w.beside]) {
				good = false
			}
		}
	}
	return good
}

// report prints a line and says whether it is good enough.
func report(s system, w work, got, beside []result) bool {
	var took, cpu, speed, cost []float64
	lost, torn := int64(0), 0
	for i, r := range got {
		took, cpu = append(took, r.took.Seconds()), append(cpu, r.cpu.Seconds())
		if i < len(beside) {
			speed = append(speed, beside[i].took.Seconds()/r.took.Seconds())
			cost = append(cost, r.cpu.Seconds()/beside[i].cpu.Seconds())
		}
		lost, torn = max(lost, r.lost), max(torn, r.torn)
	}
	line := fmt.Sprintf("  %-20s %6.0f MB/s  x %4.2f   %5.2f CPU s/GiB  x %4.2f", s.name,
		float64(w.bytes)/1e6/median(took), median(speed), median(cpu)/float64(w.bytes)*(1<<30), median(cost))
	if lost != 0 {
		line += fmt.Sprintf("   LOST %d bytes", lost)
	}
	if torn != 0 {
		line += fmt.Sprintf("   %d lines torn", torn)
	}
	good := true
	if s.name == ours {
		line += fmt.Sprintf("   (targets: x %.2f, x %.2f)", w.speed, w.cost)
		if good = len(beside) == 0 || median(speed) >= w.speed && median(cost) <= w.cost; !good {
			line += "  MISSED"
		}
		good = good && lost == 0 && torn == 0
	}
	fmt.Println(line)
	return good
}

func median(all []float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	return slices.Sorted(slices.Values(all))[len(all)/2]
}

// measure lets all that can do the work do it in turn, some rounds long, each in a folder of its own. Who fails once is out.
func measure(all []system, w work, rounds int) (got map[string][]result, failed map[string]error) {
	got, failed = map[string][]result{}, map[string]error{}
	for range rounds {
		for _, s := range all {
			if failed[s.name] != nil || w.rotate > 0 && !s.rotates && s.name != w.beside {
				continue
			}
			r, err := inFolder(s, w)
			if err != nil {
				failed[s.name] = err
				continue
			}
			got[s.name] = append(got[s.name], r)
		}
	}
	return got, failed
}

func inFolder(s system, w work) (result, error) {
	dir, err := os.MkdirTemp("", "capture-")
	if err != nil {
		return result{}, err
	}
	r, err := once(s, w, dir)
	return r, errors.Join(err, os.RemoveAll(dir))
}

func once(s system, w work, dir string) (result, error) {
	c, err := s.begin(dir, w)
	if err != nil {
		return result{}, err
	}
	defer c.end()
	before := c.cpu()
	if err := c.start(); err != nil {
		return result{}, err
	}
	ended, err := awaitBytes(c.logs, w.bytes)
	if err != nil {
		return result{}, err
	}
	begun, err := os.Stat(filepath.Join(dir, begunFile))
	if err != nil {
		return result{}, err
	}
	waited, err := awaitEnd(dir)
	if err != nil {
		return result{}, err
	}
	got := result{took: ended.Sub(begun.ModTime()), cpu: c.cpu() - before}
	if w.kind == "lines" { // of blocks it spends the most part waiting, also for what is done while it waits
		got.took -= waited
	}
	got.lost = w.bytes - size(c.logs)
	got.torn = torn(c.logs)
	return got, nil
}

// awaitBytes waits until the files hold so many bytes, and gives up when they have not grown for a while.
func awaitBytes(pattern string, want int64) (time.Time, error) {
	const patience = 5 * time.Second
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	last, grown := int64(-1), time.Now()
	for now := range tick.C {
		have := size(pattern)
		if have >= want {
			return now, nil
		}
		if have != last {
			last, grown = have, now
		}
		if now.Sub(grown) > patience {
			if last <= 0 {
				return now, fmt.Errorf("nothing arrived in %s", pattern)
			}
			return grown, nil // it is told as lost
		}
	}
	panic("the ticker ended")
}

// awaitEnd waits until the program has said how long it waited for a processor.
func awaitEnd(dir string) (waited time.Duration, err error) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(5 * time.Second)
	for {
		text, err := os.ReadFile(filepath.Join(dir, endedFile))
		if err == nil {
			_, err = fmt.Sscan(string(text), &waited)
			return waited, err
		}
		select {
		case <-tick.C:
		case <-late:
			return 0, err
		}
	}
}

func size(pattern string) (sum int64) {
	files, _ := filepath.Glob(pattern)
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// torn counts the files that do not end with the end of a line.
func torn(pattern string) (n int) {
	files, _ := filepath.Glob(pattern)
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			continue
		}
		info, err := f.Stat()
		last := []byte{'\n'}
		if err == nil && info.Size() > 0 {
			f.ReadAt(last, info.Size()-1)
		}
		if last[0] != '\n' {
			n++
		}
		f.Close()
	}
	return n
}

// begunFile is made by the program when it begins, endedFile when it has written all; there it says how many nanoseconds it was
// ready to run and did not (the second number in /proc/thread-self/schedstat, 0 where the kernel does not count).
const (
	begunFile = "begun"
	endedFile = "ended"
)

// produce is the program: so many bytes in blocks or in lines.
func produce(kind, count, dir string) {
	runtime.LockOSThread()
	var left int64
	if _, err := fmt.Sscan(count, &left); err != nil {
		os.Exit(2)
	}
	if err := os.WriteFile(filepath.Join(dir, begunFile), nil, 0o600); err != nil {
		os.Exit(2)
	}
	line := append(bytes.Repeat([]byte("x"), 99), '\n')
	piece := line
	if kind == "blocks" {
		piece = bytes.Repeat([]byte("0123456789 the quick brown fox jumps over the lazy dog 0123456789\n"), 1000)[:64<<10]
		for i := 65; i < len(piece); i += 66 {
			piece[i] = '\n'
		}
		piece[len(piece)-1] = '\n'
	}
	for left > 0 {
		// As a program in C would: the runtime does not hear of it, so that its threads take no part in the measurement.
		n, _, no := syscall.RawSyscall(syscall.SYS_WRITE, 1, uintptr(unsafe.Pointer(&piece[0])), uintptr(min(left, int64(len(piece)))))
		if no != 0 && no != syscall.EINTR {
			os.Exit(1)
		}
		if no == 0 {
			left -= int64(n)
		}
	}
	ran, waited := 0, 0
	if text, err := os.ReadFile("/proc/thread-self/schedstat"); err == nil {
		fmt.Sscan(string(text), &ran, &waited)
	}
	unfinished := filepath.Join(dir, endedFile+".tmp")
	if os.WriteFile(unfinished, fmt.Append(nil, waited), 0o600) != nil || os.Rename(unfinished, filepath.Join(dir, endedFile)) != nil {
		os.Exit(2)
	}
}
