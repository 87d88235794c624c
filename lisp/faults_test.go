package lisp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
)

// The faults that a script can provoke, E01 to E33, each with a test of its name:
//
//	here      E01 to E16, E19 to E21, E23, E25 to E27, E30, E31 (more of E15 and E16 in task_test.go, of E21 in include_test.go)
//	builtins  E17, E18, E22, E24, E28, E29, E32, E33 (what takes an engine, a caller or the machine)
//	E34       is about a worker process, which there is none of
//
// E30 is in the files hostile_test.go (sizes beyond memory, what contains itself) and safety_test.go (combinations of odd values);
// E31 runs the laws of the fuzz targets on programs of chance, beside what fuzzing itself finds.

// heapBytes is what has been allocated so far.
func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// endsIn holds a program to the kind of its error ("" for a value), and to time and memory: it must end soon, and must not
// take more than a small multiple of its budget.
func endsIn(t *testing.T, kind, src string) *Error {
	t.Helper()
	budget := Budget{Steps: 5_000_000, Depth: 2_000, Bytes: 32 << 20, Output: 1 << 20}
	th := NewThread(t.Context(), nil, budget)
	th.OnPanic = func(reason any, stack []byte) { t.Errorf("%s: panic: %v\n%s", clip(src, 80), reason, stack) }
	before, began := heapBytes(), time.Now()
	_, err := th.Eval(NewBase().Child(), "t", src)
	took, taken := time.Since(began), int64(heapBytes()-before)
	var e *Error
	got := ""
	if errors.As(err, &e) {
		got = e.Kind
		_ = e.Render()
	}
	if got != kind {
		t.Errorf("%s: %v, want kind %q", clip(src, 80), err, kind)
	}
	if took > 10*time.Second { // a fraction of a second when nothing else runs
		t.Errorf("%s: took %v", clip(src, 80), took)
	}
	if taken > 6*budget.Bytes {
		t.Errorf("%s: took %d MiB, the budget has %d", clip(src, 80), taken>>20, budget.Bytes>>20)
	}
	return e
}

func TestE01ATailLoopEnds(t *testing.T) { endsIn(t, "budget", `(defn f [n] (f (+ n 1))) (f 0)`) }

func TestE02RecursionEnds(t *testing.T) {
	if e := endsIn(t, "budget", `(defn f [n] (+ 1 (f (+ n 1)))) (f 0)`); e != nil && !strings.Contains(e.Msg, "nested") {
		t.Errorf("says %q", e.Msg)
	}
}

func TestE03RecursionThroughCallbacksEnds(t *testing.T) {
	for _, src := range []string{
		`(defn f [n] (map g [n])) (defn g [n] (foldl (fn [e a] (f e)) 0 [n])) (f 0)`,
		`(defn f [n] (sort (fn [a b] (f n) true) [1 2])) (f 0)`, `(defn f [] (apply apply [f []])) (f)`,
		`(defn f [x] ((compose f core/id) x) 1) (f 1)`, `(defn f [] (+ 1 (eval '(f)))) (f)`, `(defn f [x] (filter f [x])) (f 1)`,
		`(defn f [x] (index-of f [x])) (f 1)`, `(defn f [x] (realize (map f (stream [x])))) (f 1)`, `(defn f [x] (group-by f [x])) (f 1)`,
		`(defn f [x] (uniq f [x])) (f 1)`, `(defn f [x] (flatmap f [x])) (f 1)`, `(defn f [x] ((partial f) x) 1) (f 1)`, `(defn f [x] (sort-by f [x x])) (f 1)`,
		`(defn f [x] ((currying f 1) x) 1) (f 1)`, `(defn f [x] (foreach f [x])) (f 1)`, `(defn f [x] (<! (go (f x)))) (try (f 1) (catch e (while true 1)))`,
	} {
		endsIn(t, "budget", src)
	}
}

