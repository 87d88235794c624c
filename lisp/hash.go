package lisp

import "hash/maphash"

// Hash is a table that keeps the order in which its keys came. Keys are strings, symbols, integers, characters and
// booleans; keys of different types never meet. A Hash belongs to one goroutine unless it is frozen.
//
// Entries stand in one slice in order. Above a handful of entries an open-addressed index finds them; a deleted entry
// leaves a hole that is closed when half are holes.
type Hash struct {
	entries []entry
	index   []int32 // position in entries plus one; 0 is free, -1 was deleted
	live    int
	frozen  bool
}

type entry struct {
	key, val Value
	sum      uint32
	live     bool
}

const (
	smallHash = 8 // up to here a scan is faster than an index
	entrySize = 56
	hashSize  = 72
)

func (*Hash) kind() Kind { return KindHash }

// hashSeed makes the places of strings unpredictable, so that nobody can flood a table.
var hashSeed = maphash.MakeSeed()

// NewHash makes an empty table.
func NewHash() *Hash { return &Hash{} }

// NewHashSized makes an empty table with room for n keys.
func NewHashSized(n int) *Hash { return &Hash{entries: make([]entry, 0, n)} }

// HashValue makes a table a Value; both name the same table.
func HashValue(h *Hash) Value { return Value{o: h} }

// AsHash gives a table.
func (v Value) AsHash() (*Hash, bool) { h, ok := v.o.(*Hash); return h, ok }

// Len is the number of keys.
func (h *Hash) Len() int { return h.live }

// sumOf gives the hash sum of a key; false when v cannot be a key.
func sumOf(v Value) (uint32, bool) {
	switch o := v.o.(type) {
	case nil:
		return mix(uint64(v.n)), true
	case *text:
		return uint32(maphash.String(hashSeed, o.s)), true
	case *symbol:
		return uint32(maphash.String(hashSeed, o.name)) ^ 0x9e3779b9, true
	case *charTag:
		return mix(uint64(v.n) + 0x51ed27), true
	case *boolTag:
		return mix(uint64(v.n) + 0xabcdef), true
	case *bigInt:
		return uint32(maphash.Bytes(hashSeed, o.i.Bytes())), true
	}
	return 0, false
}

func mix(x uint64) uint32 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return uint32(x ^ x>>32)
}

// sameKey compares two keys of equal sum.
func sameKey(a, b Value) bool {
	switch x := a.o.(type) {
	case nil:
		return b.o == nil && a.n == b.n
	case *text:
		y, ok := b.o.(*text)
		return ok && x.s == y.s
	case *symbol:
		y, ok := b.o.(*symbol)
		return ok && x.name == y.name
	case *charTag:
		_, ok := b.o.(*charTag)
		return ok && a.n == b.n
	case *boolTag:
		_, ok := b.o.(*boolTag)
		return ok && a.n == b.n
	case *bigInt:
		y, ok := b.o.(*bigInt)
		return ok && x.i.Cmp(&y.i) == 0
	}
	return false
}

// find gives the place of a key in entries, or -1.
func (h *Hash) find(key Value, sum uint32) int {
	if h.index == nil {
		for i := range h.entries {
			e := &h.entries[i]
			if e.sum == sum && e.live && sameKey(e.key, key) {
				return i
			}
		}
		return -1
	}
	mask := uint32(len(h.index) - 1)
	for at := sum & mask; ; at = (at + 1) & mask {
		slot := h.index[at]
		if slot == 0 {
			return -1
		}
		if slot > 0 {
			e := &h.entries[slot-1]
			if e.sum == sum && sameKey(e.key, key) {
				return int(slot - 1)
			}
		}
	}
}

// Get gives the value of a key.
func (h *Hash) Get(key Value) (Value, bool) {
	sum, ok := sumOf(key)
	if !ok {
		return Nil, false
	}
	if i := h.find(key, sum); i >= 0 {
		return h.entries[i].val, true
	}
	return Nil, false
}

// GetString gives the value of a string key.
func (h *Hash) GetString(key string) (Value, bool) { return h.Get(String(key)) }

// Set gives a key a value: a new key comes last, a known one keeps its place. It fails when k cannot be a key or the
// table is frozen.
func (h *Hash) Set(k, v Value) error {
	if h.frozen {
		return Errorf("value", "cannot change this hash: it is frozen")
	}
	sum, ok := sumOf(k)
	if !ok {
		return badKey(k)
	}
	h.put(k, v, sum)
	return nil
}

func badKey(k Value) *Error {
	return Errorf("type", "cannot use %s as a key of a hash: want string, symbol, int, char or bool", article(wordFor(k)))
}

// SetString gives a string key a value. A frozen table is not changed.
func (h *Hash) SetString(key string, v Value) {
	if h.frozen {
		return
	}
	k := String(key)
	sum, _ := sumOf(k)
	h.put(k, v, sum)
}

