package lisp

// mergeSort is stable and asks about n log n pairs, fewer than sort.Stable does.
func mergeSort(items, spare []Value, less func(a, b Value) bool) {
	if len(items) <= 8 {
		for i := 1; i < len(items); i++ {
			v := items[i]
			j := i
			for ; j > 0 && less(v, items[j-1]); j-- {
				items[j] = items[j-1]
			}
			items[j] = v
		}
		return
	}
	mid := len(items) / 2
	mergeSort(items[:mid], spare[:mid], less)
	mergeSort(items[mid:], spare[mid:], less)
	if !less(items[mid], items[mid-1]) {
		return
	}
	copy(spare, items)
	i, j := 0, mid
	for k := range items {
		switch {
		case i >= mid:
			items[k] = spare[j]
			j++
		case j >= len(items) || !less(spare[j], spare[i]):
			items[k] = spare[i]
			i++
		default:
			items[k] = spare[j]
			j++
		}
	}
}

func sortPrim(t *Thread, args []Value) Value {
	coll := args[len(args)-1]
	less := func(a, b Value) bool { t.charge(1); return t.order(a, b) < 0 }
	if len(args) == 2 {
		f := args[0]
		if f.Kind() != KindFunction {
			t.badArg("sort", 1, f, "function")
		}
		less = func(a, b Value) bool { return t.call2(f, a, b).Truthy() }
	}
	return t.sorted(coll, less)
}

func (t *Thread) sorted(coll Value, less func(a, b Value) bool) Value {
	elements := t.elements(coll, "sort")
	items := append(t.makeItems(len(elements)), elements...)
	mergeSort(items, append(t.makeItems(len(items)), items...), less)
	return t.like(coll, items)
}

func sortBy(t *Thread, args []Value) Value {
	elements := t.elements(args[1], "sort")
	t.alloc(int64(len(elements)) * (valueSize + consSize))
	pairs := make([]Value, len(elements))
	for i, v := range elements {
		pairs[i] = Cons(t.call1(args[0], v), v)
	}
	mergeSort(pairs, append(t.makeItems(len(pairs)), pairs...), func(a, b Value) bool {
		t.charge(1)
		return t.order(a.o.(*cons).car, b.o.(*cons).car) < 0
	})
	for i, p := range pairs {
		pairs[i] = p.o.(*cons).cdr
	}
	return t.like(args[1], pairs)
}
