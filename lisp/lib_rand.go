package lisp

import "math/rand/v2"

// randPrims are random numbers: good for jitter and for picking, not for secrets.
func randPrims() []Prim {
	return []Prim{
		{Name: "rand", Params: "[n:int]", Doc: "A random int from 0 up to, not including, n (100). Not for secrets.", Example: "(rand 1) => 0", fn: func(t *Thread, args []Value) Value {
			n := int64(100)
			if len(args) > 0 {
				var ok bool
				if n, ok = args[0].AsInt(); !ok || n < 1 {
					t.fail("value", "cannot take a random number below %s: want 1 or more, in 64 bits", showArg(args[0]))
				}
			}
			return Int(rand.Int64N(n))
		}},
		{Name: "randf", Params: "", Doc: "A random float from 0 up to, not including, 1. Not for secrets.", Example: "(< (randf) 1) => true", fn: func(*Thread, []Value) Value { return Float(rand.Float64()) }},
	}
}