func TestE04AHugeStringIsRefusedBeforeItIsMade(t *testing.T) {
	for _, src := range []string{`(regexp/replace ".*" (str/repeat "a" 30000) (str/repeat "$0" 30000))`, `(str/repeat "x" 10000000000)`, `(str/repeat "x" 100000000000000000000000)`, `(str/pad-left "x" 10000000000)`, `(str/pad-right "x" 10000000000)`,
		`(str/mask (str/repeat "a" 1000000) 0 -1 (str/repeat "m" 1000000))`, `(str/join (make-array 100000 (str/repeat "x" 1000)) "")`, `(str/replace (str/repeat "a" 100000) "a" (str/repeat "b" 100000))`,
		`(regexp/replace "a" (str/repeat "a" 100000) (str/repeat "b" 100000))`, `(regexp/replace "(a*)" (str/repeat "a" 30000) (str/repeat "$1" 30000))`} {
		endsIn(t, "budget", src)
	}
}

func TestE05DoublingEnds(t *testing.T) {
	endsIn(t, "budget", `(defn f [s] (f (concat s s))) (f "x")`)
	endsIn(t, "budget", `(defn f [s] (f (concat s s))) (f [1])`)
	endsIn(t, "budget", `(defn f [s] (f (sprintf "%s%s" s s))) (f "x")`)
	endsIn(t, "budget", `(defn f [s] (f (str/join [s s] ""))) (f "x")`)
	endsIn(t, "budget", `(defn f [s] (f (string [s s]))) (f "x")`)
	endsIn(t, "budget", `(defn f [s] (f (list s s)) ) (f 1)`)
	endsIn(t, "budget", `(defn f [h n] (f (merge h {n h}) (+ n 1))) (f {} 0)`)
}

func TestE06AHugeShiftIsRefused(t *testing.T) {
	endsIn(t, "budget", `(sla 1 100000000000)`)
	endsIn(t, "budget", `(sla 1 100000000000000000000000)`)
	endsIn(t, "budget", `(pow 3 100000000)`)
}

func TestE07SquaringIsPaidFor(t *testing.T) {
	endsIn(t, "budget", `(defn f [n] (f (* n n))) (f 3)`)
	endsIn(t, "budget", `(defn f [n] (* n n) (f n)) (f (pow 3 300000))`)
	endsIn(t, "budget", `(defn f [n] (string n) (f n)) (f (pow 3 300000))`)
	endsIn(t, "budget", `(defn f [n] (json/stringify n) (f n)) (f (pow 3 300000))`)
	endsIn(t, "budget", `(defn f [n] (sprintf "%d" n) (f n)) (f (pow 3 300000))`)
	endsIn(t, "budget", `(defn f [n] (mod n 12345678901234567890) (quot n 7) (f n)) (f (pow 3 300000))`)
}

func TestE08HugeContainersAreRefusedBeforeTheyAreMade(t *testing.T) {
	endsIn(t, "budget", `(make-array 10000000000)`)
	endsIn(t, "budget", `(make-chan 1000000000000)`)
	endsIn(t, "budget", `(make-chan 1000000000000000000000000000)`)
	endsIn(t, "budget", `(list-to-array (range 10000000000))`)
}

func TestE09NegativeSizesAreArgumentErrors(t *testing.T) {
	for _, src := range []string{`(make-chan -1)`, `(make-array -1)`, `(str/repeat "x" -1)`, `(make-chan -100000000000000000000)`, `(sla 1 -1)`} {
		endsIn(t, "value", src)
	}
}

func TestE10AnInfiniteStreamEnds(t *testing.T) {
	for _, src := range []string{`(realize (range))`, `(len (realize (map #(* % %) (range))))`, `(car (realize (filter nil? (range))))`, `(index-of -1 (range))`, `(foldl + 0 (range))`,
		`(json/stringify (range))`, `(reverse (range))`, `(uniq (map #(mod % 3) (range)))`, `(realize (uniq (map #(mod % 3) (range))))`, `(list-to-array (range))`, `(apply + (range))`,
		`(nth 10000000000 (range))`, `(realize (zip (range) (range)))`, `(realize (partition 2 (range)))`, `(drop (fn [_] true) (range))`, `(realize (drop (fn [_] true) (range)))`, "`(~@(range))",
		`(exist? (range) -1)`, `(any? nil? (range))`, `(all? int? (range))`, `(foreach core/id (range))`, `(str/join (range) "")`, `(last (range))`, `(sort (range))`, `(flatten (range))`} {
		e := endsInSome(t, src, "budget", "type", "")
		_ = e
	}
}

