package lisp

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestHashAgainstMap holds a Hash to what a Go map and a list of keys say, through insertions, changes and removals in
// phases that make it grow and shrink.
func TestHashAgainstMap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	key := func(i int) Value {
		switch i % 5 {
		case 0:
			return String(fmt.Sprint("k", i))
		case 1:
			return Sym(fmt.Sprint("k", i))
		case 2:
			return Char(rune(i))
		case 3:
			return Int(-int64(i) << 40)
		}
		return Int(int64(i))
	}
	h, want := NewHash(), map[int]int{}
	var order []int
	for step := range 60_000 {
		i := random.IntN(1 + step%2000)
		if random.IntN(10) < 3+4*(step/10_000%2) { // phases that remove more than they add
			_, had := want[i]
			if got := h.Delete(key(i)); got != had {
				t.Fatalf("step %d: Delete(%d) is %v, want %v", step, i, got, had)
			}
			delete(want, i)
			for at, k := range order {
				if k == i {
					order = append(order[:at], order[at+1:]...)
					break
				}
			}
		} else {
			if _, had := want[i]; !had {
				order = append(order, i)
			}
			want[i] = step + 1
			if err := h.Set(key(i), Int(int64(step+1))); err != nil {
				t.Fatal(err)
			}
		}
		if v, ok := h.Get(key(i)); ok != (want[i] != 0) || ok && v.n != int64(want[i]) {
			t.Fatalf("step %d: Get(%d) is %v %v, want %v", step, i, v, ok, want[i])
		}
		if step%500 != 0 {
			continue
		}
		var keys []Value
		h.Each(func(k, v Value) bool { keys = append(keys, k); return true })
		if len(keys) != len(order) || h.Len() != len(order) {
			t.Fatalf("step %d: %d keys, Len %d, want %d", step, len(keys), h.Len(), len(order))
		}
		for at, k := range order {
			if !Equal(keys[at], key(k)) {
				t.Fatalf("step %d: key %d is %s, want %s", step, at, Print(keys[at]), Print(key(k)))
			}
		}
		if c := h.clone(); !Equal(HashValue(c), HashValue(h)) {
			t.Fatalf("step %d: a clone is different", step)
		}
	}
}

// TestHashGivesBackRoom: a table that was large and is emptied holds little.
func TestHashGivesBackRoom(t *testing.T) {
	h := NewHash()
	for i := range 10_000 {
		h.put(Int(int64(i)), Nil)
	}
	for i := range 9_990 {
		h.Delete(Int(int64(i)))
	}
	if cap(h.entries) > 100 || len(h.index) > 200 {
		t.Errorf("room for %d entries and an index of %d for %d keys", cap(h.entries), len(h.index), h.Len())
	}
	if v, ok := h.Get(Int(9_995)); !ok || !v.IsNil() {
		t.Errorf("lost a key: %v %v", v, ok)
	}
}

// TestTablesOfTheSameKeysAreTables holds a table that was made by Keys to one that was filled key by key, and apart from the others.
func TestTablesOfTheSameKeysAreTables(t *testing.T) {
	for _, n := range []int{1, 8, 9, 17, 40} {
		names, values, filled := make([]string, n), make([]Value, n), NewHash()
		for i := range n {
			names[i], values[i] = fmt.Sprint("k", i), Int(int64(i))
			filled.SetString(names[i], values[i])
		}
		keys := NewKeys(names...)
		one, other := keys.Hash(values...), keys.Hash(values...)
		if !Equal(HashValue(one), HashValue(filled)) || one.Len() != n {
			t.Errorf("%d keys: got %s, want %s", n, Print(HashValue(one)), Print(HashValue(filled)))
		}
		for i := range 2 * n { // it grows, and its keys are found
			one.SetString(fmt.Sprint("more", i), Nil)
		}
		one.SetString("k0", String("changed"))
		if v, ok := one.GetString(names[n-1]); !ok || n > 1 && !Equal(v, values[n-1]) {
			t.Errorf("%d keys: the last is %s, %v", n, Print(v), ok)
		}
		if !Equal(HashValue(other), HashValue(filled)) {
			t.Errorf("%d keys: a change of one table is in the other: %s", n, Print(HashValue(other)))
		}
	}
}

func TestAppendPrintAppendsWhatPrintWrites(t *testing.T) {
	for _, v := range []Value{Nil, Int(7), String(`a"b`), Array(Int(1), Array(), Nil)} {
		if got := string(AppendPrint([]byte("x"), v)); got != "x"+Print(v) {
			t.Errorf("got %s, want x%s", got, Print(v))
		}
	}
}
