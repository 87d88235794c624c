package lisp

import (
	"bytes"
	"cmp"
	"strings"
)

// Equal compares two values by structure: numbers by value whatever their type, strings with byte strings, lists, arrays
// and hashes element by element (hashes regardless of order), functions and the like by identity. Values of different
// types are not equal. What contains itself, nested beyond 1000 levels, is not equal to anything but itself.
func Equal(a, b Value) bool {
	c := comparer{left: 1 << 24}
	return c.equal(a, b)
}

// equal is Equal charged to the budget.
func (t *Thread) equal(a, b Value) bool {
	switch x := a.o.(type) {
	case nil:
		if b.o == nil {
			return a.n == b.n
		}
	case *text:
		if y, ok := b.o.(*text); ok {
			t.charge(1 + int64(len(x.s))>>8)
			return x == y || x.s == y.s
		}
	case *symbol:
		if y, ok := b.o.(*symbol); ok {
			t.charge(1)
			return x == y || x.name == y.name
		}
	}
	c := comparer{t: t}
	return c.equal(a, b)
}

type comparer struct {
	t     *Thread
	left  int
	depth int
}

const maxCompareDepth = 1000

// step pays for one comparison; false when Equal, which has no budget, has done enough.
func (c *comparer) step() bool {
	if c.t != nil {
		c.t.charge(1)
		return true
	}
	c.left--
	return c.left > 0
}

// pay pays for comparing n bytes; it is always true.
func (c *comparer) pay(n int) bool {
	if c.t != nil {
		c.t.charge(int64(n) >> 8)
	}
	return true
}

// deep notes that a container is entered.
func (c *comparer) deep() bool {
	if c.depth++; c.depth <= maxCompareDepth {
		return true
	}
	if c.t != nil {
		c.t.fail("value", "cannot compare: nested more than %d levels deep, or containing itself", maxCompareDepth)
	}
	return false
}

func (c *comparer) equal(a, b Value) bool {
	switch x := a.o.(type) {
	case nil, *charTag, *floatTag, *bigInt:
		return isNumber(b) && compareNumbers(a, b) == 0
	case *boolTag:
		_, ok := b.o.(*boolTag)
		return ok && a.n == b.n
	case *nilTag:
		return b.IsNil()
	case *text:
		switch y := b.o.(type) {
		case *text:
			return len(x.s) == len(y.s) && c.pay(len(x.s)) && x.s == y.s
		case *raw:
			return len(x.s) == len(y.b) && c.pay(len(x.s)) && x.s == string(y.b)
		}
		return false
	case *raw:
		switch y := b.o.(type) {
		case *text:
			return len(x.b) == len(y.s) && c.pay(len(x.b)) && string(x.b) == y.s
		case *raw:
			return len(x.b) == len(y.b) && c.pay(len(x.b)) && bytes.Equal(x.b, y.b)
		}
		return false
	case *symbol:
		y, ok := b.o.(*symbol)
		return ok && (x == y || x.name == y.name)
	case *cons:
		y, ok := b.o.(*cons)
		return ok && c.lists(x, y)
	case *array:
		y, ok := b.o.(*array)
		if !ok || len(x.items) != len(y.items) {
			return false
		}
		if x == y {
			return true
		}
		return c.items(x.items, y.items)
	case *Hash:
		y, ok := b.o.(*Hash)
		return ok && c.hashes(x, y)
	case *braces:
		y, ok := b.o.(*braces)
		return ok && len(x.items) == len(y.items) && c.items(x.items, y.items)
	case *record:
		y, ok := b.o.(*record)
		return ok && (x == y || x.class.same(y.class) && c.items(x.values, y.values))
	case *class:
		y, ok := b.o.(*class)
		return ok && x.same(y)
	case *errorValue:
		y, ok := b.o.(*errorValue)
		return ok && (x.err == y.err || x.err.Kind == y.err.Kind && x.err.Msg == y.err.Msg)
	case *timeValue:
		y, ok := b.o.(*timeValue)
		return ok && x.t.Equal(y.t)
	case *pattern:
		y, ok := b.o.(*pattern)
		return ok && x.re.String() == y.re.String()
	case *hostObject:
		y, ok := b.o.(*hostObject)
		if !ok {
			return false
		}
		if cmp, ok := x.obj.(Comparer); ok {
			return cmp.Equal(y.obj)
		}
		return x == y
	}
	return a.o == b.o
}

