package core

import (
	"context"
	"sync"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
)

// Cause says who made something happen, and with which words. The zero Cause means: nobody, it happened by itself.
type Cause struct {
	Who  string // "uid 1000 pid 77", "config", "hook"; "supervisord" for what the restart policy does
	What string // the form: `(restart "web")`
}

type causeKey struct{}

// WithCause returns a context whose operations are written into the journal with this cause.
func WithCause(ctx context.Context, c Cause) context.Context {
	return context.WithValue(ctx, causeKey{}, c)
}

// CauseOf is the Cause of a context, zero when it has none.
func CauseOf(ctx context.Context) Cause {
	c, _ := ctx.Value(causeKey{}).(Cause)
	return c
}

// Event is one thing that happened to a process. From equals To when the state did not change (a KILL, a tuning).
type Event struct {
	Seq   uint64    // 1 for the first event of a daemon, without gaps
	At    time.Time // for display
	Name  string
	From  State
	To    State
	PID   int
	Exit  *child.Exit // when a life ended with this event
	Cause Cause
	Note  string // the reason, or what happened beside the states

	// Daemon: it happened to the daemon and not to a process. Name is then which part of it, such as "hook:3", which no
	// process can be called, and the states mean nothing.
	Daemon bool
}

// Journal is a ring of the last events. All methods may be called from anywhere; writing never waits for a reader, and a
// slow reader is told how much it missed.
type Journal struct {
	mu   sync.Mutex
	ring []Event // grows up to size, then wraps
	size int
	last uint64        // Seq of the newest event
	more chan struct{} // closed at the next event; nil while nobody waits
}

// NewJournal makes a ring of size events; less than one means one.
func NewJournal(size int) *Journal { return &Journal{size: max(1, size)} }

// Add gives the event its number, stores it and wakes who waits. An At that is zero becomes now.
func (j *Journal) Add(e Event) uint64 {
	if e.At.IsZero() {
		e.At = wallClock()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	e.Seq = j.last
	if len(j.ring) < j.size {
		j.ring = append(j.ring, e)
	} else {
		j.ring[int((e.Seq-1)%uint64(j.size))] = e
	}
	j.wakeLocked()
	return e.Seq
}

// wake lets those who hold Next look again although there is no event.
func (j *Journal) wake() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wakeLocked()
}

func (j *Journal) wakeLocked() {
	if j.more != nil {
		close(j.more)
		j.more = nil
	}
}

// Next is closed at the next event, and now and then without one. Who takes it before looking misses nothing.
func (j *Journal) Next() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.more == nil {
		j.more = make(chan struct{})
	}
	return j.more
}

// Last is the number of the newest event, 0 when there is none: the cursor to take before acting.
func (j *Journal) Last() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// Since returns the events after seq, the oldest first, at most max of them (0 or less: all), and how many after seq were
// already overwritten. The next cursor is the Seq of the last one returned.
func (j *Journal) Since(seq uint64, max int) (events []Event, missed uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if seq >= j.last {
		return nil, 0
	}
	oldest := j.last - uint64(len(j.ring)) + 1
	first := seq + 1
	if first < oldest {
		missed = oldest - first
		first = oldest
	}
	n := int(j.last - first + 1)
	if max > 0 && n > max {
		n = max
	}
	events = make([]Event, n)
	for i := range events {
		events[i] = j.ring[int((first+uint64(i)-1)%uint64(j.size))]
	}
	return events, missed
}

// Wait returns nil once there is an event after seq, at once if there is one already, or the error of ctx.
func (j *Journal) Wait(ctx context.Context, seq uint64) error {
	for {
		more := j.Next()
		if j.Last() > seq {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
