package logs

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// childWord as the first argument makes the test binary its own child; what it does stands behind it. (An argument, never a
// variable: variables are inherited, and children of children would be born without end.)
const childWord = "child-of-the-logs-test"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == childWord {
		child(os.Args[2:])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(args []string) {
	number := func(i int) int {
		n, err := strconv.Atoi(args[i])
		if err != nil {
			panic(err)
		}
		return n
	}
	switch args[0] {
	case "text": // text BYTES SEED: lines of random length with their number
		io.Copy(os.Stdout, text(number(1), uint64(number(2))))
	case "held": // held BYTES SEED: the same while a grandchild keeps the pipe until its stdin ends
		cmd := exec.Command(os.Args[0], childWord, "hold")
		cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
		if err := cmd.Start(); err != nil {
			os.Exit(9)
		}
		io.Copy(os.Stdout, text(number(1), uint64(number(2))))
	case "bytes": // bytes BYTES SEED: anything at all
		io.Copy(os.Stdout, anything(number(1), uint64(number(2))))
	case "lines": // lines N LENGTH: one write each
		line := bytes.Repeat([]byte{'x'}, number(2))
		line[len(line)-1] = '\n'
		for i := range number(1) {
			copy(line, fmt.Sprintf("%09d ", i))
			if _, err := os.Stdout.Write(line); err != nil {
				os.Exit(9)
			}
		}
	case "blocks": // blocks N: 64 KiB writes of lines
		block := bytes.Repeat([]byte("0123456789 the quick brown fox jumps over the lazy dog 0123456789\n"), 1000)[:1<<16]
		block[len(block)-1] = '\n'
		for range number(1) {
			if _, err := os.Stdout.Write(block); err != nil {
				os.Exit(9)
			}
		}
	case "long": // long BYTES: one line without an end
		block := bytes.Repeat([]byte{'L'}, 1<<16)
		for n := number(1); n > 0; n -= len(block) {
			os.Stdout.Write(block[:min(n, len(block))])
		}
	case "tagged": // tagged TAG N: lines that say where they begin and end, each in two writes
		for i := range number(2) {
			fmt.Printf("<%s %d ", args[1], i)
			fmt.Printf("%s>\n", strings.Repeat(args[1], i%300))
		}
	case "holder": // holder N: N lines, then a grandchild keeps the pipe until its stdin ends
		cmd := exec.Command(os.Args[0], childWord, "hold")
		cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
		if err := cmd.Start(); err != nil {
			os.Exit(9)
		}
		for i := range number(1) {
			fmt.Printf("line %d\n", i)
		}
		fmt.Print("the end without a newline")
	case "hold":
		io.Copy(io.Discard, os.Stdin)
		fmt.Print("late word\n")
	case "rotate": // rotate PATH STEP TIME COUNT: writes by itself and is killed in the TIMEth such step
		rotateAndDie(args[1], step(number(2)), number(3), number(4), len(args) > 5)
	case "closed": // closes its stdout and stays until its stdin ends
		fmt.Print("bye\n")
		os.Stdout.Close()
		io.Copy(io.Discard, os.Stdin)
	default:
		childLinux(args)
	}
}

// text is a reproducible stream of numbered lines without a final newline.
func text(size int, seed uint64) io.Reader {
	r, w := io.Pipe()
	go func() {
		random := rand.New(rand.NewPCG(seed, 1))
		out := bufio.NewWriterSize(w, 1<<16)
		for i, left := 0, size; left > 0; i++ {
			line := fmt.Sprintf("%d %s\n", i, strings.Repeat("abcdefg", random.IntN(40)))
			line = line[:min(left, len(line))]
			left -= len(line)
			out.WriteString(line)
		}
		out.Flush()
		w.Close()
	}()
	return r
}

// anything is a reproducible stream of all byte values.
func anything(size int, seed uint64) io.Reader {
	r, w := io.Pipe()
	go func() {
		random := rand.New(rand.NewPCG(seed, 2))
		block := make([]byte, 1<<16)
		for left := size; left > 0; left -= len(block) {
			block = block[:min(left, len(block))]
			for i := 0; i+8 <= len(block); i += 8 {
				binary.LittleEndian.PutUint64(block[i:], random.Uint64())
			}
			w.Write(block)
		}
		w.Close()
	}()
	return r
}

func sum(t testing.TB, r io.Reader) string {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// big is n, or a tenth of it unless the full figures are asked for.
func big(n int) int {
	if os.Getenv("SUPERVISORD_FULL") == "1" {
		return n
	}
	return n / 10
}

type running struct {
	cmd   *exec.Cmd
	pump  *Pump
	stdin io.WriteCloser
}

// wait waits for the leader and drains, as the owner of a child does.
func (r *running) wait(t testing.TB) {
	t.Helper()
	if err := r.cmd.Wait(); err != nil {
		t.Fatalf("child: %v", err)
	}
	r.pump.Drain()
}

// start runs the test binary in a mode with its stdout in the stream.
func start(t testing.TB, s *Stream, mode string) *running {
	t.Helper()
	return startWith(t, mode, func(r *os.File) *Pump { return s.Attach(r) })
}

// startWith lets something else than the stream read the pipe.
func startWith(t testing.TB, mode string, attach func(*os.File) *Pump) *running {
	t.Helper()
	r, w, err := pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], append([]string{childWord}, strings.Fields(mode)...)...)
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	stdin, inner, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = stdin
	err = cmd.Start()
	stdin.Close()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { inner.Close() })
	return &running{cmd: cmd, pump: attach(r), stdin: inner}
}

// run runs a child to its end.
func run(t testing.TB, s *Stream, mode string) {
	t.Helper()
	c := start(t, s, mode)
	c.wait(t)
	<-c.pump.Done()
}

func newSet(t testing.TB, o Options) *Set {
	t.Helper()
	t.TempDir() // made first, it is removed last: after the files were closed
	set := New(o)
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return set
}

func open(t testing.TB, set *Set, name string, to Settings) *Stream {
	t.Helper()
	s, err := set.Open(name, "stdout", to)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// say writes through a pipe as a child would and returns when it is delivered.
func say(t testing.TB, s *Stream, words ...string) {
	t.Helper()
	r, w, err := pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := s.Attach(r)
	for _, word := range words {
		if _, err := io.WriteString(w, word); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	<-p.Done()
}

// oldOf is the old files of a log, the oldest first.
func oldOf(t testing.TB, path string) []old {
	t.Helper()
	d, err := openDirectory(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	files, err := oldFiles(d, filepath.Base(path))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// history is everything in a log and its old files, the oldest first.
func history(t testing.TB, path string) []string {
	t.Helper()
	var all []string
	for _, f := range oldOf(t, path) {
		all = append(all, filepath.Join(filepath.Dir(path), f.name))
	}
	return append(all, path)
}

func concat(t testing.TB, paths []string) io.Reader {
	t.Helper()
	var readers []io.Reader
	for _, path := range paths {
		f, err := openToRead(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		readers = append(readers, f)
	}
	return io.MultiReader(readers...)
}

func content(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// soon bounds what takes a moment and not for ever.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// texts are the lines of a tail without their times.
func texts(lines []Line, err error) ([]string, error) {
	var all []string
	for _, line := range lines {
		all = append(all, line.Text)
	}
	return all, err
}

func textsAnd(lines []Line, f *Follower, err error) ([]string, *Follower, error) {
	all, err := texts(lines, err)
	return all, f, err
}
