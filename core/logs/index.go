package logs

import (
	"cmp"
	"slices"
	"time"
)

// index remembers when which part of a stream of bytes came, in bounded room, so
// that "the last ten minutes" can be found in text without timestamps: to a
// hundredth of a second at first, later to about a tenth of how long ago it was.
type index struct{ spans []span }

// span: the bytes from off up to the next span's came between first and last.
type span struct{ off, first, last int64 }

const (
	indexSpans = 256
	indexGrain = int64(10 * time.Millisecond)
)

// add notes that the bytes from off on came at the time now.
func (x *index) add(off, now int64) {
	if n := len(x.spans); n > 0 {
		s := &x.spans[n-1]
		if now < s.last { // the clock was set back
			now = s.last
		}
		if now-s.first < indexGrain {
			s.last = now
			return
		}
	}
	if len(x.spans) == indexSpans {
		x.thin(now)
	}
	x.spans = append(x.spans, span{off, now, now})
}

// thin merges neighbours that are short in comparison to how long ago they were,
// until there is room for some more.
func (x *index) thin(now int64) {
	for part := int64(64); len(x.spans) > indexSpans*7/8; part /= 2 {
		kept := x.spans[:0]
		for i, s := range x.spans {
			n := len(kept)
			if n > 0 && (part > 0 && s.last-kept[n-1].first <= (now-s.last)/part || part == 0 && i%2 == 1) {
				kept[n-1].last = s.last
				continue
			}
			kept = append(kept, s)
		}
		x.spans = kept
	}
}

// since is the first byte that may have come at or after t, or end. oldest
// says that this is where the index begins: bytes before it may be as young.
func (x *index) since(t, end int64) (off int64, oldest bool) {
	for i, s := range x.spans {
		if s.last >= t {
			return s.off, i == 0
		}
	}
	return end, len(x.spans) == 0
}

// copy is for a reader that looks at leisure.
func (x *index) copy() index { return index{slices.Clone(x.spans)} }

// at is when the byte at off came, zero when that is not known.
func (x *index) at(off int64) time.Time {
	i, found := slices.BinarySearchFunc(x.spans, off, func(s span, off int64) int { return cmp.Compare(s.off, off) })
	if !found {
		i--
	}
	if i < 0 {
		return time.Time{}
	}
	return time.Unix(0, x.spans[i].first)
}
