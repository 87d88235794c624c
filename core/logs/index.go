package logs

import "time"

// index remembers when which part of a stream of bytes came, coarsely and in
// bounded room, so that "the last ten minutes" can be found in text without
// timestamps. When it is full, neighbours are merged and the grain doubles.
type index struct {
	spans []span
	grain int64 // nanoseconds
}

// span: the bytes from off up to the next span's came between first and last.
type span struct{ off, first, last int64 }

const (
	indexSpans = 256
	indexGrain = int64(100 * time.Millisecond)
)

// add notes that the bytes from off on came at the time now.
func (x *index) add(off, now int64) {
	if n := len(x.spans); n > 0 {
		s := &x.spans[n-1]
		if now < s.last { // the clock was set back
			now = s.last
		}
		if now-s.first < max(x.grain, indexGrain) {
			s.last = now
			return
		}
	}
	if len(x.spans) == indexSpans {
		half := x.spans[:0]
		for i := 0; i+1 < indexSpans; i += 2 {
			half = append(half, span{x.spans[i].off, x.spans[i].first, x.spans[i+1].last})
		}
		x.spans = half
		x.grain = 2 * max(x.grain, indexGrain)
	}
	x.spans = append(x.spans, span{off, now, now})
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
