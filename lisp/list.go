package lisp

// cons is a pair; lists are chains of pairs that end in nil. Pairs are immutable, so a list cannot contain itself.
type cons struct{ car, cdr Value }

func (*cons) kind() Kind { return KindList }

const consSize = 48

// Cons makes a pair, which is a list when tail is one.
func Cons(head, tail Value) Value { return Value{o: &cons{head, tail}} }

// List makes a list of copies of items.
func List(items ...Value) Value { return listTail(items, Nil) }

// listTail makes a list that ends in tail; the pairs are one block of memory.
func listTail(items []Value, tail Value) Value {
	if len(items) == 0 {
		return tail
	}
	block := make([]cons, len(items))
	for i, item := range items {
		block[i].car = item
		if i+1 < len(items) {
			block[i].cdr = Value{o: &block[i+1]}
		}
	}
	block[len(items)-1].cdr = tail
	return Value{o: &block[0]}
}

// slice copies a proper list; false when the list does not end in nil.
func (c *cons) slice() ([]Value, bool) {
	n, ok := c.length()
	if !ok {
		return nil, false
	}
	out := make([]Value, 0, n)
	for {
		out = append(out, c.car)
		next, more := c.cdr.o.(*cons)
		if !more {
			return out, true
		}
		c = next
	}
}

// length counts the pairs; false when the list does not end in nil.
func (c *cons) length() (int, bool) {
	n := 1
	for {
		next, ok := c.cdr.o.(*cons)
		if !ok {
			return n, c.cdr.IsNil()
		}
		c, n = next, n+1
	}
}

// newList makes a list and charges for it before it is made.
func (t *Thread) newList(items []Value) Value {
	t.alloc(int64(len(items)) * consSize)
	return listTail(items, Nil)
}

// cons makes a pair and charges for it.
func (t *Thread) cons(a, b Value) Value {
	t.alloc(consSize)
	return Value{o: &cons{a, b}}
}
