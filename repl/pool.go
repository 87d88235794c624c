package repl

import (
	"container/list"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// young is how long a new connection, or a new evaluation, is not closed for want of descriptors: most are through by then, also
// where forty endless programs have the processors.
const young = 100 * time.Millisecond

// spare is how many connections more than its limit a pool holds while they are new: many that connect at once must not close
// one whose request is on its way.
const spare = 512

// pool is the connections of one transport. Its rule: a new connection is never refused; when there are too many, the
// one that has been idle for longest is closed, once it has had its chance. Idle is every connection whose request has not been
// read completely, so a client that sends its header a byte a second is as idle as one that sends nothing. Streams are counted apart.
type pool struct {
	limit                  int           // of connections that do not stream
	chance                 time.Duration // that a connection is idle before it is closed for another, unless there are spare ones too many
	sweep                  *time.Timer   // runs while more than limit are held; guarded by mu
	scarce                 func(fd uintptr) (low, veryLow bool)
	maxEvals, maxStreams   int
	unread                 func(*conn, []byte) // told of an answer that no handler gave; nil: nobody is
	mu                     sync.Mutex
	idle                   *list.List // of *conn, idle for longest first
	low                    *list.List // of *conn, of those that evaluate or stream the ones with one of the last descriptors, oldest first
	evals, streams, others int        // connections evaluating, streaming, and answering something else
	draining               bool
}

func newPool(limit int, chance time.Duration, evals, streams int, scarce func(uintptr) (low, veryLow bool)) *pool {
	if scarce == nil {
		scarce = func(uintptr) (bool, bool) { return false, false }
	}
	return &pool{limit: limit, chance: chance, scarce: scarce, maxEvals: evals, maxStreams: streams, idle: list.New(), low: list.New()}
}

// use is what a connection is doing.
type use int

const (
	useIdle use = iota
	useEval
	useStream
	useOther
	useEnding // its reply is on the way out; counted as others are
	useClosed
)

// conn is a connection that its pool knows. It ends up in http's hands, directly or under TLS.
type conn struct {
	net.Conn
	pool  *pool
	use   use           // guarded by pool.mu
	slot  *list.Element // in pool.idle while idle, in pool.low while busy there; nil else; guarded by pool.mu
	since time.Time     // of the last change between idle and busy; guarded by pool.mu

	hearing hearing     // guarded by pool.mu
	spoke   atomic.Bool // something has come since it became idle

	low, veryLow bool                 // its descriptor is one of the last
	peer         func() (Peer, error) // who is at the other end, asked for once
}

// add makes a new connection known, and makes room for it.
func (p *pool) add(c net.Conn) *conn {
	low, veryLow := p.scarcity(c)
	n := &conn{Conn: c, pool: p, low: low, veryLow: veryLow, since: time.Now(), peer: sync.OnceValues(func() (Peer, error) { return peerOf(c) })}
	p.mu.Lock()
	n.slot = p.idle.PushBack(n)
	victims := p.surplus()
	if veryLow && old(p.idle.Front()) { // no new one: a command may have two, and two commands come at once
		victims = append(victims, p.take(p.idle.Front()))
	}
	if p.draining {
		victims = append(victims, n)
	}
	p.mu.Unlock()
	closeAll(victims)
	return n
}

// surplus takes out what is too much. What is too new for that is taken out later. The caller holds p.mu, and closes what it gets
// without it.
func (p *pool) surplus() []*conn {
	var victims []*conn
	for p.idle.Len() > 1 {
		held := p.idle.Len() + p.evals + p.others
		if held <= p.limit {
			break
		}
		longest := p.idle.Front()
		if left := p.chance - time.Since(longest.Value.(*conn).since); left > 0 {
			if held <= p.limit+spare {
				p.sweepIn(left)
				break
			}
			longest = p.silent(longest)
		}
		victims = append(victims, p.take(longest))
	}
	return victims
}

// crowded tells whether more connections are held than are to stay.
func (p *pool) crowded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.idle.Len()+p.evals+p.others > p.limit
}

// silent is the connection that has been idle for longest of those in the older half that have sent nothing since, else longest.
// Who crowds others out by connecting alone does not close one whose request is being read; and the newer half has its chance.
// The caller holds p.mu.
func (p *pool) silent(longest *list.Element) *list.Element {
	e := longest
	for range p.idle.Len() / 2 {
		if !e.Value.(*conn).spoke.Load() {
			return e
		}
		e = e.Next()
	}
	return longest
}

// sweepIn looks again for what is too much, after a while; p.mu is held.
func (p *pool) sweepIn(d time.Duration) {
	if p.sweep != nil {
		return // it is no later: what is idle for longest only gets younger
	}
	p.sweep = time.AfterFunc(d, func() {
		p.mu.Lock()
		p.sweep = nil
		victims := p.surplus()
		p.mu.Unlock()
		closeAll(victims)
	})
}

func (p *pool) take(e *list.Element) *conn {
	c := p.idle.Remove(e).(*conn)
	c.use, c.slot = useClosed, nil
	return c
}

