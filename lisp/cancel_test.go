package lisp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// watch is a context that measures how long an evaluation computes without looking at it: the longest time that a
// cancellation can go unnoticed, whenever it comes. It ends the evaluation when it has run for long enough.
type watch struct {
	context.Context
	enough time.Duration // how long the evaluation may run
	began  time.Duration
	last   time.Duration // the last look
	worst  time.Duration // the longest time between two looks
	where  string        // the calls under way at the end of that time
	ended  bool
}

func newWatch(enough time.Duration) *watch {
	now := threadTime()
	return &watch{Context: context.Background(), enough: enough, began: now, last: now}
}

// Err is looked at by the evaluation.
func (w *watch) Err() error {
	w.look()
	if w.last-w.began > w.enough {
		w.ended = true
	}
	if w.ended {
		return context.Canceled
	}
	return nil
}

// look notes the time since the last one.
func (w *watch) look() {
	now := threadTime()
	if gap := now - w.last; gap > w.worst {
		w.worst = gap
		if gap > time.Millisecond {
			w.where = callers()
		}
	}
	w.last = threadTime()
}

// callers names the functions of this package that are under way.
func callers() string {
	pcs := make([]uintptr, 30)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var names []string
	for {
		f, more := frames.Next()
		if name, ok := strings.CutPrefix(f.Function, "github.com/qjpcpu/supervisord/lisp."); ok && !strings.Contains(name, "watch") {
			names = append(names, fmt.Sprintf("%s:%d", strings.TrimPrefix(name, "(*Thread)."), f.Line))
		}
		if !more || len(names) == 8 {
			return strings.Join(names, " < ")
		}
	}
}

// large makes big data of every type: texts of about size bytes, collections of size/40 elements.
func large(size int) map[string]func() Value {
	n := size / 40
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	ints, texts, rows, pairs := make([]Value, n), make([]Value, n), make([]Value, n/4), make([]Value, n/4)
	for i := range n {
		ints[i] = Int(int64(i*7919) % int64(n+1))
		texts[i] = String(fmt.Sprint("text ", i*7919%(n+1)))
	}
	for i := range rows {
		h := NewHash()
		h.SetString("name", texts[i])
		h.SetString("n", ints[i])
		rows[i] = HashValue(h)
		pairs[i] = Array(ints[i], texts[i])
	}
	data := map[string]func() Value{
		"array":          func() Value { return Array(ints...) },
		"texts":          func() Value { return Array(texts...) },
		"rows":           func() Value { return Array(rows...) },
		"pairs":          func() Value { return Array(pairs...) },
		"long texts":     func() Value { s := String(fill("ab\"c ")); return Array(s, s) },
		"arrays":         func() Value { return Array(Array(ints...), Array(ints...)) },
		"list":           func() Value { return List(ints...) },
		"list of texts":  func() Value { return List(texts...) },
		"list of lists":  func() Value { return List(List(ints...), List(texts...)) },
		"bytes":          func() Value { return Bytes([]byte(fill("a,b\x00\n"))) },
		"bytes of JSON":  func() Value { return Bytes([]byte(`"` + fill(`abc\n`) + `"`)) },
		"symbol":         func() Value { return Sym(fill("name-")) },
		"error":          func() Value { return ErrorValue(&Error{Kind: "raised", Msg: fill("what ")}) },
		"hash of a text": func() Value { h := NewHash(); h.SetString("k", String(fill("long\n"))); return HashValue(h) },
		"hash": func() Value {
			h := NewHashSized(n)
			for i, v := range texts {
				_ = h.Set(v, ints[i])
			}
			return HashValue(h)
		},
		"record": func() Value {
			return Value{o: &record{class: &class{name: "P", fields: []field{{name: "name", typ: "string", init: Nil}}}, values: []Value{String(fill("r\n"))}}}
		},
	}
	for name, s := range map[string]string{
		"letters": fill("abcdefgh"), "rows of text": fill("ä,\"é b\",c d\n"), "code": "(" + fill("(foo 1 \"x\" [2 3.5] {k v} 'q) ") + ")", "broken": fill("\xff"), "blanks": fill(" "),
		"JSON": "[" + fill(`{"a":1,"b":"xyz\n","c":[true,null,2.5e3]},`) + "1]", "quoted": `"` + fill(`abc\n`) + `"`, "quoted plainly": `"` + fill(`abcd`) + `"`, "lines": fill("a line of text, and then its end\n"),
		"ends": fill("\n"), "digits": fill("1234567890"), "accents": fill("éèàü"), "comment": ";" + fill("abcd"), "format": fill("%d %s and so on %v "), "percent": fill("%"), "separators": fill(","), "quotes": fill(`""`),
		"base64 in lines": fill("abcdefg\n"), "hex": "0B" + fill("00ff"), "a short text": fill("ab,\n")[:size/8], "a short text that is broken": fill("\xff")[:size/8],
	} {
		data[name] = func() Value { return String(s) }
	}
	return data
}

