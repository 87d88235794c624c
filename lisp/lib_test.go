package lisp

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"testing"
)

// outcomes holds programs to the values they print.
func outcomes(t *testing.T, want [][2]string) {
	t.Helper()
	base := NewBase()
	for _, c := range want {
		got := outcome(t, base, c[0])
		if c[1] == "ERR" && strings.HasPrefix(got, "ERR") || got == c[1] {
			continue
		}
		t.Errorf("%s\n gives %s\n want %s", c[0], got, c[1])
	}
}

func TestCommaSeparatedValues(t *testing.T) {
	outcomes(t, [][2]string{
		{`(csv/parse "")`, `[]`},
		{`(csv/parse "a,b\r\n\"x\ny\",\"q\"\"\"\n")`, `[["a" "b"] ["x\ny" "q\""]]`},
		{`(csv/parse "a;b" nil ";")`, `[["a" "b"]]`},
		{`(csv/parse "a\tb" nil #\t)`, `[["a" "b"]]`},
		{`(csv/parse "a中b" nil "中")`, `[["a" "b"]]`},
		{`(csv/parse (bytes "a,b"))`, `[["a" "b"]]`},
		{`(csv/parse "a,b\n1" 'hash)`, `[{"a" "1" "b" ""}]`},
		{`(csv/parse "a,b" 'hash)`, `[]`},
		{`(csv/parse "a\n1,2" 'hash)`, "ERR"},
		{`(csv/parse "a" 'table)`, "ERR"},
		{`(csv/parse "a\"b")`, "ERR"},
		{`(csv/parse "\"a")`, "ERR"},
		{`(csv/parse "a" nil "ab")`, "ERR"},
		{`(csv/parse "a" nil "\n")`, "ERR"},
		{`(csv/parse 5)`, "ERR"},
		{`(csv/format [])`, `""`},
		{`(csv/format [[1 2.5 nil true "x" 'y #c] [[1] {"a" 1}]])`, `"1,2.5,,true,x,y,c\n[1],\"{\"\"a\"\":1}\"\n"`},
		{`(csv/format '((1 2) (3 4)) ";")`, `"1;2\n3;4\n"`},
		{`(csv/format [{"a" 1 "b" 2} {"b" 3}])`, `"a,b\n1,2\n,3\n"`},
		{`(csv/parse (csv/format [["" ] ["a"] ["x\"y"] [" l"]]))`, `[[""] ["a"] ["x\"y"] [" l"]]`},
		{`(csv/format ["a"])`, "ERR"},
		{`(csv/format [{"a" 1} [1]])`, "ERR"},
		{`(csv/format [[1] {"a" 1}])`, "ERR"},
		{`(let [a [1]] (aset! a 0 a) (csv/format [[a]]))`, "ERR"},
		{`(let [b (buffer)] (csv/write b [["a" "b"] ["1" "x,y"]]) (csv/read b 'hash))`, `[{"a" "1" "b" "x,y"}]`},
		{`(csv/read 5)`, "ERR"},
	})
}

func TestCommaSeparatedValuesForTheEmbedder(t *testing.T) {
	th := NewThread(t.Context(), nil, testBudget)
	v, err := FromCSV(th, "n,p\nweb,80\n", true)
	if err != nil || Print(v) != `[{"n" "web" "p" "80"}]` {
		t.Fatalf("FromCSV gives %s, %v", Print(v), err)
	}
	out, err := AppendCSV(th, []byte("# "), v)
	if err != nil || string(out) != "# n,p\nweb,80\n" {
		t.Fatalf("AppendCSV gives %q, %v", out, err)
	}
	if _, err := FromCSV(th, "\"", false); err == nil {
		t.Error("an open quote is accepted")
	}
	if _, err := AppendCSV(th, nil, Int(5)); err == nil {
		t.Error("5 is accepted as rows")
	}
	small := NewThread(t.Context(), nil, Budget{Bytes: 1 << 20})
	if _, err := FromCSV(small, strings.Repeat(",", 1<<20), false); err == nil {
		t.Error("a million cells fit a budget of a mebibyte")
	}
}

