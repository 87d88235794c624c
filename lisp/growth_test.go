package lisp

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// TestWorkGrowsLinearly counts, and measures no time: the steps that are charged and the bytes that are taken from Go, per
// element, are the same for a thousand elements and for a hundred thousand (a million with SUPERVISORD_FULL). What the
// clock says to that, scripts/bench-lisp.sh -growth shows.
func TestWorkGrowsLinearly(t *testing.T) {
	large := 100_000
	if os.Getenv("SUPERVISORD_FULL") != "" {
		large = 1_000_000
	}
	for _, c := range []struct{ name, before, run string }{
		{"cons", "", "(defn loop [i l] (if (= i 0) l (loop (- i 1) (cons i l)))) (loop n nil)"},
		{"cdr", "(def l (realize (range n)))", "(defn loop [l c] (if (nil? l) c (loop (cdr l) (+ c 1)))) (loop l 0)"},
		{"map and fold of a list", "(def l (realize (range n)))", "(foldl + 0 (map #(+ % 1) l))"},
		{"append to an array", "", "(defn loop [i a] (if (= i 0) a (loop (- i 1) (append a i)))) (loop n [])"},
		{"fold into an array", "(def l (list-to-array (range n)))", "(foldl #(append %2 %1) [] l)"},
		{"aset!", "(def a (make-array n))", "(defn loop [i] (if (= i n) nil (begin (aset! a i i) (loop (+ i 1))))) (loop 0)"},
		{"hset! of integers", "", "(defn loop [i h] (if (= i n) h (begin (hset! h i i) (loop (+ i 1) h)))) (loop 0 {})"},
		{"hset! of texts", "", "(defn loop [i h] (if (= i n) h (begin (hset! h (string i) i) (loop (+ i 1) h)))) (loop 0 {})"},
		{"hdel!", "", "(defn fill [i h] (if (= i n) h (begin (hset! h i i) (fill (+ i 1) h)))) (defn loop [i h] (if (= i n) h (begin (hdel! h i) (loop (+ i 1) h)))) (loop 0 (fill 0 {}))"},
		{"concat to a text", "", "(defn loop [i s] (if (= i 0) s (loop (- i 1) (concat s \"x\")))) (loop n \"\")"},
		{"sget", "(def s (str/repeat \"0123456789\" (int (/ n 10))))", "(defn loop [i] (if (= i n) nil (begin (sget s i) (loop (+ i 1))))) (loop 0)"},
		{"sget of wide characters", "(def s (str/repeat \"äöü日本\" (int (/ n 5))))", "(defn loop [i] (if (= i n) nil (begin (sget s i) (loop (+ i 1))))) (loop 0)"},
		{"split and join", "(def s (str/repeat \"a,\" n))", "(str/join (str/split s \",\") \";\")"},
		{"uniq of floats", "(def a (map #(/ % 7.0) (list-to-array (range n))))", "(uniq a)"},
		{"JSON", "(def a (list-to-array (range n)))", "(json/parse (json/stringify a))"},
	} {
		work := func(n int) growthOf {
			env := NewBase().Child()
			env.Define("n", Int(int64(n)))
			if _, err := NewThread(t.Context(), nil, Budget{}).Eval(env, "before", c.before); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			return spend(t, env, c.run, n)
		}
		work(1000).compare(t, c.name, work(large))
	}
}

// TestSourceIsReadAndCompiledInLinearTime: the same for source texts of 50 kB and 500 kB, and 5 MB with SUPERVISORD_FULL.
func TestSourceIsReadAndCompiledInLinearTime(t *testing.T) {
	large := 500_000
	if os.Getenv("SUPERVISORD_FULL") != "" {
		large = 5_000_000
	}
	for _, c := range []struct{ name, before, piece, after string }{
		{"functions", "", "(defn f%d [a b] (when (> a b) (let [c [a {\"k\" %[1]d}]] (-> a (+ b) (* 3)))))\n", ""},
		{"data", "(def data '(", "(item%d \"text\" [1 2.5 #a] {\"k\" nil}) ", "))"},
		{"one function", "(defn f []", "(println \"line\" %d)\n", ")"},
		{"comments", "", "; nothing %d\n", ""},
	} {
		work := func(size int) growthOf {
			var b strings.Builder
			b.WriteString(c.before)
			for i := 0; b.Len() < size; i++ {
				fmt.Fprintf(&b, c.piece, i)
			}
			b.WriteString(c.after)
			return spend(t, NewBase().Child(), b.String(), b.Len())
		}
		work(50_000).compare(t, c.name, work(large))
	}
}

// growthOf is what work takes per element.
type growthOf struct{ steps, bytes float64 }

func spend(t *testing.T, env *Env, src string, n int) growthOf {
	t.Helper()
	th := NewThread(t.Context(), nil, Budget{Steps: 1 << 60, Bytes: 1 << 60})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := th.Eval(env, "growth", src)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	return growthOf{float64(th.Steps()) / float64(n), float64(after.TotalAlloc-before.TotalAlloc) / float64(n)}
}

// compare fails when large takes clearly more per element than small: 16 bytes and a tenth of a step more are allowed for
// what does not depend on the number.
func (small growthOf) compare(t *testing.T, name string, large growthOf) {
	t.Helper()
	t.Logf("%-24s %8.2f then %8.2f steps, %8.1f then %8.1f bytes", name, small.steps, large.steps, small.bytes, large.bytes)
	if large.steps > 1.5*small.steps+0.1 {
		t.Errorf("%s: %.2f steps per element, with many %.2f", name, small.steps, large.steps)
	}
	if large.bytes > 2.5*small.bytes+16 {
		t.Errorf("%s: %.1f bytes per element, with many %.1f", name, small.bytes, large.bytes)
	}
}