// TestCancellationIsNoticedInEveryFunction calls every function of the language with big data in every place that takes it,
// and measures how long it computes without looking whether the evaluation was cancelled.
func TestCancellationIsNoticedInEveryFunction(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	goroutines := runtime.NumGoroutine()
	// A tenth of the data and of the time: what is promised is 100 ms for texts of 40 MB and collections of a million elements.
	size, limit, share := 4<<20, 10*time.Millisecond, 10*time.Millisecond
	if os.Getenv("SUPERVISORD_FULL") != "" {
		size, limit, share = 40<<20, 100*time.Millisecond, 300*time.Millisecond
	}
	if raceEnabled || runtime.GOOS != "linux" { // elsewhere other programs count too
		size, limit, share = 1<<18, 100*time.Millisecond, time.Millisecond
	}
	base := NewBase()
	one, _, _ := run(t, base, "(fn [x] x)")
	two, _, _ := run(t, base, "(fn [x y] x)")
	small := []Value{String(","), Int(1), Int(1 << 40), one, two, Nil, Sym("hash"), Char(','), String(""), Array(String("a"), Int(1)), True, HashValue(NewHash()), String("[a-z]+"), String("name"), String("%q")}
	make := large(size)
	data, again := map[string]Value{}, map[string]Value{}
	for kind, f := range make {
		data[kind], again[kind] = f(), f()
	}
	calls, worst := 0, time.Duration(0)
	for _, name := range base.Names("") {
		f, ok := base.Lookup(name)
		if !ok || f.Kind() != KindFunction || f.o.(*primitive).def.test1 != nil {
			continue
		}
		if only := os.Getenv("CANCEL_ONLY"); only != "" && only != name {
			continue
		}
		sig := f.o.(*primitive).sig
		var spent time.Duration // with one kind of data
		try := func(kind string, args ...Value) {
			if len(args) < sig.min || sig.max >= 0 && len(args) > sig.max || spent > share {
				return
			}
			for i, v := range args {
				if m := sig.at(i, len(args)).mask; m != 0 && m&(1<<v.Kind()) == 0 {
					return
				}
			}
			calls++
			var w *watch
			for range 10 { // other programs on this processor lengthen it too
				w = newWatch(3 * limit)
				th := NewThread(w, nil, Budget{Bytes: 16 * int64(size)})
				th.env = base.Child()
				v, err := th.Call(f, args...)
				if s, ok := v.o.(*stream); ok && err == nil {
					_, err = th.Call(native("realize", func(t *Thread, _ []Value) Value { t.realize(s); return Nil }))
				}
				var e *Error
				if w.ended && (!errors.As(err, &e) || e.Kind != "cancelled" && !e.hard) { // an exhausted budget looks too, when it is too late
					t.Errorf("%s of %s: cancelled, but it gives %v", name, kind, err)
				}
				w.look()
				if spent += w.last - w.began; w.worst <= limit {
					break
				}
			}
			if worst = max(worst, w.worst); w.worst > limit {
				t.Errorf("%s of %s in %d arguments (%s): computes %v without looking whether it is cancelled: %s", name, kind, len(args), clip(printShort(List(args...)), 200), w.worst, w.where)
			}
		}
		for kind := range data {
			spent = 0
			v, w := data[kind], again[kind]
			try(kind, v)
			try(kind, v, w)
			for i, s := range small {
				if s.Kind() == KindHash {
					s = HashValue(NewHash()) // the last one may have been filled
				}
				try(kind, v, s)
				try(kind, s, v)
				if i < 4 || i == 5 {
					try(kind, v, s, s)
					try(kind, s, v, s)
					try(kind, s, s, v)
					try(kind, v, s, w)
					try(kind, v, s, s, s)
				}
			}
			if name == "freeze" || spent > 0 && (strings.HasSuffix(name, "!") || strings.HasPrefix(name, "json/")) {
				data[kind], again[kind] = make[kind](), make[kind]()
			}
		}
	}
	t.Logf("%d calls; the longest time without a look was %v", calls, worst)
	if calls < 5000 && os.Getenv("CANCEL_ONLY") == "" {
		t.Errorf("only %d calls", calls)
	}
	noMoreGoroutines(t, goroutines)
}

// noMoreGoroutines fails unless there are as few as before, once those that have said their last word are gone.
func noMoreGoroutines(t *testing.T, before int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(end); {
		runtime.Gosched()
	}
	if now := runtime.NumGoroutine(); now > before {
		t.Errorf("%d goroutines before, %d after", before, now)
	}
}