// endsInSome is endsIn with several kinds that will do.
func endsInSome(t *testing.T, src string, kinds ...string) *Error {
	t.Helper()
	th := NewThread(t.Context(), nil, Budget{Steps: 5_000_000, Depth: 2_000, Bytes: 32 << 20, Output: 1 << 20})
	th.OnPanic = func(reason any, stack []byte) { t.Errorf("%s: panic: %v\n%s", clip(src, 80), reason, stack) }
	runtime.LockOSThread() // what it computes counts, and not what others do on this machine
	defer runtime.UnlockOSThread()
	began := threadTime()
	_, err := th.Eval(NewBase().Child(), "t", src)
	if took := threadTime() - began; took > 10*time.Second {
		t.Errorf("%s: took %v", clip(src, 80), took)
	}
	var e *Error
	got := ""
	if errors.As(err, &e) {
		got = e.Kind
	}
	for _, kind := range kinds {
		if got == kind {
			return e
		}
	}
	t.Errorf("%s: %v, want one of %q", clip(src, 80), err, kinds)
	return e
}

func TestE11DeepTextsAreRefusedAtOnce(t *testing.T) {
	for _, piece := range []string{"(", "[", "{", "'", "`", "#", "~", "#(", "#'", "~@", "'(", "{1 ", "(begin "} {
		endsIn(t, "syntax", strings.Repeat(piece, 1_000_000))
	}
	endsIn(t, "syntax", strings.Repeat("'", 3_000_000))
}

func TestE12NestedFormsAreRefused(t *testing.T) {
	endsIn(t, "syntax", strings.Repeat("(begin ", 200_000)+strings.Repeat(")", 200_000))
	endsInSome(t, `(defn f [n x] (if (= n 0) x (f (- n 1) (list 'begin x)))) (eval (f 200000 1))`, "syntax", "budget")
	endsInSome(t, `(defn f [n x] (if (= n 0) x (f (- n 1) (list 'quote x)))) (eval (f 200000 1))`, "syntax", "budget", "value")
	endsInSome(t, "(defmac m [n] (if (= n 0) 1 (list 'begin (list 'm (- n 1))))) (m 100000)", "syntax", "budget")
	endsInSome(t, "(defmac m [n] (if (= n 0) 1 (list 'fn [] (list 'm (- n 1))))) (m 100000)", "syntax", "budget")
}

func TestE13WhatContainsItself(t *testing.T) {
	const cyclic = `(def a [1]) (aset! a 0 a) (def b [1]) (aset! b 0 b) (def h {}) (hset! h "h" h) (def g {}) (hset! g "h" g) `
	for src, kind := range map[string]string{
		`(sexp-str a)`: "", `(string h)`: "", `(println a h)`: "", `(pretty [a h])`: "", `(sprintf "%v %s" a h)`: "", `(raise a)`: "raised", `(raise h)`: "raised",
		`(= a b)`: "value", `(= h g)`: "value", `(= a a)`: "", `(< a b)`: "value", `(sort [a b])`: "value", `(max a b)`: "value", `(exist? [a] b)`: "value",
		`(json/stringify a)`: "value", `(json/stringify h)`: "value", `(json/query h "h.h.h")`: "", `(json/query h "#(a=1)")`: "", `(copy a)`: "value", `(copy h)`: "value", `(freeze a)`: "",
		`(freeze h)`: "", `(eval a)`: "syntax", `(eval (list 'car a))`: "syntax", `(flatten a)`: "", `(csv/format [[a]])`: "value", `(uniq [a b])`: "value", `(hash a 1)`: "type", `(list/complement [a] [b])`: "value",
		`(car a)`: "", `(map #(len %) [a h])`: "", `(merge h g)`: "", `(error-message (error h))`: "", `(assert false a)`: "assertion", `(car (car h))`: "", `(case a b 1 2)`: "value",
		`(type h)`: "", `(index-of b [a])`: "value", `(json/set h "h.h" 1)`: "", `(json/q h)`: "value", `(hget {} h)`: "type", `(hget {"a" 1} a)`: "type", `(let [c (make-chan 1)] (send! c a) (= (<! c) a))`: "",
		`(str/join a "")`: "type", `(concat a b)`: "", `(defmac m [] a) (m)`: "syntax", "`(~a ~@a)": "", `(not= a b)`: "value", `(list-to-array h)`: "",
	} {
		kinds := []string{kind}
		if kind == "value" { // a shortcut may see at once that they differ
			kinds = append(kinds, "", "type")
		}
		endsInSome(t, cyclic+src, kinds...)
	}
}

