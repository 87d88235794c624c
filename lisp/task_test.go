package lisp

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestCoroutines holds what go, channels and their combinations give.
func TestCoroutines(t *testing.T) {
	outcomes(t, [][2]string{
		{`(<! (go (+ 1 2)))`, `3`},
		{`(let [c (go 1)] [(<! c) (<! c) (type c) (string c)])`, `[1 1 "coroutine" "[coroutine]"]`},
		{`(let [c (make-chan)] [(type c) (string c)])`, `["channel" "[chan]"]`},
		{`(def c (make-chan)) (go (send! c 1) (send! c 2)) [(<! c) (<! c)]`, `[1 2]`},
		{`(defn f [n] (let [c (make-chan)] (go (send! c (* n n))) (<! c))) (map f [1 2 3])`, `[1 4 9]`},
		{`(map #(<! %) (map #(go (* % %)) [1 2 3]))`, `[1 4 9]`},
		{`(let [n 0 done (make-chan)] (foreach (fn [i] (go (set! n (+ n i)) (send! done i))) [1 2 3]) (<! done) (<! done) (<! done) n)`, `6`},
		{`(let [c (make-chan 2)] (send! c 1) (send! c 2) (close! c) [(<! c) (<! c) (<! c) (<! c)])`, `[1 2 () ()]`},
		{`(let [c (make-chan)] (go (foreach #(send! c %) [1 2 3]) (close! c)) (realize (map #(* 2 %) (stream c))))`, `(2 4 6)`},
		{`(let [c (make-chan)] (go (foreach #(send! c %) [1 2 3]) (close! c)) (map #(* 2 %) c))`, `(2 4 6)`},
		{`(let [c (make-chan)] (close! c) (try (send! c 1) (catch e (error-kind e))))`, `"value"`},
		{`(let [c (make-chan)] (go (<! c) (close! c)) (send! c 1) (try (send! c 2) (catch e (error-kind e))))`, `"value"`},
		{`(let [a (make-chan) b (make-chan)] (go (send! b 7)) (let [x (select! a b)] [(= (car x) b) (cdr x)]))`, `[true 7]`},
		{`(let [a (make-chan) w (go 5)] (cdr (select! a w)))`, `5`},
		{`(let [a (make-chan 1) b (make-chan 1)] (send! a 1) (send! b 2) [(cdr (select! a b)) (cdr (select! a b))])`, `[1 2]`},
		{`(let [c (make-chan)] (go (select! c (make-chan))) (send! c 1) (let [d (go (<! c))] (send! c 2) (<! d)))`, `2`},
		// An error of a coroutine is that of whoever receives from it, else that of the program.
		{`(try (<! (go (car 5))) (catch 'type e "caught"))`, `"caught"`},
		{`(let [c (go (raise "no"))] (try (<! c) (catch e nil)) (try (<! c) (catch e "again")))`, `"again"`},
		{`(go (raise "lost")) (<! (go 1))`, `ERR t:1:5: lost`},
		{`(let [c (make-chan)] (go (raise "why")) (<! c))`, `ERR t:1:26: why`},
		{`(go (raise "first")) (raise "mine")`, `ERR t:1:22: mine`},
		// All wait: one is told.
		{`(<! (make-chan))`, `ERR t:1:1: cannot receive: every coroutine of the program waits, and nothing is left that could wake one`},
		{`(send! (make-chan) 1)`, `ERR t:1:1: cannot send: every coroutine of the program waits, and nothing is left that could wake one`},
		{`(let [c (make-chan)] (go (<! c)) (try (<! c) (catch 'deadlock e "deadlock")))`, `"deadlock"`},
		{`(let [a (make-chan) b (make-chan)] (go (<! a) (send! b 1)) (try (<! b) (catch 'deadlock e (send! a 0) (<! b))))`, `1`},
		{`(let [c nil] (set! c (go (<! c))) (try (<! c) (catch e (error-kind e))))`, `"deadlock"`},
		// What still runs ends with the program.
		{`(defn f [n] (f (+ n 1))) (go (f 0)) 1`, `1`},
		{`(go (while true 1)) (go (<! (make-chan))) 1`, `1`},
		{`(= (let [c (go (gensym))] (<! c)) (gensym))`, `false`},
		{`(go)`, `[coroutine]`},
		{`(<! 5)`, `ERR`},
		{`(send! 5 1)`, `ERR`},
		{`(make-chan -1)`, `ERR`},
		{`(json/stringify (make-chan))`, `ERR`},
	})
}