func (h *Hash) put(k, v Value, sum uint32) {
	if i := h.find(k, sum); i >= 0 {
		h.entries[i].val = v
		return
	}
	if h.index == nil && len(h.entries) >= smallHash || h.index != nil && len(h.entries)*4 >= len(h.index)*3 {
		h.rebuild()
	}
	h.entries = append(h.entries, entry{k, v, sum, true})
	h.live++
	if h.index != nil {
		h.link(sum, len(h.entries))
	}
}

// grows says how many bytes the next new key may take.
func (h *Hash) grows() int64 {
	if len(h.entries) < cap(h.entries) {
		return 0
	}
	return int64(cap(h.entries)+4)*entrySize + int64(len(h.index))*8
}

func (h *Hash) link(sum uint32, slot int) {
	mask := uint32(len(h.index) - 1)
	at := sum & mask
	for h.index[at] > 0 {
		at = (at + 1) & mask
	}
	h.index[at] = int32(slot)
}

// rebuild closes the holes and makes an index with room for as many keys again.
func (h *Hash) rebuild() {
	if h.live < len(h.entries) {
		kept := h.entries[:0]
		for _, e := range h.entries {
			if e.live {
				kept = append(kept, e)
			}
		}
		clear(h.entries[len(kept):])
		h.entries = kept
	}
	if h.live < smallHash {
		h.index = nil
		return
	}
	size := 32
	for size*3 < (h.live+1)*2*4 {
		size *= 2
	}
	h.index = make([]int32, size)
	for i, e := range h.entries {
		h.link(e.sum, i+1)
	}
}

// Delete removes a key; it answers whether it was there. A frozen table is not changed.
func (h *Hash) Delete(key Value) bool {
	sum, ok := sumOf(key)
	if !ok || h.frozen {
		return false
	}
	i := h.find(key, sum)
	if i < 0 {
		return false
	}
	if h.index != nil {
		mask := uint32(len(h.index) - 1)
		at := sum & mask
		for h.index[at] != int32(i+1) {
			at = (at + 1) & mask
		}
		h.index[at] = -1
	}
	h.entries[i] = entry{}
	h.live--
	if h.live*2 < len(h.entries) {
		h.rebuild()
	}
	return true
}

// Each calls f for every key in order until f answers false. f must not change the table.
func (h *Hash) Each(f func(k, v Value) bool) {
	for i := range h.entries {
		if e := &h.entries[i]; e.live && !f(e.key, e.val) {
			return
		}
	}
}

// Freeze makes the table and all tables and arrays in it unchangeable, so that any number of evaluations may share it.
func (h *Hash) Freeze() { freeze(HashValue(h)) }

// freeze walks with a list of work, so that deep data cannot exhaust the stack.
func freeze(v Value) {
	work := []Value{v}
	for len(work) > 0 {
		v, work = work[len(work)-1], work[:len(work)-1]
		switch o := v.o.(type) {
		case *Hash:
			if !o.frozen {
				o.frozen = true
				for _, e := range o.entries {
					if e.live {
						work = append(work, e.key, e.val)
					}
				}
			}
		case *array:
			if !o.frozen {
				o.frozen = true
				o.items = append([]Value(nil), o.items...)
				o.store = nil
				work = append(work, o.items...)
			}
		case *cons:
			work = append(work, o.car, o.cdr)
		case *text:
			if o.tail != nil {
				o.tail = nil
			}
		}
	}
}

// clone copies a table, without the holes.
func (h *Hash) clone() *Hash {
	out := &Hash{entries: make([]entry, 0, h.live+1), live: h.live}
	for _, e := range h.entries {
		if e.live {
			out.entries = append(out.entries, e)
		}
	}
	if h.index != nil {
		out.rebuild()
	}
	return out
}

// setHash is hset! for the evaluator: it asks the budget first.
func (t *Thread) setHash(h *Hash, k, v Value) {
	if h.frozen {
		t.fail("value", "cannot change this hash: it is frozen")
	}
	sum, ok := sumOf(k)
	if !ok {
		panic(badKey(k))
	}
	if grow := h.grows(); grow > 0 {
		t.alloc(grow)
	}
	h.put(k, v, sum)
}

// pairs is a snapshot of the entries as (key . value) pairs, so that a callback may change the table.
func (t *Thread) pairs(h *Hash) []Value {
	t.alloc(int64(h.live) * (valueSize + consSize))
	out := make([]Value, 0, h.live)
	for i := range h.entries {
		if e := &h.entries[i]; e.live {
			out = append(out, Cons(e.key, e.val))
		}
	}
	return out
}

// article puts the indefinite article before a word.
func article(word string) string {
	switch {
	case word == "nil" || word == "":
		return word
	case word[0] == 'a' || word[0] == 'e' || word[0] == 'i' || word[0] == 'o':
		return "an " + word
	}
	return "a " + word
}
