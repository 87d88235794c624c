package lisp

import "testing"

// TestDataThatIsSharedIsWalkedOnce: forty pairs or arrays show what is innermost in 2^40 places. Whatever walks through such
// data ends, either because it goes into each pair once or because its budget does.
func TestDataThatIsSharedIsWalkedOnce(t *testing.T) {
	const before = `(defn deep [x n f] (if (= n 0) x (deep (f x) (- n 1) f)))
(def pairs (deep 1 40 #(cons % %))) (def lists (deep 1 40 #(list % %))) (def arrays (deep 1 40 #([% %]))) (def tables (deep 1 40 #({1 % 2 %})))
`
	for _, c := range []struct{ src, kind string }{
		{"(copy pairs) 1", ""},
		{"(freeze pairs) (freeze lists) (freeze [pairs lists]) 1", ""},
		{"(eval (list 'quote pairs)) 1", ""},
		{"(eval (list 'quote [pairs lists])) 1", ""},
		{"(eval (list 'fn ['x] (list 'quote lists))) 1", ""},
		{"(eval (list 'sharp-lambda (list 'list (list 'quote lists)))) 1", ""},
		{"(eval (list 'macexpand lists)) 1", ""},
		{"(defmac m [] (list 'quote lists)) (m) 1", ""},
		{"(copy arrays)", "budget"},
		{"(eval lists)", "budget"},
		{"(eval arrays)", "budget"},
		{"(eval tables)", "budget"},
		{"(eval (deep 1 40 #(list 'list % %)))", "budget"},
		{"(eval (deep 1 40 #(list 'if % % %)))", "budget"},
		{"(eval (deep 1 40 #(list 'fn [] % %)))", "budget"},
		{"(eval (list 'syntax-quote lists))", "budget"},
		{"(eval (list 'syntax-quote arrays))", "budget"},
		{"(eval (list 'syntax-quote tables))", "budget"},
		{"(eval (list 'sharp-lambda arrays))", "budget"},
		{"(defmac m [] lists) (m)", "budget"},
		{"(defmac m [] arrays) (m)", "budget"},
		{"(eval (cons 'quote (realize (range 1000000))))", "budget"},
	} {
		t.Run(c.src, func(t *testing.T) { endsIn(t, c.kind, before+c.src) })
	}
}