// What is nested a million levels deep (a fiftieth of it unless SUPERVISORD_FULL is set) fits into the budget, and must exhaust no Go stack: printing cuts it, and whatever else walks
// it to its end gives a value or an error.
func TestE13WhatIsNestedVeryDeep(t *testing.T) {
	levels := 20_000
	if os.Getenv("SUPERVISORD_FULL") != "" {
		levels = 1_000_000
	}
	deep := fmt.Sprintf("(defn f [n x] (if (= n 0) x (f (- n 1) %%s))) (def a (f %d 1)) (def b (f %[1]d 1)) ", levels)
	for _, wrapped := range []string{`(list x)`, `[x]`, `{"k" x}`, `(cons 1 (list x))`, "`[~x]"} {
		for _, use := range []string{`(string a)`, `(sexp-str a)`, `(pretty a)`, `(sprintf "%v" a)`} {
			th := NewThread(t.Context(), nil, Budget{Steps: 200_000_000, Bytes: 1 << 30})
			v, err := th.Eval(NewBase().Child(), "t", fmt.Sprintf(deep, wrapped)+use)
			text := Print(v)
			if err != nil || !strings.Contains(text, "…") || len(text) > 16*maxPrintDepth*maxPrintDepth {
				t.Errorf("%s of %s: %d bytes, %v", use, wrapped, len(text), err)
			}
		}
	}
	for _, wrapped := range []string{`(list x)`, `[x]`, `{"k" x}`} {
		for _, use := range []string{`(json/stringify a)`, `(= a b)`, `(copy a)`, `(freeze a)`, `(flatten a)`, `(raise a)`, `(try (hash a 1) (catch e 1))`, `(uniq [a b])`, `(sort [a b])`, `(eval a)`} {
			th := NewThread(t.Context(), nil, Budget{Steps: 200_000_000, Bytes: 1 << 30})
			th.OnPanic = func(reason any, stack []byte) { t.Errorf("%s of %s: panic: %v", use, wrapped, reason) }
			_, err := th.Eval(NewBase().Child(), "t", fmt.Sprintf(deep, wrapped)+use)
			var e *Error
			if err != nil && !errors.As(err, &e) {
				t.Errorf("%s of %s: an error of type %T", use, wrapped, err)
			}
		}
	}
}

func TestE14APanicInACoroutineIsAnError(t *testing.T) {
	endsIn(t, "value", `(go (make-chan -1)) (<! (make-chan))`)
	base := NewBase([]Prim{{Name: "boom", Doc: "Panics.", Fn: func(*Thread, []Value) (Value, error) { panic("ouch") }}})
	told := 0
	th := NewThread(t.Context(), nil, testBudget)
	th.OnPanic = func(any, []byte) { told++ }
	_, err := th.Eval(base.Child(), "t", `(go (boom)) (<! (go 1))`)
	if err == nil || !strings.Contains(err.Error(), "internal error: ouch") || told != 1 {
		t.Errorf("%v, told %d times", err, told)
	}
}

func TestE16WaitingForNothingIsADeadlock(t *testing.T) {
	endsIn(t, "deadlock", `(<! (make-chan))`)
	endsIn(t, "deadlock", `(send! (make-chan) 1)`)
	endsIn(t, "deadlock", `(def a (make-chan)) (def b (make-chan)) (go (<! a) (send! b 1)) (<! b) (send! a 1)`)
}

func TestE19OutputIsBounded(t *testing.T) {
	var out strings.Builder
	_, err := NewThread(t.Context(), &out, Budget{Output: 1 << 20, Bytes: 1 << 30}).Eval(NewBase().Child(), "t", `(defn f [] (printf "%s" (str/repeat "x" 1000)) (f)) (f)`)
	var e *Error
	if !errors.As(err, &e) || e.Kind != "budget" || out.Len() != 1<<20 {
		t.Errorf("%v after %d bytes", err, out.Len())
	}
	endsInSome(t, `(printf "%1000000000d" 1)`, "value", "budget")
	endsInSome(t, `(printf "%.1000000000f" 1.5)`, "value", "budget")
}

