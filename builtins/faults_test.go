package builtins

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/lisp"
)

// The faults that a script can provoke and that take an engine, a caller or the machine; the others are in lisp/faults_test.go.
// E17 is in program_test.go, E22 in coroutine_test.go, E24 in program_test.go, E28 in host_test.go, E29 in hooks_test.go.

// TestE18AHundredEndlessPrograms: four run, 32 wait, the rest is refused by name, and whoever asks for the status is answered.
func TestE18AHundredEndlessPrograms(t *testing.T) {
	e := onMachine(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	kinds := make(chan string, 100)
	for range 100 {
		all.Go(func() { kinds <- KindOf(e.Eval(ctx, Job{Form: `(defn f [n] (f (+ n 1))) (f 0)`}, nil).Err) })
	}
	for range 100 - runningPrograms - queuedPrograms {
		if kind := <-kinds; kind != "overloaded" {
			t.Fatalf("one was refused as %q", kind)
		}
	}
	worst := time.Duration(0)
	for range 50 {
		began := time.Now()
		if result := e.Eval(t.Context(), Job{Form: `(status)`}, nil); result.Err != nil {
			t.Fatal(result.Err)
		}
		worst = max(worst, time.Since(began))
	}
	if worst > 500*time.Millisecond { // some milliseconds when nothing else runs
		t.Errorf("the status took %v", worst)
	}
	cancel()
	all.Wait()
	for range runningPrograms + queuedPrograms {
		if kind := <-kinds; kind != "cancelled" {
			t.Errorf("one ended as %q", kind)
		}
	}
}

// TestE32ProgramsOneAfterAnother leave the process as it was: memory and goroutines are flat. SUPERVISORD_FULL makes it an hour.
func TestE32ProgramsOneAfterAnother(t *testing.T) {
	t.Setenv(tempVariable, t.TempDir())
	e := onMachine(t)
	long := 3 * time.Second
	if os.Getenv("SUPERVISORD_FULL") != "" {
		long = time.Hour
	}
	names := e.base.Names("")
	r := rand.New(rand.NewPCG(32, 1))
	values := []string{"1", "-1", `"a"`, "nil", "[1 2]", "{}", "'x", "#(+ % 1)", "(range)", "(make-chan)", "1.5", `{"a" [1]}`, "(buffer)"}
	program := func() string {
		var b strings.Builder
		b.WriteString(`(def x (list-to-array (range 100))) (go (<! (make-chan))) `)
		for range 1 + r.IntN(5) {
			name := names[r.IntN(len(names))]
			if strings.HasPrefix(name, "os/") || strings.HasPrefix(name, "csv/") || strings.HasPrefix(name, "http/") || name == "sleep" || name == "follow" || name == "exit" || name == "shutdown" {
				name = "str/repeat"
			}
			fmt.Fprintf(&b, "(try (%s", name)
			for range r.IntN(4) {
				b.WriteString(" " + values[r.IntN(len(values))])
			}
			b.WriteString(") (catch e (error-message e)))\n")
		}
		return b.String()
	}
	run := func(d time.Duration) (count int) {
		for end := time.Now().Add(d); time.Now().Before(end); count++ {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			_ = e.Eval(ctx, Job{Form: program()}, nil)
			cancel()
		}
		return count
	}
	live := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	run(min(long/3, time.Minute)) // what is made once is there by then
	before, memory := left(t), live()
	count := run(long)
	if after := left(t); after != before {
		t.Errorf("%d programs: before %+v, after %+v", count, before, after)
	}
	if after := live(); after > memory+16<<20 {
		t.Errorf("%d programs: %d KiB before, %d KiB after", count, memory>>10, after>>10)
	}
	t.Logf("%d programs", count)
}

// TestE33TheProcessIsNobodysToChange: a program sets variables for its own commands only, and there is nothing that changes
// the directory, the mask or the user of the daemon.
func TestE33TheProcessIsNobodysToChange(t *testing.T) {
	e := onMachine(t)
	before, _ := os.Getwd()
	says(t, e, `(os/setenv "SUPERVISORD_E33" "x") (os/exec `+quoted(changing("SUPERVISORD_E33"))+`)`, `(0 . "")`)
	says(t, e, `[(os/env "SUPERVISORD_E33") (os/exec! `+quoted(showing("SUPERVISORD_E33"))+`)]`, `["" ""]`)
	if after, _ := os.Getwd(); after != before || os.Getenv("SUPERVISORD_E33") != "" {
		t.Errorf("in %s, the variable is %q", after, os.Getenv("SUPERVISORD_E33"))
	}
	for _, name := range []string{"os/chdir", "os/umask", "os/setuid", "os/exit", "chdir", "umask", "setenv"} {
		if _, there := lisp.NewBase(Modules(nil, nil, nil)...).Lookup(name); there {
			t.Errorf("there is a %s", name)
		}
	}
}
