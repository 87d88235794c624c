package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/lisp"
)

// growing is work whose time per element should not depend on how many elements there are.
type growing struct {
	name   string
	before string // is evaluated once, with n bound to the number of elements
	run    string // is measured
}

var growths = []growing{
	{"list made with cons", "", "(defn loop [i l] (if (= i 0) l (loop (- i 1) (cons i l)))) (loop n nil)"},
	{"list walked with cdr", "(def l (realize (range n)))", "(defn loop [l c] (if (nil? l) c (loop (cdr l) (+ c 1)))) (loop l 0)"},
	{"list mapped and folded", "(def l (realize (range n)))", "(foldl + 0 (map #(+ % 1) l))"},
	{"array appended to", "", "(defn loop [i a] (if (= i 0) a (loop (- i 1) (append a i)))) (loop n [])"},
	{"array folded into another", "(def xs (list-to-array (range n)))", "(foldl #(append %2 %1) [] xs)"},
	{"array read by index", "(def a (list-to-array (range n)))", "(defn loop [i s] (if (= i n) s (loop (+ i 1) (+ s (aget a i))))) (loop 0 0)"},
	{"array changed by index", "(def a (make-array n))", "(defn loop [i] (if (= i n) nil (begin (aset! a i i) (loop (+ i 1))))) (loop 0)"},
	{"array filtered, mapped, folded", "(def a (list-to-array (range n)))", "(foldl + 0 (map #(* % 2) (filter #(= 0 (mod % 2)) a)))"},
	{"array sorted (per element and halving)", "(def a (map #(mod (* % 7919) 1000003) (list-to-array (range n))))", "(sort a)"},
	{"hash filled with integers", "", "(defn loop [i h] (if (= i n) h (begin (hset! h (* i 7) i) (loop (+ i 1) h)))) (loop 0 {})"},
	{"hash of integers read", "(def h {}) (map #(hset! h (* % 7) %) (list-to-array (range n)))", "(defn loop [i s] (if (= i n) s (loop (+ i 1) (+ s (hget h (* i 7)))))) (loop 0 0)"},
	{"hash of texts filled", "(def ks (map #(concat \"key\" (string %)) (list-to-array (range n))))", "(defn loop [i h] (if (= i n) h (begin (hset! h (aget ks i) i) (loop (+ i 1) h)))) (loop 0 {})"},
	{"hash emptied", "", "(defn fill [i h] (if (= i n) h (begin (hset! h i i) (fill (+ i 1) h)))) (defn loop [i h] (if (= i n) h (begin (hdel! h i) (loop (+ i 1) h)))) (loop 0 (fill 0 {}))"},
	{"text appended to", "", "(defn loop [i s] (if (= i 0) s (loop (- i 1) (concat s \"x\")))) (len (loop n \"\"))"},
	{"text read by index", "(def s (str/repeat \"abcdefghij\" (int (/ n 10))))", "(defn loop [i c] (if (= i n) c (loop (+ i 1) (if (= (sget s i) #a) (+ c 1) c)))) (loop 0 0)"},
	{"text of wide characters read by index", "(def s (str/repeat \"äöü日本\" (int (/ n 5))))", "(defn loop [i c] (if (= i n) c (loop (+ i 1) (if (= (sget s i) #ä) (+ c 1) c)))) (loop 0 0)"},
	{"text split and joined", "(def s (str/repeat \"a,\" n))", "(len (str/join (str/split s \",\") \";\"))"},
	{"JSON written and read", "(def a (list-to-array (range n)))", "(len (json/parse (json/stringify a)))"},
	{"value printed and read", "(def a (list-to-array (range n)))", "(len (read (sexp-str a)))"},
}

// growth prints the time per element from a thousand to a million elements, and per byte of source texts from 5 kB to
// 5 MB. It fails when a time grows by more than most times: caches make it grow some, a hidden loop a thousandfold.
func growth(rounds int, only func(string) bool, most float64) error {
	sizes := []int{1000, 10_000, 100_000, 1_000_000}
	fmt.Printf("%-42s", "nanoseconds per element, elements:")
	for _, n := range sizes {
		fmt.Printf(" %9d", n)
	}
	fmt.Printf(" %8s\n", "growth")
	bad := 0
	line := func(name string, per []float64) {
		times := per[len(per)-1] / min(per[0], per[1])
		fmt.Printf("%-42s", name)
		for _, ns := range per {
			fmt.Printf(" %9.1f", ns)
		}
		verdict := ""
		if times > most {
			verdict = "  TOO MUCH"
			bad++
		}
		fmt.Printf(" %7.1fx%s\n", times, verdict)
	}
	for _, g := range growths {
		if !only(g.name) {
			continue
		}
		var per []float64
		for _, n := range sizes {
			ns, err := measureGrowth(g, n, rounds)
			if err != nil {
				return fmt.Errorf("%s with %d elements: %w", g.name, n, err)
			}
			if strings.Contains(g.name, "halving") {
				ns /= math.Log2(float64(n))
			}
			per = append(per, ns)
		}
		line(g.name, per)
	}
	for _, source := range []struct{ name, piece string }{
		{"source of functions, read and compiled (per byte)", "(defn f%d [a b] (when (> a b) (let [c [a {\"k\" %[1]d}]] (-> a (+ b) (* 3)))))\n"},
		{"source of one list of data, read (per byte)", "(item%d \"text\" [1 2.5 #a] {\"k\" nil}) "},
		{"source of one long function (per byte)", "(println \"line\" %d)\n"},
	} {
		if !only(source.name) {
			continue
		}
		var per []float64
		for _, size := range []int{5_000, 50_000, 500_000, 5_000_000} {
			ns, err := measureSource(source.name, source.piece, size, rounds)
			if err != nil {
				return fmt.Errorf("%s of %d bytes: %w", source.name, size, err)
			}
			per = append(per, ns)
		}
		line(source.name, per)
	}
	if bad > 0 {
		return fmt.Errorf("%d figures grow", bad)
	}
	return nil
}

func newThread() *lisp.Thread { return lisp.NewThread(context.Background(), nil, budget) }

func measureGrowth(g growing, n, rounds int) (float64, error) {
	env := base.Child()
	env.Define("n", lisp.Int(int64(n)))
	if _, err := newThread().Eval(env, "before", g.before); err != nil {
		return 0, err
	}
	return leastOf(rounds, n, func() error {
		_, err := newThread().Eval(env.Child(), "run", g.run)
		return err
	})
}

func measureSource(name, piece string, size, rounds int) (float64, error) {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, piece, i)
	}
	text := b.String()
	switch {
	case strings.Contains(name, "data"):
		text = "(def data '(" + text + "))"
	case strings.Contains(name, "long"):
		text = "(defn f []\n" + text + ")"
	}
	return leastOf(rounds, len(text), func() error {
		_, err := newThread().Eval(base.Child(), "source", text)
		return err
	})
}

// leastOf measures run, often enough for the clock, and gives the least time per unit.
func leastOf(rounds, units int, run func() error) (float64, error) {
	count := max(1, 20_000/units)
	best := math.Inf(1)
	for range rounds {
		runtime.GC()
		took, err := timed(run, count)
		if err != nil {
			return 0, err
		}
		best = min(best, float64(took)/float64(time.Nanosecond)/float64(count*units))
	}
	return best, nil
}
