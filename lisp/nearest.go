package lisp

import "strings"

// Nearest gives the candidate that looks most like name, for "did you mean"; "" when none is near enough. About a third
// of the letters may be wrong, of three or four one; of equals the first wins.
func Nearest(name string, candidates []string) string {
	if len(name) < 2 || len(name) > longestCompared {
		return ""
	}
	best, least := "", (len(name)+2)/3+1
	if len(name) == 3 || len(name) == 4 {
		least = 2
	}
	for _, c := range candidates {
		if c == name || c == "" {
			continue
		}
		if d := distance(name, c, least); d < least {
			best, least = c, d
		}
	}
	return best
}

// nearest is Nearest paid for: each pair of letters that may be compared.
func (t *Thread) nearest(name string, candidates []string) string {
	if len(name) <= longestCompared {
		work := 0
		for _, c := range candidates {
			work += 16 + min(len(c), longestCompared)*len(name)
		}
		t.charge(int64(work) >> 3)
	}
	return Nearest(name, candidates)
}

// DidYouMean is what an error says about a near name: " (did you mean NAME?)"; nothing of none. A name that ends in a question
// mark is quoted.
func DidYouMean(near string) string {
	switch {
	case near == "":
		return ""
	case strings.HasSuffix(near, "?"):
		near = `"` + near + `"`
	}
	return " (did you mean " + near + "?)"
}

// longestCompared bounds the names that are compared.
const longestCompared = 63

// distance counts the edits (insert, delete, replace, swap neighbours) between a and b; it gives up at limit.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit || len(b) > longestCompared {
		return limit
	}
	var rows [3][longestCompared + 1]int
	before, prev, cur := rows[0][:len(b)+1], rows[1][:len(b)+1], rows[2][:len(b)+1]
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			cur[j] = d
			least = min(least, d)
		}
		if least >= limit {
			return limit
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}

// elsewhere is what a name of another Lisp, or of another language, is called here.
func elsewhere(name string) string {
	switch name {
	case "inc", "1+":
		return "(+ x 1)"
	case "dec", "1-":
		return "(- x 1)"
	case "throw", "signal", "die", "panic":
		return "raise"
	case "null", "None", "undefined", "NULL":
		return "nil"
	case "null?", "nilp", "null-p":
		return "nil?"
	case "import", "require", "load", "load-file", "use":
		return "include"
	case "loop", "do-while", "recur":
		return "while, or a function that calls itself"
	case "for", "doseq", "dolist", "for-each", "dotimes", "each", "forEach":
		return "foreach"
	case "length", "count", "size", "strlen", "str/len", "str/length":
		return "len"
	case "get", "lookup", "hash-ref", "gethash", "get-in":
		return "hget"
	case "put", "put!", "hash-set!", "assoc!", "puthash":
		return "hset!"
	case "dissoc", "remhash", "delete", "hash-remove!":
		return "hdel!"
	case "contains?", "has?", "has-key?", "member", "member?", "includes?":
		return "exist?"
	case "conj", "push", "push!", "add":
		return "append"
	case "lambda", "λ", "function":
		return "fn"
	case "defun", "define", "defsub":
		return "defn, or def for a value"
	case "defmacro", "define-macro", "define-syntax":
		return "defmac"
	case "do", "progn":
		return "begin"
	case "setq", "setf", "set", "reset!", "swap!":
		return "set!"
	case "reduce", "fold", "fold-left", "foldr", "inject":
		return "foldl"
	case "rest", "tail", "next":
		return "cdr"
	case "head", "fst":
		return "first"
	case "format", "str/format":
		return "sprintf"
	case "str", "to-string", "tostring", "toString", "number->string":
		return "string"
	case "str/concat", "string-append", "join-strings":
		return "concat"
	case "parse-int", "parseInt", "atoi", "string->number":
		return "int"
	case "substring", "substr", "subs", "subvec":
		return "slice"
	case "display", "echo", "puts", "prn", "say", "newline":
		return "println"
	case "values", "hash-values":
		return "vals"
	case "hash-keys":
		return "keys"
	case "hash-map", "dict", "make-hash", "make-hash-table", "object":
		return "hash, or {...}"
	case "vector", "vec":
		return "array, or [...]"
	case "eq?", "eq", "equal", "equal?", "eqv?", "==", "equals":
		return "="
	case "rem", "modulo", "remainder", "%":
		return "mod"
	case "expt", "**", "power":
		return "pow"
	case "begin0", "prog1", "let1", "letrec":
		return "let"
	case "else", "otherwise", "t":
		return "true; the last form of cond is its default"
	case "catch", "finally", "except", "rescue":
		return "try, which it belongs into"
	case "sh", "shell", "system", "exec", "run":
		return "os/exec"
	case "slurp", "read-file":
		return "os/read-file"
	case "spit", "write-file":
		return "os/write-file"
	case "getenv", "env-var":
		return "os/env"
	case "now":
		return "time/now"
	case "chan":
		return "make-chan"
	case "macroexpand", "macroexpand-1":
		return "macexpand"
	case "every?", "andmap", "every":
		return "all?"
	case "some", "some?", "ormap":
		return "any?"
	case "remove", "filter-not":
		return "reject"
	case "mapcat", "append-map":
		return "flatmap"
	case "comp":
		return "compose"
	case "curry":
		return "currying"
	case "distinct", "unique", "dedupe":
		return "uniq"
	}
	return ""
}
