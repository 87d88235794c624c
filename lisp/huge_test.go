package lisp

import (
	"fmt"
	"strings"
	"testing"
)

// TestE27CountsBeyond64Bits: a count or limit beyond 64 bits means what the greatest or the least integer of 64 bits means.
func TestE27CountsBeyond64Bits(t *testing.T) {
	base := NewBase()
	for _, form := range []string{
		`(str/split "a,b,c" "," %s)`, `(str/replace "aaa" "a" "b" %s)`, `(str/mask "abc" 1 %s "*")`, `(str/mask "abc" %s 1 "*")`, `(str/pad-left "a" %s)`, `(str/pad-right "a" %s "é")`,
		`(str/repeat "x" %s)`, `(str/repeat "" %s)`, `((currying (fn [& x] (len x)) %s 1) 2)`, `(make-array %s)`, `(pow 3 %s)`, `(pow -3 %s)`, `(take %s [1 2])`, `(drop %s [1 2])`, `(realize (partition %s [1 2]))`,
		`(nth %s [1 2])`, `(aget [1 2] %s 0)`, `(slice "abc" 1 %s)`, `(slice [1 2] %s)`, `(sra 5 %s)`, `(sll8 1 %s)`, `(regexp/find-all "a" "aa" %s)`, `(regexp/split "a" "bab" %s)`, `(make-chan %s)`,
		`(time/add (time/zero) %s 'day)`, `(time/add-date (time/zero) %s 0 0)`, `(pretty [1 2] %s)`, `(let [b (buffer)] (:print b "abc") (:read b %s))`,
	} {
		for _, c := range [][2]string{{"18446744073709551616", "9223372036854775807"}, {"-18446744073709551616", "-9223372036854775808"}} {
			say := func(n string) string {
				got := outcome(t, base, fmt.Sprintf(form, n))
				return strings.ReplaceAll(got, n, "N")
			}
			if huge, most := say(c[0]), say(c[1]); huge != most {
				t.Errorf(form+" gives %s, but with %s %s", c[0], huge, c[1], most)
			}
		}
	}
	for src, want := range map[string]string{
		"(pow -1 18446744073709551617)": "-1", "(pow -1 18446744073709551616)": "1", "(pow 0 18446744073709551616)": "0", "(pow 0 0)": "1", "(pow 0 1)": "0", "(pow -1 2)": "1", "(pow 1 3)": "1",
		`(str/pad-left "a" -9223372036854775808)`: `"a"`, `(str/split "a,b,c" "," 18446744073709551616)`: `["a" "b" "c"]`,
	} {
		if got := outcome(t, base, src); got != want {
			t.Errorf("%s gives %s, want %s", src, got, want)
		}
	}
}