func TestE20PatternsAreBounded(t *testing.T) {
	for _, src := range []string{`(regexp/match (str/repeat "(a*)*" 1000) "a")`, `(regexp/match "((a{1,100}){1,100}){1,100}" "a")`, `(regexp/match "(a?){900}b" (str/repeat "a" 1000000))`,
		`(regexp/find-all "(a|b)*c" (str/repeat "ab" 1000000))`, `(regexp/replace (str/repeat "()" 300) (str/repeat "a" 20000) "")`, `(defmac "((a{1,100}){1,100}){1,100}" [n] 1)`,
		`(regexp/split "" (str/repeat "a" 10000000))`, `(defn f [n] (regexp/compile (string n)) (f (+ n 1))) (f 0)`} {
		endsInSome(t, src, "value", "budget", "too-large", "syntax", "")
	}
}

func TestE21ExpansionIsBoundedAndHasNoEffects(t *testing.T) {
	endsInSome(t, `(defmac m [] '(m)) (m)`, "syntax", "budget")
	endsIn(t, "budget", "(defmac m [& x] `(m ~@x ~@x)) (m 1)")
	endsIn(t, "budget", `(defmac m [] (while true 1)) (m)`)
	endsInSome(t, "(defmac m [n] `(begin (m ~(+ n 1)) (m ~(+ n 1)))) (m 0)", "syntax", "budget")
	endsIn(t, "budget", "(defmac m [n] (if (= n 0) 1 `(list ~@(map (fn [_] (list 'm (- n 1))) (list-to-array (range 100)))))) (m 4)")
}

func TestE23RedefinitionsStayInTheirEvaluation(t *testing.T) {
	base := NewBase()
	for _, src := range []string{`(def + -)`, `(override + (fn [a b] 7))`, `(alias car cdr)`, `(defmac when [& x] 1)`, `(set! car cdr)`, `(defn len [x] 1)`, `(def json/stringify car)`, `(defmac "^str" [n & x] 1)`} {
		if _, _, err := run(t, base, src); err != nil {
			t.Errorf("%s: %v", src, err)
		}
	}
	v, _, err := run(t, base, `[(+ 1 2) (car [1]) (when true 5) (len [1 2]) (str/upper "a") (json/stringify 1) (map + [1])]`)
	if got := Print(v); err != nil || got != `[3 1 5 2 "A" "1" [1]]` {
		t.Errorf("%s %v", got, err)
	}
}

func TestE25SymbolsAreFreedWithTheirEvaluation(t *testing.T) {
	base := NewBase()
	flood := func() {
		_, err := NewThread(t.Context(), nil, Budget{Steps: 50_000_000, Bytes: 256 << 20}).Eval(base.Child(), "t", `(defn f [n] (when (> n 0) (symbol (string n)) (read (sprintf "(a%d b%d)" n n)) (gensym) (f (- n 1)))) (f 30000)`)
		if err != nil {
			t.Fatal(err)
		}
	}
	live := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	flood()
	before := live()
	for range 5 {
		flood()
	}
	if after := live(); after > before+8<<20 {
		t.Errorf("%d KiB before, %d KiB after", before>>10, after>>10)
	}
	if len(base.base.symbols) > 1000 {
		t.Errorf("the base has %d symbols", len(base.base.symbols))
	}
}

func TestE26KeysThatCollideStaySlowNowhere(t *testing.T) {
	// Integers that lie a power of two apart, and strings that collide under common hashes without a seed.
	for _, src := range []string{
		`(defn f [n h] (if (= n 0) (len h) (f (- n 1) (hset! h (* n 4294967296) n)))) (f 100000 {})`,
		`(defn f [n h] (if (= n 0) (len h) (f (- n 1) (hset! h (* n 65536) n)))) (f 100000 {})`,
		`(defn f [n h] (if (= n 0) (len h) (f (- n 1) (hset! h (str/join (map #(if (= 0 (bit-and n (sla 1 %))) "Aa" "BB") (list-to-array (range 16))) "") n)))) (f 20000 {})`,
	} {
		began := time.Now()
		if _, _, err := run(t, NewBase(), src); err != nil {
			t.Errorf("%s: %v", src, err)
		}
		if took := time.Since(began); took > time.Minute { // for ever is meant: the machine may be busy, and with -race a pattern takes ten times as long // some tenths of a second
			t.Errorf("%s: %v", src, took)
		}
	}
}

