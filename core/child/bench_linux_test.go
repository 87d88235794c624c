package child

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// bareLoop is what every start and end of a process costs in Go at least: fork, exec, wait, one after the other. It runs in a
// process of its own, where no reaper takes the exits away, and prints the nanoseconds of one turn.
func bareLoop(turns int) {
	runtime.LockOSThread()
	begun := time.Now()
	for range turns {
		pid, err := syscall.ForkExec("/bin/true", []string{"true"}, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
		if err != nil {
			panic(err)
		}
		if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
			panic(err)
		}
	}
	fmt.Println(time.Since(begun).Nanoseconds() / int64(turns))
}

// bareStart starts that many programs that stay, as a minimal Go program would, prints the nanoseconds of one, and ends them.
func bareStart(count int) {
	signal.Reset()
	runtime.LockOSThread()
	pids := make([]int, 0, count)
	begun := time.Now()
	for range count {
		pid, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "1000"}, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true}})
		if err != nil {
			panic(err)
		}
		pids = append(pids, pid)
	}
	fmt.Println(time.Since(begun).Nanoseconds() / int64(count))
	for _, pid := range pids {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	for _, pid := range pids {
		_, _ = unix.Wait4(pid, nil, 0, nil)
	}
}

// bare runs one of the two in a process of its own.
func bare(b *testing.B, h *Host, mode string) time.Duration {
	c := command(mode)
	c.Scope = Process
	k, err := h.Start(c)
	if err != nil {
		b.Fatal(err)
	}
	defer k.Stdout().Close()
	var each int64
	if _, err := fmt.Fscan(k.Stdout(), &each); err != nil {
		b.Fatal(err)
	}
	await(b, "the bare program's end", k.Gone())
	return time.Duration(each)
}

// BenchmarkBareForkExecWait is the yardstick.
func BenchmarkBareForkExecWait(b *testing.B) {
	h := host(b)
	var each time.Duration
	for b.Loop() {
		each = bare(b, h, "bare-loop 100")
	}
	b.ReportMetric(float64(each.Nanoseconds()), "ns/turn")
}

// BenchmarkStartExit starts a program, hears of its end and that nothing is left, and starts the next. The ratio is to the bare
// loop measured beside it: at most 3.
func BenchmarkStartExit(b *testing.B) {
	bothWays(b, func(b *testing.B, h *Host) {
		yardstick := bare(b, h, "bare-loop 500")
		c := Command{Name: "bench", Path: "/bin/true", Env: os.Environ(), Dir: "/", Stdout: Null, Stderr: Null}
		for b.Loop() {
			c.Generation++
			k, err := h.Start(c)
			if err != nil {
				b.Fatal(err)
			}
			<-k.Exited()
			<-k.Gone()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(yardstick.Nanoseconds()), "x-bare")
	})
}

// BenchmarkStart1000 starts a thousand programs that stay, all at once. The ratio is to a minimal program: at most 2. The
// threads are those of the whole test process afterwards.
func BenchmarkStart1000(b *testing.B) { bothWays(b, start1000) }

func start1000(b *testing.B, h *Host) {
	const count = 1000
	yardstick := bare(b, h, fmt.Sprintf("bare-start %d", count))
	for b.Loop() {
		kids := make([]Child, count)
		var all sync.WaitGroup
		for i := range kids {
			all.Go(func() {
				k, err := h.Start(Command{Name: fmt.Sprintf("bench-%d", i), Generation: 1, Path: "/bin/sleep", Args: []string{"1000"},
					Env: os.Environ(), Dir: "/", Stdout: Null, Stderr: Null})
				if err != nil {
					b.Error(err)
					return
				}
				kids[i] = k
			})
		}
		all.Wait()
		b.StopTimer()
		for _, k := range kids {
			if k != nil {
				all.Go(func() { _ = k.Kill() })
			}
		}
		all.Wait()
		for _, k := range kids {
			if k != nil {
				await(b, "its end", k.Gone())
			}
		}
		b.StartTimer()
	}
	threads, _ := threads()
	b.ReportMetric(float64(len(threads)), "threads")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/count/float64(yardstick.Nanoseconds()), "x-bare")
}