func (c *comparer) items(x, y []Value) bool {
	if !c.deep() {
		return false
	}
	defer func() { c.depth-- }()
	for i := range x {
		if i >= len(y) || !c.step() || !c.equal(x[i], y[i]) {
			return false
		}
	}
	return true
}

func (c *comparer) lists(x, y *cons) bool {
	if !c.deep() {
		return false
	}
	defer func() { c.depth-- }()
	for {
		if x == y {
			return true
		}
		if !c.step() || !c.equal(x.car, y.car) {
			return false
		}
		nx, okx := x.cdr.o.(*cons)
		ny, oky := y.cdr.o.(*cons)
		if !okx || !oky {
			return okx == oky && c.equal(x.cdr, y.cdr)
		}
		x, y = nx, ny
	}
}

func (c *comparer) hashes(x, y *Hash) bool {
	if x == y {
		return true
	}
	if x.live != y.live || !c.deep() {
		return false
	}
	defer func() { c.depth-- }()
	same := true
	x.Each(func(k, v Value) bool {
		w, ok := y.Get(k)
		same = ok && c.step() && c.equal(v, w)
		return same
	})
	return same
}

// order compares for < and sort: numbers, strings and bytes, booleans, symbols by name, times, and lists and arrays of
// such; nil comes before everything. Other pairs fail.
func (t *Thread) order(a, b Value) int {
	if a.o == nil && b.o == nil {
		return cmp.Compare(a.n, b.n)
	}
	c := comparer{t: t}
	return c.order(a, b)
}

func (c *comparer) order(a, b Value) int {
	if isNumber(a) && isNumber(b) {
		return compareNumbers(a, b)
	}
	switch {
	case a.IsNil() && b.IsNil():
		return 0
	case a.IsNil():
		return -1
	case b.IsNil():
		return 1
	}
	switch x := a.o.(type) {
	case *text:
		switch y := b.o.(type) {
		case *text:
			c.pay(min(len(x.s), len(y.s)))
			return strings.Compare(x.s, y.s)
		case *raw:
			c.pay(16 * min(len(x.s), len(y.b)))
			return compareTextBytes(x.s, y.b)
		}
	case *raw:
		switch y := b.o.(type) {
		case *text:
			c.pay(16 * min(len(x.b), len(y.s)))
			return -compareTextBytes(y.s, x.b)
		case *raw:
			c.pay(min(len(x.b), len(y.b)))
			return bytes.Compare(x.b, y.b)
		}
	case *symbol:
		if y, ok := b.o.(*symbol); ok {
			return strings.Compare(x.name, y.name)
		}
	case *boolTag:
		if _, ok := b.o.(*boolTag); ok {
			return int(a.n - b.n)
		}
	case *timeValue:
		if y, ok := b.o.(*timeValue); ok {
			return x.t.Compare(y.t)
		}
	case *array:
		if y, ok := b.o.(*array); ok {
			return c.orderItems(x.items, y.items)
		}
	case *cons:
		if y, ok := b.o.(*cons); ok {
			return c.orderLists(x, y)
		}
	}
	c.t.fail("type", "cannot compare %s with %s", showArg(a), showArg(b))
	return 0
}

func (c *comparer) orderItems(x, y []Value) int {
	c.deep()
	defer func() { c.depth-- }()
	for i := range x {
		if i >= len(y) {
			return 1
		}
		c.t.charge(1)
		if r := c.order(x[i], y[i]); r != 0 {
			return r
		}
	}
	if len(x) < len(y) {
		return -1
	}
	return 0
}

func (c *comparer) orderLists(x, y *cons) int {
	c.deep()
	defer func() { c.depth-- }()
	for {
		c.t.charge(1)
		if r := c.order(x.car, y.car); r != 0 {
			return r
		}
		nx, okx := x.cdr.o.(*cons)
		ny, oky := y.cdr.o.(*cons)
		if !okx || !oky {
			return c.order(x.cdr, y.cdr)
		}
		x, y = nx, ny
	}
}

// compareTextBytes orders a string and bytes without making one of the other.
func compareTextBytes(s string, b []byte) int {
	for i := range min(len(s), len(b)) {
		if s[i] != b[i] {
			return cmp.Compare(s[i], b[i])
		}
	}
	return cmp.Compare(len(s), len(b))
}