// TestCoroutinesTakeTurns: one that computes does not hold up the others.
func TestCoroutinesTakeTurns(t *testing.T) {
	outcomes(t, [][2]string{
		{`(let [stop false n 0] (go (while (not stop) (set! n (+ n 1)))) (defn f [i] (if (< i 100000) (f (+ i 1)))) (f 0) (set! stop true) (> n 1000))`, `true`},
		{`(let [n 0] (go (while true (set! n (+ n 1)))) (while (< n 100) (realize (range 100))) "done")`, `"done"`},
		{`(let [seen []] (defn f [i k] (if (< i 50000) (f (+ i 1) k) (set! seen (append seen k)))) (let [a (go (f 0 "a")) b (go (f 25000 "b"))] (<! a) (<! b) seen))`, `["b" "a"]`},
	})
}

// TestCoroutinesYieldToOthers as their program does: what computes in a coroutine, or in a coroutine of one, stands back as often.
func TestCoroutinesYieldToOthers(t *testing.T) {
	base := NewBase()
	for where, src := range map[string]string{"the program": `(work)`, "a coroutine": `(<! (go (work)))`, "a coroutine's coroutine": `(<! (go (<! (go (work)))))`} {
		yields := 0
		th := NewThread(t.Context(), nil, Budget{Steps: 1 << 40, Depth: 1000, Bytes: 1 << 30})
		th.Yield = func() { yields++ } // without a lock: it is for one of them at a time
		if _, err := th.Eval(base.Child(), "t", `(defn work [] (let [i 0] (while (< i 100000) (set! i (+ i 1)))))`+src); err != nil {
			t.Fatal(err)
		}
		if want := 100_000 / quantum; yields < want {
			t.Errorf("%s yielded %d times, want at least %d", where, yields, want)
		}
	}
}

// TestCoroutinesShareTheBudget of their program, whichever of them uses it up.
func TestCoroutinesShareTheBudget(t *testing.T) {
	base := NewBase()
	for src, want := range map[string]string{
		`(defn f [] (f)) (go (f)) (<! (make-chan))`:                                                     "budget",
		`(defn f [] (f)) (go (f)) (f)`:                                                                  "budget",
		`(defn f [] (+ 1 (f))) (<! (go (f)))`:                                                           "budget",
		`(defn f [s] (f (concat s s))) (try (<! (go (f "x"))) (catch e 1))`:                             "budget",
		`(defn f [] (println "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx") (f)) (go (f)) (while true 1)`: "budget",
		`(defn f [] (go (f)) (f)) (f)`:                                                                  "value",
		`(defn f [] (<! (go (f)))) (f)`:                                                                 "value",
		`(while true (<! (go 1)))`:                                                                      "budget",
		`(make-chan 1000000000000)`:                                                                     "budget",
		`(make-chan 100000000000000000000)`:                                                             "budget",
		`(go (make-chan -1)) (<! (make-chan))`:                                                          "value",
		`(let [c (make-chan 100000)] (while true (send! c "x")))`:                                       "deadlock",
		"(<! (go " + strings.Repeat("(+ 1 ", 400) + "1" + strings.Repeat(")", 400) + "))":               "",
	} {
		th := NewThread(t.Context(), nil, Budget{Steps: 3_000_000, Depth: 20_000, Bytes: 32 << 20, Output: 1 << 16})
		th.OnPanic = func(reason any, stack []byte) { t.Errorf("%s: panic: %v\n%s", src, reason, stack) }
		_, err := th.Eval(base.Child(), "t", src)
		var e *Error
		kind := ""
		if errors.As(err, &e) {
			kind = e.Kind
		}
		if kind != want {
			t.Errorf("%s: %v, want kind %q", clip(src, 80), err, want)
		}
		if th.Steps() > 3_000_010 || th.Steps() < 1 {
			t.Errorf("%s: %d steps", clip(src, 80), th.Steps())
		}
	}
}

// TestExitInACoroutineEndsTheProgram, as in the program itself.
func TestExitInACoroutineEndsTheProgram(t *testing.T) {
	for _, src := range []string{`(go (exit 3)) (<! (make-chan))`, `(go (exit 3)) (while true 1)`, `(try (<! (go (exit 3))) (catch e 1))`} {
		_, _, err := run(t, NewBase(), src)
		var exit Exit
		if !errors.As(err, &exit) || exit.Code != 3 {
			t.Errorf("%s: %v", src, err)
		}
	}
}

