package logs

// ring holds the last bytes of a stream in memory. It owns nothing until
// something is kept and grows by doubling up to the limit it is given.
type ring struct {
	buf  []byte
	n    int   // bytes held
	head int   // where the next byte goes
	end  int64 // stream offset behind the newest byte
}

const ringFirst = 512

// start is the stream offset of the oldest byte held.
func (r *ring) start() int64 { return r.end - int64(r.n) }

// add appends p and keeps at most limit bytes; with limit 0 it only counts.
func (r *ring) add(p []byte, limit int) {
	r.end += int64(len(p))
	if limit <= 0 {
		r.buf, r.n, r.head = nil, 0, 0
		return
	}
	if len(p) > limit {
		p = p[len(p)-limit:]
	}
	if want := min(r.n+len(p), limit); want > len(r.buf) || len(r.buf) > limit {
		size := ringFirst
		for size < want {
			size *= 2
		}
		r.resize(min(size, limit))
	}
	for len(p) > 0 {
		k := copy(r.buf[r.head:], p)
		p = p[k:]
		r.head = (r.head + k) % len(r.buf)
		r.n = min(r.n+k, len(r.buf))
	}
}

// resize keeps the newest bytes that fit.
func (r *ring) resize(size int) {
	buf := make([]byte, size)
	keep := min(r.n, size)
	at := r.end0() - keep
	for i := 0; i < keep; {
		i += copy(buf[i:keep], r.span(at+i))
	}
	r.buf, r.n = buf, keep
	r.head = keep % size
}

// end0 is the index behind the newest byte, counted so that it never wraps below 0.
func (r *ring) end0() int { return r.head + len(r.buf) }

// span is the longest piece in one stretch from the index at (may exceed the length once).
func (r *ring) span(at int) []byte {
	if len(r.buf) == 0 {
		return nil
	}
	return r.buf[at%len(r.buf):]
}

// read copies what the ring holds from the offset off on, at most len(dst).
func (r *ring) read(off int64, dst []byte) int {
	if off < r.start() || off >= r.end {
		return 0
	}
	have := int(r.end - off)
	want := min(have, len(dst))
	at := r.end0() - have
	for i := 0; i < want; {
		i += copy(dst[i:want], r.span(at+i))
	}
	return want
}
