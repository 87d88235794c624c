package repl

import (
	"sync"
	"time"
)

// Refusal is a request that was not let in, for the record.
type Refusal struct {
	Peer    Peer
	Method  string // "" of what could not be read as a request
	Path    string // without the query
	Status  int    // of HTTP; the peer may have heard 429 instead
	Message string // why
	Count   int    // how many requests of this peer were refused in this hour, with this one
	Last    bool   // no other refusal of this hour is told: somebody floods
}

// The bounds of what is told in an hour: of one peer, and of all. They keep a stranger from pushing out of a rotated log what
// is worth reading.
const (
	toldOfPeer = 10
	toldInHour = 200
)

// refusals chooses which refused requests are told. A peer's first ten of an hour are, after these the hundredth, the
// thousandth and so on, so that the size of an attack shows; of all peers together, two hundred.
type refusals struct {
	mu     sync.Mutex
	hour   int64
	told   int
	counts map[string]int
}

// count counts a refusal of a peer. n is its number in this hour; told, whether it is to be told, and last, whether it is the
// last one that is.
func (r *refusals) count(peer Peer, now time.Time) (n int, told, last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if hour := now.Unix() / 3600; hour != r.hour || r.counts == nil {
		r.hour, r.told, r.counts = hour, 0, map[string]int{}
	}
	if r.told == toldInHour {
		return 0, false, false
	}
	key := peer.key()
	r.counts[key]++ // no more peers than toldInHour: each one's first is told
	n = r.counts[key]
	if n > toldOfPeer && !powerOfTen(n) {
		return n, false, false
	}
	r.told++
	return n, true, r.told == toldInHour
}

func powerOfTen(n int) bool {
	for n > 1 && n%10 == 0 {
		n /= 10
	}
	return n == 1
}