// TestCancellationEndsAnEvaluation within 100 ms, in every kind of loop and on big data, and cannot be caught.
func TestCancellationEndsAnEvaluation(t *testing.T) {
	base := NewBase()
	goroutines := runtime.NumGoroutine()
	for _, src := range []string{
		"(print 1) (defn f [] (f)) (f)",
		"(print 1) (while true 1)",
		"(print 1) (realize (filter nil? (range)))",
		"(print 1) (defn f [] (try (f) (catch e (f))) (f)) (f)",
		"(print 1) (defn f [] (sort (map #(mod (* % 7919) 20011) (list-to-array (range 20000)))) (f)) (f)",
		"(def b (pow 3 300000)) (print 1) (defn f [] (mod b 7) (* b 3) (f)) (f)",
		`(print 1) (regexp/match "(a?){900}b" (str/repeat "a" 1000000))`,
		`(print 1) (regexp/find-all "a(.*x)?" (str/repeat "a" 1000000))`,
		`(print 1) (regexp/replace "a(.*x)?" (str/repeat "a" 1000000) "$1$1")`,
		`(defmac "(a?){900}b" [n] 1) (print 1) (eval (list (symbol (str/repeat "a" 1000000))))`,
		`(def s (str/repeat "ab" 100000)) (print 1) (defn f [] (str/count s "b") (regexp/find-all "(a|b)*c" s) (f)) (f)`,
		`(def s (str/repeat "a\"b," 10000000)) (print 1) (while true (sprintf "%q" s))`,
		`(def s (str/repeat "a\"b," 10000000)) (print 1) (while true (json/parse (json/stringify s)))`,
		`(def s (str/repeat "a\"b," 10000000)) (print 1) (while true (reverse s))`,
		`(def s (str/repeat "a\"b," 10000000)) (print 1) (while true (str/split s ","))`,
		`(def s (str/repeat "a\"b," 10000000)) (print 1) (while true (sexp-str [s s]))`,
		`(def a (list-to-array (range 1000000))) (print 1) (while true (= (sort #(> %1 %2) a) (copy a)))`,
		`(def h {}) (print 1) (foreach (fn [i] (hset! h (string i) i)) (range))`,
		`(print 1) (while true (try (go (<! (make-chan))) (catch e 1)))`, // there are no more than so many
		`(def h {}) (foreach #(hset! h (concat (str/repeat "x" 60) (string %)) 1) (range 200)) (def k (str/repeat "x" 62)) (print 1) (while true (try (hget h k) (catch e 1)))`,
		`(def a [(str/repeat "ab" 10000000)]) (def b [(str/repeat "ab" 10000000)]) (print 1) (while true (= a b))`,
		`(def a [(str/repeat "ab" 10000000)]) (def b [(str/repeat "ab" 10000000)]) (print 1) (while true (< a b))`,
		`(def s (concat "\"" (str/repeat "a" 4000000) "\"")) (print 1) (while true (read s))`,
		`(def s (str/repeat "a" 4000000)) (print 1) (while true (try (time/parse "x" s) (catch e 1)))`,
		`(def names (map #(symbol (concat "a" (string %))) (list-to-array (range 20000)))) (def form (list 'fn names 1)) (print 1) (while true (eval form))`,
		`(def names (list-to-array (flatten (map #(list (symbol (concat "a" (string %))) 1) (range 20000))))) (def form (list 'let names 1)) (print 1) (while true (eval form))`,
		`(def form (cons 'fn (cons [] (realize (map #(list 'defn (symbol (concat "a" (string %))) [] 1) (range 20000)))))) (print 1) (while true (eval form))`,
		`(defmac m [n] (list 'begin (list 'm (+ n 1)) 1)) (print 1) (while true (try (eval '(m 1)) (catch e 1)))`,
	} {
		took := time.Duration(1 << 62)
		for range 5 { // a busy machine gets several tries
			ctx, cancel := context.WithCancel(context.Background())
			out := make(chan struct{})
			th := NewThread(ctx, writerFunc(func(p []byte) (int, error) { close(out); return len(p), nil }), Budget{})
			done := make(chan error, 1)
			go func() {
				_, err := th.Eval(base.Child(), "t", src)
				done <- err
			}()
			<-out
			start := time.Now()
			cancel()
			err := <-done
			took = min(took, time.Since(start))
			var e *Error
			if !errors.As(err, &e) || e.Kind != "cancelled" {
				t.Errorf("%s: %v", src, err)
			}
			if took <= 100*time.Millisecond {
				break
			}
		}
		if took > 100*time.Millisecond && !raceEnabled {
			t.Errorf("%s: took %v after the cancellation", src, took)
		}
	}
	noMoreGoroutines(t, goroutines)
}
