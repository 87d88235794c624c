//go:build linux

// Command capture measures how fast output gets from a program into its log file, by a built supervisord and by whatever of
// its peers is installed, beside `program | cat >file` in the same run: the least that anything between the two can cost.
//
//	capture [-mb 256] [-rounds 3] PATH/TO/supervisord
//
// The program writes blocks of 64 KiB or one line of 100 bytes at a time. The clock runs from its start until the last byte
// is in the file; the processor time is that of the capturing process alone. Files are looked at afterwards: a byte that is
// missing, or a line that a rotation tore in two, is told. On a quiet machine supervisord is as fast as cat or faster, at 1.2
// times its processor time for blocks and a quarter of it for lines; the exit code is 1 when it lost or tore something, or is
// beyond bounds that leave room for a machine that has other things to do.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// work is what is captured.
type work struct {
	name   string
	kind   string // of the producer
	bytes  int64
	rotate int64 // bytes per file, 0: one file

	speed float64 // at least so much of cat's bytes per second
	cost  float64 // at most so much of cat's processor time
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
	mb := flag.Int64("mb", 256, "megabytes of blocks to write; a fifth of it of lines")
	rounds := flag.Int("rounds", 3, "measurements of each, of which the median counts")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: capture [-mb 256] [-rounds 3] PATH/TO/supervisord")
		os.Exit(2)
	}
	binary, err := filepath.Abs(flag.Arg(0))
	good := false
	if err == nil {
		good, err = run(binary, *mb<<20, *rounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "capture:", err)
	}
	if err != nil || !good {
		os.Exit(1)
	}
}

func run(binary string, size int64, rounds int) (good bool, err error) {
	good = true
	for _, w := range []work{
		{name: "64 KiB writes, one file", kind: "blocks", bytes: size, speed: 0.8, cost: 1.5},
		{name: "64 KiB writes, rotated", kind: "blocks", bytes: size, rotate: size / 8, speed: 0.8, cost: 1.5},
		{name: "one write for each line", kind: "lines", bytes: size / 5 / 100 * 100, speed: 0.9, cost: 0.45},
	} {
		fmt.Printf("%s, %d MB\n", w.name, w.bytes>>20)
		var cat result
		for _, s := range systems(binary) {
			if w.rotate > 0 && !s.rotates && s.name != "cat" {
				continue
			}
			got, err := measure(s, w, rounds)
			if err != nil {
				fmt.Printf("  %-20s %v\n", s.name, err)
				good = good && s.name != "supervisord"
				continue
			}
			if s.name == "cat" {
				cat = got
			}
			if !report(s, w, got, cat) {
				good = false
			}
		}
	}
	return good, nil
}

// report prints a line and says whether it is good enough.
func report(s system, w work, got, cat result) bool {
	speed, cost := cat.took.Seconds()/got.took.Seconds(), got.cpu.Seconds()/cat.cpu.Seconds()
	line := fmt.Sprintf("  %-20s %6.0f MB/s  x %4.2f   %5.2f CPU s/GiB  x %4.2f", s.name,
		float64(w.bytes)/1e6/got.took.Seconds(), speed, got.cpu.Seconds()/float64(w.bytes)*(1<<30), cost)
	if got.lost != 0 {
		line += fmt.Sprintf("   LOST %d bytes", got.lost)
	}
	if got.torn != 0 {
		line += fmt.Sprintf("   %d lines torn", got.torn)
	}
	good := true
	if s.name == "supervisord" {
		line += fmt.Sprintf("   (bounds: x %.2f, x %.2f)", w.speed, w.cost)
		if good = speed >= w.speed && cost <= w.cost && got.lost == 0 && got.torn == 0; !good {
			line += "  MISSED"
		}
	}
	fmt.Println(line)
	return good
}

// measure gives the median by time of some rounds, each in a folder of its own.
func measure(s system, w work, rounds int) (result, error) {
	var all []result
	lost, torn := int64(0), 0
	for range rounds {
		dir, err := os.MkdirTemp("", "capture-")
		if err != nil {
			return result{}, err
		}
		got, err := once(s, w, dir)
		if err != nil {
			os.RemoveAll(dir)
			return result{}, err
		}
		lost, torn = max(lost, got.lost), max(torn, got.torn)
		all = append(all, got)
		if err := os.RemoveAll(dir); err != nil {
			return result{}, err
		}
	}
	slices.SortFunc(all, func(a, b result) int { return int(a.took - b.took) })
	median := all[len(all)/2]
	median.lost, median.torn = lost, torn
	return median, nil
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
	got := result{took: ended.Sub(begun.ModTime()), cpu: c.cpu() - before}
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

// begunFile is made by the program when it begins.
const begunFile = "begun"

// produce is the program: so many bytes in blocks or in lines.
func produce(kind, count, dir string) {
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
		n, err := os.Stdout.Write(piece[:min(left, int64(len(piece)))])
		if err != nil {
			os.Exit(1)
		}
		left -= int64(n)
	}
}
