package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// row is one piece of work in each language, written as its users would: with the language's own loop where it has no
// proper tail calls, and with its own functions where it has them. The program defines run, whose result all must agree on.
type row struct {
	name, unit string
	units      int    // how much of the work one run does
	want       string // what run gives
	fresh      bool   // measure a fresh environment and this one program in it, instead of run
	program    map[string]string
	native     func() any
}

// prepare gives what is measured; nil where the language has no such thing.
func (r row) prepare(c contender) (func() error, error) {
	program, ok := r.program[c.name]
	if !ok {
		return nil, nil
	}
	run := func() (string, error) { return c.fresh(program) }
	if !r.fresh {
		var err error
		if run, err = c.load(program); err != nil {
			return nil, err
		}
	}
	return func() error {
		got, err := run()
		if err == nil && got != r.want {
			err = fmt.Errorf("got %s, want %s", got, r.want)
		}
		return err
	}, nil
}

var rows = []row{
	{name: "fib(22)", unit: "call", units: 57313, want: "17711",
		program: map[string]string{
			"glisp":       `(defn fib [n] (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))) (defn run [] (fib 22))`,
			"gopher-lua":  `local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end function run() return fib(22) end`,
			"goja":        `function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) } function run() { return fib(22) }`,
			"starlark-go": "def fib(n):\n  return n if n < 2 else fib(n - 1) + fib(n - 2)\ndef run():\n  return fib(22)\n",
		},
		native: func() any { return fib(22) }},
	{name: "loop by tail call, or the language's loop", unit: "turn", units: 50_000, want: "1250025000",
		program: map[string]string{
			"glisp":       `(defn loop [n acc] (if (= n 0) acc (loop (- n 1) (+ acc n)))) (defn run [] (loop 50000 0))`,
			"gopher-lua":  `function run() local n, acc = 50000, 0 while n ~= 0 do acc = acc + n n = n - 1 end return acc end`,
			"goja":        `function run() { let n = 50000, acc = 0; while (n !== 0) { acc += n; n-- } return acc }`,
			"starlark-go": "def run():\n  n = 50000\n  acc = 0\n  while n != 0:\n    acc += n\n    n -= 1\n  return acc\n",
		},
		native: func() any {
			acc := 0
			for n := 50_000; n != 0; n-- {
				acc += n
			}
			return acc
		}},
	{name: "call of a known function in a loop", unit: "call and turn", units: 50_000, want: "1250025000",
		program: map[string]string{
			"glisp":       `(defn add [a b] (+ a b)) (defn loop [n acc] (if (= n 0) acc (loop (- n 1) (add acc n)))) (defn run [] (loop 50000 0))`,
			"gopher-lua":  `local function add(a, b) return a + b end function run() local n, acc = 50000, 0 while n ~= 0 do acc = add(acc, n) n = n - 1 end return acc end`,
			"goja":        `function add(a, b) { return a + b } function run() { let n = 50000, acc = 0; while (n !== 0) { acc = add(acc, n); n-- } return acc }`,
			"starlark-go": "def add(a, b):\n  return a + b\ndef run():\n  n = 50000\n  acc = 0\n  while n != 0:\n    acc = add(acc, n)\n    n -= 1\n  return acc\n",
		},
		native: func() any {
			acc := 0
			for n := 50_000; n != 0; n-- {
				acc = add(acc, n)
			}
			return acc
		}},
	{name: "closure made and called", unit: "closure", units: 20_000, want: "200010000",
		program: map[string]string{
			"glisp":       `(defn make [n] (fn [x] (+ x n))) (defn loop [n acc] (if (= n 0) acc (loop (- n 1) ((make n) acc)))) (defn run [] (loop 20000 0))`,
			"gopher-lua":  `local function make(n) return function(x) return x + n end end function run() local n, acc = 20000, 0 while n ~= 0 do acc = make(n)(acc) n = n - 1 end return acc end`,
			"goja":        `function make(n) { return x => x + n } function run() { let n = 20000, acc = 0; while (n !== 0) { acc = make(n)(acc); n-- } return acc }`,
			"starlark-go": "def make(n):\n  return lambda x: x + n\ndef run():\n  n = 20000\n  acc = 0\n  while n != 0:\n    acc = make(n)(acc)\n    n -= 1\n  return acc\n",
		},
		native: func() any {
			acc := 0
			for n := 20_000; n != 0; n-- {
				acc = makeAdder(n)(acc)
			}
			return acc
		}},
	{name: "closure that counts", unit: "call and turn", units: 50_000, want: "50000",
		program: map[string]string{
			"glisp":      `(defn counter [] (let [n 0] (fn [] (set! n (+ n 1)) n))) (defn run [] (let [c (counter)] (defn loop [n] (if (= n 1) (c) (begin (c) (loop (- n 1))))) (loop 50000)))`,
			"gopher-lua": `local function counter() local n = 0 return function() n = n + 1 return n end end function run() local c = counter() local n = 50000 while n ~= 1 do c() n = n - 1 end return c() end`,
			"goja":       `function counter() { let n = 0; return () => ++n } function run() { const c = counter(); let n = 50000; while (n !== 1) { c(); n-- } return c() }`,
		},
		native: func() any {
			c, r := makeCounter(), 0
			for range 50_000 {
				r = c()
			}
			return r
		}},
	{name: "string of 20 kB, appended to", unit: "append", units: 2000, want: "20000",
		program: map[string]string{
			"glisp":       `(defn loop [n s] (if (= n 0) (len s) (loop (- n 1) (concat s "0123456789")))) (defn run [] (loop 2000 ""))`,
			"gopher-lua":  `function run() local s = "" for i = 1, 2000 do s = s .. "0123456789" end return #s end`,
			"goja":        `function run() { let s = ""; for (let i = 0; i < 2000; i++) s += "0123456789"; return s.length }`,
			"starlark-go": "def run():\n  s = \"\"\n  for i in range(2000):\n    s += \"0123456789\"\n  return len(s)\n",
		},
		native: func() any {
			var b strings.Builder
			for range 2000 {
				b.WriteString("0123456789")
			}
			return b.Len()
		}},
	{name: "texts of numbers joined", unit: "number", units: 1000, want: "3889",
		program: map[string]string{
			"glisp":       `(defn run [] (len (str/join (map string (list-to-array (range 1000))) ",")))`,
			"gopher-lua":  `function run() local t = {} for i = 1, 1000 do t[i] = tostring(i - 1) end return #table.concat(t, ",") end`,
			"goja":        `function run() { const t = []; for (let i = 0; i < 1000; i++) t.push(String(i)); return t.join(",").length }`,
			"starlark-go": "def run():\n  return len(\",\".join([str(i) for i in range(1000)]))\n",
		},
		native: func() any {
			texts := make([]string, 0, 1000)
			for i := range 1000 {
				texts = append(texts, fmt.Sprint(i))
			}
			return len(strings.Join(texts, ","))
		}},
	{name: "hash of 64 texts, written and read", unit: "write and read", units: 20_000, want: "64",
		program: map[string]string{
			"glisp": `(def keys (list-to-array (map #(concat "key" (string %)) (range 64))))
(defn loop [h n] (if (= n 0) (len h) (begin (hset! h (aget keys (mod n 64)) n) (hget h (aget keys (mod n 64))) (loop h (- n 1)))))
(defn run [] (loop {} 20000))`,
			"gopher-lua": `local keys = {} for i = 0, 63 do keys[i] = "key" .. i end
function run() local h, n, x = {}, 20000, nil while n ~= 0 do h[keys[n % 64]] = n x = h[keys[n % 64]] n = n - 1 end local c = 0 for _ in pairs(h) do c = c + 1 end return c end`,
			"goja": `const keys = []; for (let i = 0; i < 64; i++) keys.push("key" + i);
function run() { const h = {}; let x; for (let n = 20000; n !== 0; n--) { h[keys[n % 64]] = n; x = h[keys[n % 64]] } return Object.keys(h).length }`,
			"starlark-go": "keys = [\"key\" + str(i) for i in range(64)]\ndef run():\n  h = {}\n  for n in range(20000):\n    h[keys[n % 64]] = n\n    x = h[keys[n % 64]]\n  return len(h)\n",
		},
		native: func() any {
			h, x := map[string]int{}, 0
			for n := range 20_000 {
				h[hashKeys[n%64]] = n
				x += h[hashKeys[n%64]]
			}
			return len(h) + 0*x
		}},
	{name: "hash of 50 000 sparse integers, filled and read", unit: "write and read", units: 50_000, want: "50000",
		program: map[string]string{
			"glisp":       `(defn loop [h n k] (if (= n 0) (len h) (begin (hset! h k n) (hget h k) (loop h (- n 1) (+ k 7)))))  (defn run [] (loop {} 50000 1000000000))`,
			"gopher-lua":  `function run() local h, n, k, c, x = {}, 50000, 1000000000, 0, nil while n ~= 0 do h[k] = n x = h[k] n = n - 1 k = k + 7 c = c + 1 end return c end`,
			"goja":        `function run() { const h = new Map(); let x, k = 1000000000; for (let n = 50000; n !== 0; n--) { h.set(k, n); x = h.get(k); k += 7 } return h.size }`,
			"starlark-go": "def run():\n  h = {}\n  k = 1000000000\n  for n in range(50000):\n    h[k] = n\n    x = h[k]\n    k += 7\n  return len(h)\n",
		},
		native: func() any {
			h, x := map[int]int{}, 0
			for n := range 50_000 {
				h[1_000_000_000+7*n] = n
				x += h[1_000_000_000+7*n]
			}
			return len(h) + 0*x
		}},
	{name: "filter, map and fold of an array", unit: "element", units: 20_000, want: "199980000",
		program: map[string]string{
			"glisp":       `(def xs (list-to-array (range 20000))) (defn run [] (foldl + 0 (map #(* % 2) (filter #(= 0 (mod % 2)) xs))))`,
			"gopher-lua":  `local xs = {} for i = 1, 20000 do xs[i] = i - 1 end local function filter(f, t) local r = {} for i = 1, #t do if f(t[i]) then r[#r + 1] = t[i] end end return r end local function map(f, t) local r = {} for i = 1, #t do r[i] = f(t[i]) end return r end local function fold(f, a, t) for i = 1, #t do a = f(t[i], a) end return a end function run() return fold(function(x, a) return a + x end, 0, map(function(x) return x * 2 end, filter(function(x) return x % 2 == 0 end, xs))) end`,
			"goja":        `const xs = []; for (let i = 0; i < 20000; i++) xs.push(i); function run() { return xs.filter(x => x % 2 === 0).map(x => x * 2).reduce((a, x) => a + x, 0) }`,
			"starlark-go": "xs = list(range(20000))\nadd = lambda a, x: a + x\ntwice = lambda x: x * 2\neven = lambda x: x % 2 == 0\ndef run():\n  a = 0\n  for x in [twice(x) for x in xs if even(x)]:\n    a = add(a, x)\n  return a\n",
		},
		native: func() any {
			even := filter(func(x int) bool { return x%2 == 0 }, numbers)
			sum := 0
			for _, x := range transform(func(x int) int { return x * 2 }, even) {
				sum += x
			}
			return sum
		}},
	{name: "sort of 5000 by a function of the program", unit: "element", units: 5000, want: "5002",
		program: map[string]string{
			"glisp":       `(def xs (map #(mod (* % 7919) 5003) (list-to-array (range 5000)))) (defn run [] (aget (sort (fn [a b] (< a b)) xs) 4999))`,
			"gopher-lua":  `local xs = {} for i = 0, 4999 do xs[i + 1] = (i * 7919) % 5003 end function run() local t = {} for i = 1, #xs do t[i] = xs[i] end table.sort(t, function(a, b) return a < b end) return t[5000] end`,
			"goja":        `const xs = []; for (let i = 0; i < 5000; i++) xs.push((i * 7919) % 5003); function run() { return xs.slice().sort((a, b) => a - b)[4999] }`,
			"starlark-go": "xs = [(i * 7919) % 5003 for i in range(5000)]\ndef run():\n  return sorted(xs, key = lambda a: a)[4999]\n",
		},
		native: func() any {
			xs := slices.Clone(shuffled)
			slices.SortStableFunc(xs, func(a, b int) int { return a - b })
			return xs[4999]
		}},
	{name: "JSON of 0.5 kB read, changed and written", unit: "document", units: 1, want: fmt.Sprint(len(document) + 1),
		program: map[string]string{
			"glisp":       "(def s #`" + document + "`) (defn run [] (len (json/stringify (hset! (json/parse s) \"pid\" 54321))))",
			"goja":        "const s = `" + document + "`; function run() { const v = JSON.parse(s); v.pid = 54321; return JSON.stringify(v).length }",
			"starlark-go": "s = '" + document + "'\ndef run():\n  v = json.decode(s)\n  v[\"pid\"] = 54321\n  return len(json.encode(v))\n",
		},
		native: func() any {
			var v map[string]any
			if err := json.Unmarshal([]byte(document), &v); err != nil {
				return err
			}
			v["pid"] = 54321
			out, err := json.Marshal(v)
			if err != nil {
				return err
			}
			return len(out)
		}},
	{name: "host function called", unit: "call and turn", units: 20_000, want: "3628800",
		program: map[string]string{
			"glisp":       `(defn loop [n x] (if (= n 0) x (loop (- n 1) (factorial 10)))) (defn run [] (loop 20000 0))`,
			"gopher-lua":  `function run() local n, x = 20000, 0 while n ~= 0 do x = factorial(10) n = n - 1 end return x end`,
			"goja":        `function run() { let n = 20000, x = 0; while (n !== 0) { x = factorial(10); n-- } return x }`,
			"starlark-go": "def run():\n  x = 0\n  for n in range(20000):\n    x = factorial(10)\n  return x\n",
		},
		native: func() any {
			x := int64(0)
			for range 20_000 {
				x = factorial(10)
			}
			return x
		}},
	{name: "error thrown and caught", unit: "error", units: 1000, want: "1000",
		program: map[string]string{
			"glisp":      `(defn loop [n c] (if (= n 0) c (loop (- n 1) (try (raise "no") (catch e (+ c 1)))))) (defn run [] (loop 1000 0))`,
			"gopher-lua": `function run() local c = 0 for n = 1, 1000 do if not pcall(error, "no") then c = c + 1 end end return c end`,
			"goja":       `function run() { let c = 0; for (let n = 0; n < 1000; n++) try { throw new Error("no") } catch (e) { c++ } return c }`,
		}},
	{name: "program of 500 functions, full of macros", unit: "function", units: 500, fresh: true, want: "1503",
		program: map[string]string{
			"glisp": repeat(500, func(i int) string {
				return fmt.Sprintf("(defn f%d [a b] (when (> a b) (cond (= a %[1]d) b (> a 1000) (-> a (+ b) (* 3)) (unless (= b 0) (let [c (+ a b)] (and c (or nil c)))))))\n", i)
			}) + "(f499 1002 -501)",
			"gopher-lua": repeat(500, func(i int) string {
				return fmt.Sprintf("function f%d(a, b) if a > b then if a == %[1]d then return b elseif a > 1000 then return (a + b) * 3 elseif not (b == 0) then local c = a + b return c and (nil or c) end end end\n", i)
			}) + "return f499(1002, -501)",
			"goja": repeat(500, func(i int) string {
				return fmt.Sprintf("function f%d(a, b) { if (a > b) { if (a === %[1]d) return b; else if (a > 1000) return (a + b) * 3; else if (!(b === 0)) { const c = a + b; return c && (null || c) } } }\n", i)
			}) + "f499(1002, -501)",
		}},
	{name: "fresh environment and (+ 1 2)", unit: "evaluation", units: 1, fresh: true, want: "3",
		program: map[string]string{
			"glisp":       "(+ 1 2)",
			"gopher-lua":  "return 1 + 2",
			"goja":        "1 + 2",
			"starlark-go": "1 + 2",
		}},
	{name: "call of a loaded function from Go", unit: "call", units: 1, want: "3",
		program: map[string]string{
			"glisp":       "(defn run [] (+ 1 2))",
			"gopher-lua":  "function run() return 1 + 2 end",
			"goja":        "function run() { return 1 + 2 }",
			"starlark-go": "def run():\n  return 1 + 2\n",
		}},
}

// document is as a status in JSON is: half a kilobyte of everything.
const document = `{"name":"web","pid":4242,"args":["-p","8080","--verbose"],"env":{"PATH":"/usr/bin:/bin","HOME":"/root"},"uptime":12345.5,"restarts":0,"state":"running","exit":null,"log":{"files":["/var/log/web.log"],"size":104857600,"count":10},"tags":["a","b","c"],"deps":[{"name":"db","port":5432},{"name":"cache","port":6379}],"labels":{"team":"infra","tier":"front","zone":"eu-1"},"description":"serves the pages of the shop and nothing else, behind two proxies","limits":{"nofile":65536,"memory":536870912,"cpu":1.5}}`

func repeat(n int, piece func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(piece(i))
	}
	return b.String()
}