func TestE27NumbersAtTheirLimits(t *testing.T) {
	outcomes(t, [][2]string{
		{`(hash (/ 0.0 0.0) 1)`, "ERR"}, {`(= (- 0.0) 0.0)`, "true"}, {`(/ 1 (- 0.0))`, "-Inf"}, {`(int 1e300)`, Print(mustBig(t, 1e300))}, {`(int (/ 1.0 0.0))`, "ERR"}, {`(int (- (/ 1.0 0.0) (/ 1.0 0.0)))`, "ERR"},
		{`(round 1e300)`, Print(mustBig(t, 1e300))}, {`(round (/ 1.0 0.0))`, "ERR"}, {`(+ 9223372036854775807 1)`, "9223372036854775808"}, {`(- -9223372036854775808 1)`, "-9223372036854775809"},
		{`(* 4294967296 4294967296)`, "18446744073709551616"}, {`(- -9223372036854775808)`, "9223372036854775808"}, {`(/ -9223372036854775808 -1)`, "9223372036854775808"}, {`(quot -9223372036854775808 -1)`, "9223372036854775808"},
		{`(mod -9223372036854775808 -1)`, "0"}, {`(aget [1] 18446744073709551616)`, "ERR"}, {`(slice "abc" 0 18446744073709551616)`, `"abc"`}, {`(char 4294967393)`, "ERR"}, {`(char -1)`, "ERR"}, {`(exit 4294967296)`, "ERR"},
		{`(nth 18446744073709551616 [1])`, "()"}, {`(take 18446744073709551616 [1 2])`, "[1 2]"}, {`(bit-and 18446744073709551617 1)`, "1"}, {`(sra -1 18446744073709551616)`, "-1"}, {`(time/parse 9223372036854775807)`, "ERR"},
		{`(= 9007199254740993 9007199254740992.0)`, "false"}, {`(< 9007199254740992.0 9007199254740993)`, "true"}, {`(json/stringify (/ 1.0 0.0))`, "ERR"}, {`(sort [(- (/ 1.0 0.0) (/ 1.0 0.0)) 1])`, "ERR"},
		{`(hget {9223372036854775808 "big"} (+ 9223372036854775807 1))`, `"big"`}, {`(rand 9223372036854775808)`, "ERR"}, {`(make-array 2.5)`, "ERR"}, {`(time/add (time/parse 0) 9223372036854775807 'year)`, "ERR"},
	})
}

func mustBig(t *testing.T, f float64) Value {
	t.Helper()
	if math.IsInf(f, 0) {
		t.Fatal("no integer")
	}
	v, err := Read("", fmt.Sprintf("%.0f", f))
	if err != nil {
		t.Fatal(err)
	}
	return v[0]
}

func TestE31ProgramsOfChance(t *testing.T) {
	base := NewBase()
	r := newChance(31)
	programs := 5000
	for range programs {
		src := r.program(base)
		forms, err := Read("t", src)
		if err == nil {
			for _, form := range forms {
				again, err := Read("t", Print(form))
				if err != nil || len(again) != 1 || Print(again[0]) != Print(form) {
					t.Errorf("%q does not read back: %v", Print(form), err)
				}
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		th := NewThread(ctx, nil, Budget{Steps: 50_000, Depth: 200, Bytes: 4 << 20, Output: 1 << 16})
		th.OnPanic = func(reason any, stack []byte) { t.Errorf("%s: panic: %v\n%s", src, reason, stack) }
		_, err = th.Eval(base.Child(), "t", src)
		if ctx.Err() != nil {
			t.Errorf("%s does not end", src)
		}
		var e *Error
		var exit Exit
		if err != nil && !errors.As(err, &e) && !errors.As(err, &exit) {
			t.Errorf("%s: an error of type %T", src, err)
		}
		if e != nil && (e.Pos.Line == 0 || e.Msg == "") {
			t.Errorf("%s: an error without place or message: %+v", src, e)
		}
		cancel()
	}
}
