package lisp

import (
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync/atomic"
)

// Hash is a table that keeps the order in which its keys came. Keys are strings, symbols, integers, characters and
// booleans; keys of different types never meet. A Hash belongs to one goroutine unless it is frozen.
//
// Entries stand in one slice in order; a deleted one leaves a hole. Up to a handful of entries are searched one by one.
// Beyond that an open-addressed index finds them; it keeps the sums, so that a search touches only the entry it is for.
type Hash struct {
	entries []entry
	index   []slot // a power of two
	live    int
	frozen  bool
}

type entry struct{ key, val Value }

// slot leads to an entry.
type slot struct {
	at  uint32 // position in entries plus one; 0 is free
	sum uint32
}

// holeTag marks the key of an entry that was deleted.
type holeTag struct{}

func (*holeTag) kind() Kind { return kindInternal }

func (e *entry) live() bool { _, hole := e.key.o.(*holeTag); return !hole }

const (
	smallHash = 8 // up to here a scan is faster than an index
	entrySize = 48
	slotSize  = 8
	hashSize  = 72
)

func (*Hash) kind() Kind { return KindHash }

// hashSeed and intSeed make the places of keys unpredictable, so that nobody can flood a table.
var (
	hashSeed = maphash.MakeSeed()
	intSeed  = [2]uint64{rand.Uint64(), rand.Uint64() | 1}
)

// NewHash makes an empty table.
func NewHash() *Hash { return &Hash{} }

// NewHashSized makes an empty table with room for n keys.
func NewHashSized(n int) *Hash {
	h := &Hash{}
	if n > 0 {
		h.resize(n)
	}
	return h
}

// Keys are the keys of many tables, which have the same: where they belong is found once. It may be used concurrently.
type Keys struct{ like Hash }

// NewKeys takes strings that differ.
func NewKeys(names ...string) *Keys {
	k := &Keys{like: *NewHashSized(len(names))}
	for _, name := range names {
		k.like.SetString(name, Nil)
	}
	return k
}

// Hash makes a table of the keys with one value for each, in their order.
func (k *Keys) Hash(values ...Value) *Hash {
	h := &Hash{entries: make([]entry, len(k.like.entries)), index: slices.Clone(k.like.index), live: k.like.live}
	for i, e := range k.like.entries {
		h.entries[i] = entry{e.key, values[i]}
	}
	return h
}

// HashValue makes a table a Value; both name the same table.
func HashValue(h *Hash) Value { return Value{o: h} }

// AsHash gives a table.
func (v Value) AsHash() (*Hash, bool) { h, ok := v.o.(*Hash); return h, ok }

// Len is the number of keys.
func (h *Hash) Len() int { return h.live }

// isKey reports whether v can be a key.
func isKey(v Value) bool {
	switch v.o.(type) {
	case nil, *text, *symbol, *charTag, *boolTag, *bigInt:
		return true
	}
	return false
}

