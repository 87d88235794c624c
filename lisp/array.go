package lisp

// array is a mutable vector. An array made by append may share its memory with the array it was made from; store knows
// how much of that memory is used, and the first change by aset! copies. To a program every array is its own.
type array struct {
	items  []Value
	store  *store
	frozen bool
}

type store struct{ used int }

func (*array) kind() Kind { return KindArray }

const (
	valueSize = 24
	arraySize = 48
)

// Array makes an array of copies of items.
func Array(items ...Value) Value {
	return arrayOf(append(make([]Value, 0, len(items)), items...))
}

// arrayOf makes an array that keeps items.
func arrayOf(items []Value) Value { return Value{o: &array{items: items}} }

// newArray makes an array that keeps items, which were not charged yet.
func (t *Thread) newArray(items []Value) Value {
	t.alloc(int64(len(items))*valueSize + arraySize)
	return arrayOf(items)
}

// makeItems takes memory for n elements, with the budget asked first.
func (t *Thread) makeItems(n int) []Value {
	t.alloc(int64(n)*valueSize + arraySize)
	return make([]Value, 0, n)
}

// extend is the array with more elements; the old array keeps its own.
func (t *Thread) extend(a *array, more []Value) Value {
	if a.store != nil && a.store.used == len(a.items) && cap(a.items)-len(a.items) >= len(more) {
		t.alloc(arraySize)
		items := append(a.items, more...)
		a.store.used = len(items)
		return Value{o: &array{items: items, store: a.store}}
	}
	size := max(8, 2*(len(a.items)+len(more)))
	t.alloc(int64(size)*valueSize + arraySize + 8)
	items := append(append(make([]Value, 0, size), a.items...), more...)
	return Value{o: &array{items: items, store: &store{used: len(items)}}}
}

// change makes sure that changing an element of a is allowed and changes no other array.
func (t *Thread) change(a *array) {
	if a.frozen {
		t.fail("value", "cannot change this array: it is frozen")
	}
	if a.store == nil {
		return
	}
	t.alloc(int64(len(a.items)) * valueSize)
	a.items = append(make([]Value, 0, len(a.items)), a.items...)
	a.store = nil
}
