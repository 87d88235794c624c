package logs

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// rests: pumps can rest here.
const rests = true

// watcher looks after the pipes of all pumps that rest: one goroutine and one
// epoll descriptor instead of a goroutine each. That descriptor stands in the
// poller of the runtime itself (an epoll can wait for another, man 7 epoll), so
// that the watcher holds no thread and nothing wakes up while nothing comes.
//
// A pipe belongs either to the watcher or to the pump's goroutine. It changes
// hands under mu: whoever takes a pump out of resting has taken its pipe out of
// the epoll and starts the goroutine. What epoll reports is a number that is
// never used twice, not the descriptor, which may be another pipe by then.
type watcher struct {
	mu      sync.Mutex
	epoll   *os.File // nil before the first rest
	fd      int      // of it
	resting map[uint64]*Pump
	last    uint64 // number given out
	closed  bool   // or it failed: nobody rests any more
	done    chan struct{}
}

// rest takes a pump whose goroutine is about to end; the pump is not to be
// touched any more then. It is false, and the pump stays the caller's, when
// something is wished of it or there is nobody to watch.
func (w *watcher) rest(p *Pump, fd uintptr) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || p.wished() || !w.begin() {
		return false
	}
	w.last++
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT}
	event.Fd, event.Pad = int32(uint32(w.last)), int32(uint32(w.last>>32))
	if unix.EpollCtl(w.fd, unix.EPOLL_CTL_ADD, int(fd), &event) != nil {
		return false
	}
	p.token, p.fd = w.last, fd
	p.r.Store(nil)
	w.resting[p.token] = p
	return true
}

// rouse starts a pump that rests; false: it does not.
func (w *watcher) rouse(p *Pump) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.token == 0 {
		return false
	}
	w.start(p)
	return true
}

// start gives a pump its pipe back; mu is held.
func (w *watcher) start(p *Pump) {
	delete(w.resting, p.token)
	unix.EpollCtl(w.fd, unix.EPOLL_CTL_DEL, int(p.fd), nil) // it is in there: it rested
	p.token = 0
	go p.run()
}

// begin makes the epoll and starts to wait; mu is held.
func (w *watcher) begin() bool {
	if w.epoll != nil {
		return true
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return false // another pump tries again
	}
	if err := unix.SetNonblock(fd, true); err != nil { // os.NewFile gives only such ones to the poller
		unix.Close(fd)
		return false
	}
	w.fd, w.epoll = fd, os.NewFile(uintptr(fd), "epoll")
	w.resting, w.done = map[uint64]*Pump{}, make(chan struct{})
	go w.watch(w.epoll)
	return true
}

// watch starts the pumps whose pipes have something to say, until close.
func (w *watcher) watch(epoll *os.File) {
	defer close(w.done)
	events := make([]unix.EpollEvent, 64)
	n := 0
	take := func(fd uintptr) bool {
		var err error
		n, err = retry(func() (int, error) { return unix.EpollWait(int(fd), events, 0) })
		return n > 0 || err != nil
	}
	raw, err := epoll.SyscallConn()
	for err == nil {
		if err = raw.Read(take); err != nil || n <= 0 {
			break
		}
		w.mu.Lock()
		for _, e := range events[:n] {
			// Somebody may have started it since; then it is not there.
			if p := w.resting[uint64(uint32(e.Fd))|uint64(uint32(e.Pad))<<32]; p != nil {
				w.start(p)
			}
		}
		w.mu.Unlock()
	}
	w.giveUp()
}

// giveUp starts all that rest, as nobody else would ever look at them.
func (w *watcher) giveUp() *os.File {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, p := range w.resting {
		w.start(p)
	}
	return w.epoll
}

// close ends the watcher; pumps that still rest go on by themselves.
func (w *watcher) close() {
	if epoll := w.giveUp(); epoll != nil {
		epoll.Close()
		<-w.done
	}
}