// sumOf gives the hash sum of a key; false when v cannot be a key.
func sumOf(v Value) (uint32, bool) {
	switch o := v.o.(type) {
	case nil:
		return mix(uint64(v.n)), true
	case *text:
		return sumOfText(o), true
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

// sumOfText gives the hash sum of a text. Texts are shared between evaluations, so their sum is noted atomically.
func sumOfText(x *text) uint32 {
	if sum := atomic.LoadUint32(&x.sum); sum != 0 {
		return sum
	}
	return noteSum(x)
}

func noteSum(x *text) uint32 {
	sum := uint32(maphash.String(hashSeed, x.s)) | 1
	atomic.StoreUint32(&x.sum, sum)
	return sum
}

func mix(x uint64) uint32 {
	hi, lo := bits.Mul64(x^intSeed[0], intSeed[1])
	x = hi ^ lo
	return uint32(x ^ x>>32)
}

// sameKey compares two keys.
func sameKey(a, b Value) bool {
	switch x := a.o.(type) {
	case nil:
		return b.o == nil && a.n == b.n
	case *text:
		y, ok := b.o.(*text)
		return ok && (x == y || x.s == y.s)
	case *symbol:
		y, ok := b.o.(*symbol)
		return ok && (x == y || x.name == y.name)
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
func (h *Hash) find(key Value) int {
	if h.index == nil {
		return h.scan(key)
	}
	if x, ok := key.o.(*text); ok {
		i, _ := h.probeText(x, sumOfText(x))
		return i
	}
	sum, ok := sumOf(key)
	if !ok {
		return -1
	}
	i, _ := h.probe(key, sum)
	return i
}

// scan searches the entries one by one.
func (h *Hash) scan(key Value) int {
	if x, ok := key.o.(*text); ok {
		for i := range h.entries {
			if y, ok := h.entries[i].key.o.(*text); ok && (x == y || x.s == y.s) {
				return i
			}
		}
		return -1
	}
	for i := range h.entries {
		if sameKey(key, h.entries[i].key) {
			return i
		}
	}
	return -1
}

// probe searches by the index: it gives the place of a key in entries, or -1 and the free slot where it would belong.
func (h *Hash) probe(key Value, sum uint32) (int, uint32) {
	index := h.index
	mask := uint32(len(index) - 1)
	for at := sum & mask; ; at = (at + 1) & mask {
		s := index[at]
		if s.at == 0 {
			return -1, at
		}
		if s.sum == sum && sameKey(key, h.entries[s.at-1].key) {
			return int(s.at - 1), at
		}
	}
}

// probeText is probe for a text, the commonest of keys. It mostly meets the very text that was put.
func (h *Hash) probeText(x *text, sum uint32) (int, uint32) {
	index := h.index
	mask := uint32(len(index) - 1)
	for at := sum & mask; ; at = (at + 1) & mask {
		s := index[at]
		if s.at == 0 {
			return -1, at
		}
		if s.sum == sum {
			if y, ok := h.entries[s.at-1].key.o.(*text); ok && (x == y || x.s == y.s) {
				return int(s.at - 1), at
			}
		}
	}
}

// Get gives the value of a key.
func (h *Hash) Get(key Value) (Value, bool) {
	if i := h.find(key); i >= 0 {
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
	if !isKey(k) {
		return badKey(k)
	}
	h.put(k, v)
	return nil
}

func badKey(k Value) *Error {
	return Errorf("type", "cannot use %s as a key of a hash: want string, symbol, int, char or bool", article(wordFor(k)))
}

// SetString gives a string key a value. A frozen table is not changed.
func (h *Hash) SetString(key string, v Value) {
	if !h.frozen {
		h.put(String(key), v)
	}
}

// put is Set for what is known to be a key.
func (h *Hash) put(k, v Value) {
	var sum, free uint32
	i := -1
	if h.index == nil {
		i = h.scan(k)
	} else if x, ok := k.o.(*text); ok {
		sum = sumOfText(x)
		i, free = h.probeText(x, sum)
	} else {
		sum, _ = sumOf(k)
		i, free = h.probe(k, sum)
	}
	if i >= 0 {
		h.entries[i].val = v
		return
	}
	if len(h.entries) == cap(h.entries) {
		h.makeRoom()
		if h.index != nil {
			sum, _ = sumOf(k)
			_, free = h.probe(k, sum)
		}
	}
	h.entries = append(h.entries, entry{k, v})
	h.live++
	if h.index != nil {
		h.index[free] = slot{uint32(len(h.entries)), sum}
	}
}

// sizes gives room for at least n entries, and the length of the index that belongs to it, which is never more than five
// eighths full.
func sizes(n int) (entries, index int) {
	switch {
	case n <= 2:
		return 2, 0
	case n <= 4:
		return 4, 0
	case n <= smallHash:
		return smallHash, 0
	}
	index = 32
	for index*5/8 < n {
		index *= 2
	}
	return index * 5 / 8, index
}

// grows says how many bytes the next new key may take.
func (h *Hash) grows() int64 {
	if len(h.entries) < cap(h.entries) {
		return 0
	}
	entries, index := sizes(len(h.entries) + 1)
	return int64(entries)*entrySize + int64(index)*slotSize
}

// makeRoom closes the holes when they are many, else it doubles the room.
func (h *Hash) makeRoom() {
	if h.live < len(h.entries)-len(h.entries)/4 {
		h.close()
		return
	}
	h.resize(len(h.entries) + 1)
}

// resize makes room for n entries.
func (h *Hash) resize(n int) {
	room, size := sizes(n)
	h.entries = append(make([]entry, 0, room), h.entries...)
	if size == len(h.index) {
		return
	}
	old := h.index
	h.index = make([]slot, size)
	if old == nil {
		h.link()
		return
	}
	for _, s := range old {
		if s.at != 0 {
			h.place(s)
		}
	}
}

// close removes the holes, and gives back room that is far too large.
func (h *Hash) close() {
	kept := h.entries[:0]
	if room, size := sizes(2 * h.live); room < cap(h.entries)/2 {
		kept, h.index = make([]entry, 0, room), make([]slot, size)
	}
	for i := range h.entries {
		if e := &h.entries[i]; e.live() {
			kept = append(kept, *e)
		}
	}
	clear(h.entries[len(kept):])
	h.entries = kept
	clear(h.index)
	if len(h.index) == 0 {
		h.index = nil
	}
	h.link()
}

// link puts all entries into an empty index, if there is one.
func (h *Hash) link() {
	if h.index == nil {
		return
	}
	for i := range h.entries {
		if e := &h.entries[i]; e.live() {
			sum, _ := sumOf(e.key)
			h.place(slot{uint32(i + 1), sum})
		}
	}
}

// place puts a slot where it belongs.
func (h *Hash) place(s slot) {
	mask := uint32(len(h.index) - 1)
	at := s.sum & mask
	for h.index[at].at != 0 {
		at = (at + 1) & mask
	}
	h.index[at] = s
}

// Delete removes a key; it answers whether it was there. A frozen table is not changed.
func (h *Hash) Delete(key Value) bool {
	if h.frozen {
		return false
	}
	i := h.find(key)
	if i < 0 {
		return false
	}
	// The slot goes on leading to the hole, so that what was put behind it is still found.
	h.entries[i] = entry{key: Value{o: (*holeTag)(nil)}}
	h.live--
	if h.live*2 < len(h.entries) {
		h.close()
	}
	return true
}

// Each calls f for every key in order until f answers false. f must not change the table.
func (h *Hash) Each(f func(k, v Value) bool) {
	for i := range h.entries {
		if e := &h.entries[i]; e.live() && !f(e.key, e.val) {
			return
		}
	}
}

// Freeze makes the table and all tables and arrays in it unchangeable, so that any number of evaluations may share it.
func (h *Hash) Freeze() { freeze(nil, HashValue(h)) }

// freeze walks with a list of work, so that deep data cannot exhaust the stack. t pays unless it is nil.
func freeze(t *Thread, v Value) {
	w := walk{t: t}
	work := []Value{v}
	add := func(v Value) {
		switch v.o.(type) {
		case *Hash, *array, *cons, *text:
			work = append(work, v)
		}
	}
	for len(work) > 0 {
		v, work = work[len(work)-1], work[:len(work)-1]
		switch o := v.o.(type) {
		case *Hash:
			if !o.frozen {
				o.frozen = true
				for i := range o.entries {
					if e := &o.entries[i]; e.live() {
						w.pay(1)
						add(e.key)
						add(e.val)
					}
				}
			}
		case *array:
			if !o.frozen {
				if t != nil {
					t.alloc(int64(len(o.items)) * valueSize)
				}
				o.frozen = true
				o.items = append([]Value(nil), o.items...)
				o.store = nil
				for _, item := range o.items {
					w.pay(1)
					add(item)
				}
			}
		case *cons:
			if !w.into(o) {
				continue
			}
			for {
				add(o.car)
				next, ok := o.cdr.o.(*cons)
				if !ok {
					add(o.cdr)
					break
				}
				w.pay(1)
				o = next
			}
		case *text:
			if o.tail != nil {
				o.tail = nil
			}
		}
	}
}

// clone copies a table, without the holes.
func (h *Hash) clone() *Hash {
	out := NewHashSized(h.live)
	out.live = h.live
	for i := range h.entries {
		if e := &h.entries[i]; e.live() {
			out.entries = append(out.entries, *e)
		}
	}
	out.link()
	return out
}

// setHash is hset! for the evaluator: it asks the budget first.
func (t *Thread) setHash(h *Hash, k, v Value) {
	if h.frozen {
		t.fail("value", "cannot change this hash: it is frozen")
	}
	if !isKey(k) {
		t.throw(badKey(k))
	}
	if grow := h.grows(); grow > 0 {
		t.alloc(grow)
	}
	h.put(k, v)
}

// pairs is a snapshot of the entries as (key . value) pairs, so that a callback may change the table.
func (t *Thread) pairs(h *Hash) []Value {
	t.alloc(int64(h.live) * (valueSize + consSize))
	out := make([]Value, 0, h.live)
	for i := range h.entries {
		if e := &h.entries[i]; e.live() {
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