// scarcity tells whether the descriptor of a connection is one of the last that this process may have.
func (p *pool) scarcity(c net.Conn) (low, veryLow bool) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return false, false
	}
	raw, err := s.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { low, veryLow = p.scarce(fd) })
	}
	return low && err == nil, veryLow && err == nil
}

// evict closes the connection that has been idle for longest, else the one that took one of the last descriptors first and is
// busy since, but no new one; and tells whether it did.
func (p *pool) evict() bool {
	p.mu.Lock()
	var c *conn
	if e := p.idle.Front(); old(e) {
		c = p.take(e)
	} else if e := p.low.Front(); old(e) {
		c = e.Value.(*conn)
		c.leaveLow()
	}
	p.mu.Unlock()
	if c == nil {
		return false
	}
	c.Conn.Close()
	return true
}

// old tells whether an element's connection has been as it is for a while.
func old(e *list.Element) bool { return e != nil && time.Since(e.Value.(*conn).since) >= young }

// drain closes all idle connections, and from now on those that become idle.
func (p *pool) drain() {
	p.mu.Lock()
	p.draining = true
	var victims []*conn
	for e := p.idle.Front(); e != nil; e = p.idle.Front() {
		victims = append(victims, p.take(e))
	}
	p.mu.Unlock()
	closeAll(victims)
}

func closeAll(conns []*conn) {
	for _, c := range conns {
		c.Conn.Close()
	}
}

// outcome of conn.begin.
type outcome int

const (
	begun outcome = iota
	busy          // as many of this use as are allowed
	gone          // the connection was closed to make room
)

// begin says that an idle connection is now of use u. Every begun one ends by done.
func (c *conn) begin(u use) outcome {
	o, victims := c.tryBegin(u)
	closeAll(victims)
	return o
}

// tryBegin also says whom to close. Where hardly a descriptor is left, the oldest of those that took one of the last is cut off
// for the new one: a command must get through, and whoever follows for hours can follow again.
func (c *conn) tryBegin(u use) (o outcome, victims []*conn) {
	p := c.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case c.use != useIdle:
		return gone, nil
	case u == useEval && p.evals >= p.maxEvals, u == useStream && p.streams >= p.maxStreams:
		return busy, nil
	}
	p.idle.Remove(c.slot)
	c.use, c.slot = u, nil
	c.since = time.Now()
	p.count(u, 1)
	if c.low && (u == useStream || u == useEval) {
		if oldest := p.low.Front(); c.veryLow && old(oldest) {
			victims = append(victims, oldest.Value.(*conn))
			victims[0].leaveLow()
		}
		c.slot = p.low.PushBack(c)
	}
	return begun, victims
}

// leaveLow takes a busy connection out of pool.low; p.mu is held.
func (c *conn) leaveLow() {
	if c.use != useIdle && c.slot != nil {
		c.pool.low.Remove(c.slot)
		c.slot = nil
	}
}

// done says that the handler is through. The connection is idle, and may be closed to make room, only once http has sent
// the whole reply: see settled.
func (c *conn) done() {
	p := c.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.use == useClosed {
		return
	}
	c.leaveLow()
	p.count(c.use, -1)
	c.use = useEnding
	p.count(c.use, 1)
}

// settled says that the reply has been sent.
func (c *conn) settled() {
	p := c.pool
	p.mu.Lock()
	var victims []*conn
	c.hearing.taken = false
	c.spoke.Store(false)
	if c.use == useEnding {
		p.count(c.use, -1)
		c.use, c.since = useIdle, time.Now()
		c.slot = p.idle.PushBack(c)
		victims = p.surplus()
	}
	p.mu.Unlock()
	closeAll(victims)
}

func (p *pool) count(u use, by int) {
	switch u {
	case useEval:
		p.evals += by
	case useStream:
		p.streams += by
	case useOther, useEnding:
		p.others += by
	}
}

// Close forgets the connection and closes it.
func (c *conn) Close() error {
	p := c.pool
	p.mu.Lock()
	switch c.use {
	case useClosed:
	case useIdle:
		p.take(c.slot)
	default:
		c.leaveLow()
		p.count(c.use, -1)
		c.use = useClosed
	}
	p.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite ends the sending half, so that a client still sending reads the reply before the connection is reset.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// listener makes every accepted connection known to a pool.
type listener struct {
	net.Listener
	pool *pool
}

// Accept is the next connection. When the process is out of descriptors an idle connection gives its own. (That is rare: the
// others leave the last ones free, and a system that has none left says so before anybody connects.)
func (l *listener) Accept() (net.Conn, error) {
	if l.pool.crowded() {
		runtime.Gosched() // those that came before are heard before more come: else a burst is taken in before anybody was read
	}
	for {
		c, err := l.Listener.Accept()
		if err == nil {
			return l.pool.add(c), nil
		}
		if !outOfFiles(err) || !l.pool.evict() {
			return nil, err
		}
	}
}
