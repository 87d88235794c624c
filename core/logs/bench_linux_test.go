package logs

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// cpu is what this process (not its children) has used.
func cpu() time.Duration {
	var u unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// capture measures a child's output until the last byte is in the file: by the
// plain copy loop that is the measure, and by a stream.
func capture(b *testing.B, mode string, size int64, to Settings) {
	measure := func(name string, once func(b *testing.B, path string)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			var used time.Duration
			for b.Loop() {
				path := filepath.Join(b.TempDir(), "a.log")
				before := cpu()
				once(b, path)
				used += cpu() - before
				b.StopTimer()
				os.RemoveAll(filepath.Dir(path))
				b.StartTimer()
			}
			gib := float64(size) * float64(b.N) / (1 << 30)
			b.ReportMetric(used.Seconds()/gib, "cpu-s/GiB")
		})
	}
	measure("loop", func(b *testing.B, path string) {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			b.Fatal(err)
		}
		c := startWith(b, mode, func(r *os.File) *Pump {
			buf := make([]byte, 64<<10)
			io.CopyBuffer(struct{ io.Writer }{f}, struct{ io.Reader }{r}, buf)
			return nil
		})
		if err := c.cmd.Wait(); err != nil {
			b.Fatal(err)
		}
		f.Close()
	})
	measure("stream", func(b *testing.B, path string) {
		set := New(Options{})
		to.Files = []string{path}
		s := open(b, set, "a", to)
		run(b, s, mode)
		if h := s.Health(); h.Written != size || h.Lost != 0 {
			b.Fatalf("%+v", h)
		}
		for _, k := range s.out.sinks { // the loop does not sync either
			k.dirty = false
		}
		set.Close()
	})
}

func BenchmarkBlocks(b *testing.B) {
	capture(b, "blocks 8192", 8192<<16, Settings{Size: 1 << 40})
}

func BenchmarkBlocksRotated(b *testing.B) {
	capture(b, "blocks 8192", 8192<<16, Settings{Size: 100 << 20, Count: 3})
}

func BenchmarkBlocksRotatedOften(b *testing.B) {
	capture(b, "blocks 8192", 8192<<16, Settings{Size: 2 << 20, Count: 3})
}

func BenchmarkLines(b *testing.B) {
	capture(b, "lines 1000000 100", 100_000_000, Settings{Size: 1 << 40})
}

func BenchmarkLinesRotated(b *testing.B) {
	capture(b, "lines 1000000 100", 100_000_000, Settings{Size: 10 << 20, Count: 3})
}