func TestBuffers(t *testing.T) {
	outcomes(t, [][2]string{
		{`(let [b (buffer)] (list (:write b "añ") (:write b (bytes "x")) (string b)))`, `(3 1 "añx")`},
		{`(let [b (buffer)] (:printf b "%d-%s" 5 "x") (:println b) (:lines b))`, `["5-x"]`},
		{`(let [b (buffer)] (:print b "abc") (list (:read b 2) (string b) (:read b) (:read b)))`, `("ab" "c" "c" "")`},
		{`(let [b (buffer)] (:print b "a\n\nb") (list (:lines b) (:lines b)))`, `(["a" "" "b"] [])`},
		{`(let [b (buffer)] (:print b "a\r\n\r\nb\rc\r\n") (:lines b))`, `["a" "" "b\rc"]`},
		{`(list (type (buffer)) (:name (buffer)))`, `("*buffer*" "anonWriter")`},
		{`(let [b (buffer)] (:close b) (:write b "x"))`, "ERR"},
		{`(:wriet (buffer) "x")`, "ERR"},
		{`(:write (buffer))`, "ERR"},
		{`(:write (buffer) 5)`, "ERR"},
		{`(:read (buffer) -1)`, "ERR"},
		{`(:read (buffer) 1000000000000000000000)`, `""`},
		{`(:printf (buffer))`, "ERR"},
	})
	var b Buffer
	if _, err := b.Write(bytes.Repeat([]byte("x"), maxBuffer)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Write([]byte("y")); err == nil {
		t.Error("a full buffer takes more")
	}
	if n, err := b.Read(make([]byte, 10)); n != 10 || err != nil {
		t.Errorf("reading gives %d, %v", n, err)
	}
	if _, err := b.Write([]byte("0123456789")); err != nil {
		t.Errorf("what was read still takes room: %v", err)
	}
}

func TestRandomNumbers(t *testing.T) {
	outcomes(t, [][2]string{
		{`(let [n (foldl (fn [_ acc] (+ acc (rand 10))) 0 (range 1000))] (and (> n 3500) (< n 5500)))`, `true`},
		{`(let [r (rand)] (and (>= r 0) (< r 100)))`, `true`},
		{`(= (randf) (randf))`, `false`},
		{`(rand 0)`, "ERR"},
		{`(rand -5)`, "ERR"},
		{`(rand 100000000000000000000)`, "ERR"},
	})
}

// TestLongTexts: what works on a text piece by piece gives what it would give at once, also where a piece ends inside of a
// word or beside a character of several bytes.
func TestLongTexts(t *testing.T) {
	for _, unit := range []string{"aBc dÉ\xff ", "中文x ", "K k\u212a "} {
		s := strings.Repeat(unit, pieceBytes*5/4/len(unit)+1)
		th := NewThread(t.Context(), nil, testBudget)
		call := func(name string, args ...Value) Value {
			f, _ := NewBase().Lookup(name)
			v, err := th.Call(f, args...)
			if err != nil {
				t.Fatal(name, err)
			}
			return v
		}
		text := func(name string) string { s, _ := call(name, String(s)).AsString(); return s }
		sum := sha256.Sum256([]byte(s))
		if text("str/upper") != strings.ToUpper(s) || text("str/lower") != strings.ToLower(s) || text("str/title") != titleCase()(s) || text("str/sha256") != hex.EncodeToString(sum[:]) ||
			text("regexp/quote") != regexp.QuoteMeta(s) {
			t.Errorf("%q: a long text is changed otherwise than a short one", unit)
		}
		for _, other := range []string{strings.ToUpper(s), s, s + "x", s[:len(s)-1]} {
			if got, want := call("str/equal-fold?", String(s), String(other)).Truthy(), strings.EqualFold(s, other); got != want {
				t.Errorf("%q: compared without case gives %v, want %v", unit, got, want)
			}
		}
	}
}