// TestE15NothingIsLeftOfCoroutines however a program ends.
func TestE15NothingIsLeftOfCoroutines(t *testing.T) {
	base := NewBase()
	before := runtime.NumGoroutine()
	for _, src := range []string{
		`(go (while true 1)) 1`, `(map (fn [_] (go (<! (make-chan)))) (list-to-array (range 200))) 1`, `(go (while true 1)) (car 5)`,
		`(go (go (go (while true 1)))) (exit 1)`, `(defn f [] (f)) (go (f)) (f)`, `(<! (make-chan))`,
		`(go (try (while true 1) (finally (while true 1)))) (<! (go 1))`,
	} {
		for range 20 {
			_, _ = NewThread(t.Context(), nil, Budget{Steps: 200_000, Bytes: 16 << 20, Depth: 1000}).Eval(base.Child(), "t", src)
		}
	}
	after := runtime.NumGoroutine()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for range 200 { // the last instructions of a goroutine come after its end is told
		if after = runtime.NumGoroutine(); after <= before {
			break
		}
		<-ticker.C
	}
	if after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

// TestE16WaitingCoroutinesEndWithTheirContext at once, whatever they wait for, with none left and the reason told.
func TestE16WaitingCoroutinesEndWithTheirContext(t *testing.T) {
	for _, src := range []string{
		`(<! (go (<! (make-chan)) (pause)))`, `(let [c (make-chan)] (go (pause)) (<! c))`, `(pause)`,
		`(let [c (make-chan)] (go (pause) (send! c 1)) (try (<! c) (catch e 5)) (pause))`,
		`(map (fn [_] (go (pause))) (list-to-array (range 100))) (select! (make-chan) (make-chan))`,
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			start := time.Now()
			_, err := NewThread(ctx, nil, Budget{}).Eval(NewBase(pausing(time.Hour)).Child(), "t", src)
			var e *Error
			if took := time.Since(start); !errors.As(err, &e) || e.Kind != "timeout" && e.Kind != "deadlock" || took > time.Minute+100*time.Millisecond {
				t.Errorf("%s: %v after %v", src, err, took)
			}
		})
	}
}

// pausing has a primitive that waits outside of the program.
func pausing(d time.Duration) []Prim {
	return []Prim{{Name: "pause", Doc: "Waits.", Fn: func(t *Thread, _ []Value) (Value, error) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		ctx := t.Context()
		t.Wait(func() {
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		})
		return Nil, ctx.Err()
	}}}
}

// TestWaitingHoldsNobodyUp: what waits outside of the program does so beside the others, in any number.
func TestWaitingHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rests, running := 0, true
		th := NewThread(t.Context(), nil, testBudget)
		th.OnRest = func() {
			if rests++; !running {
				t.Error("it rests twice")
			}
			running = false
		}
		th.OnResume = func() {
			if running {
				t.Error("it resumes twice")
			}
			running = true
		}
		start := time.Now()
		v, err := th.Eval(NewBase(pausing(time.Second)).Child(), "t", `(len (map #(<! %) (map (fn [_] (go (pause) 1)) (list-to-array (range 200)))))`)
		if took := time.Since(start); err != nil || v.n != 200 || took != time.Second {
			t.Errorf("%s %v after %v", Print(v), err, took)
		}
		if rests == 0 || !running {
			t.Errorf("rested %d times", rests)
		}
	})
}

// TestManyProgramsWithCoroutines at once share nothing (run with -race).
func TestManyProgramsWithCoroutines(t *testing.T) {
	base := NewBase()
	results := make(chan string)
	const programs = 30
	for i := range programs {
		go func() {
			v, err := NewThread(t.Context(), nil, testBudget).Eval(base.Child(), "t", fmt.Sprintf(`
				(def c (make-chan)) (def h {}) (def all [])
				(foreach (fn [k] (go (foreach (fn [x] (hset! h [k x] nil) (set! all (append all x)) (send! c (* k x))) (list-to-array (range 20))))) [1 2 3 %d])
				(foldl (fn [_ sum] (+ sum (<! c))) 0 (range 80))`, i))
			results <- Print(v) + fmt.Sprint(err)
		}()
	}
	seen := map[string]bool{}
	for range programs {
		seen[<-results] = true
	}
	if len(seen) != programs && len(seen) != 1 {
		t.Errorf("%d different results", len(seen))
	}
}
