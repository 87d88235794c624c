package core

import (
	"sync"
	"time"
)

// launches carries out launches, some at a time, first come first served: what waits here is a pointer, while a goroutine for
// each of a thousand would leave holes among the stacks of those that stay. One that takes long (exec may hang for ever, and a
// file system with it) loses its place to the next, so no number of them keeps the others back for longer than launchSlow.
type launches struct {
	mu      sync.Mutex
	waiting []func()
	busy    int
}

// A fork waits for its exec and two threads fork, so three keep them busy; more would only need more threads.
const (
	launchesAtOnce = 3
	launchSlow     = 100 * time.Millisecond
)

// add has the job done in another goroutine. It does not wait.
func (l *launches) add(job func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, job)
	l.hire()
}

// hire starts a worker if there is work and a place. The lock is held.
func (l *launches) hire() {
	if len(l.waiting) > 0 && l.busy < launchesAtOnce {
		l.busy++
		go l.work()
	}
}

// work does jobs until there is none, or until its own took so long that somebody else has its place.
func (l *launches) work() {
	for job := l.next(); job != nil; job = l.next() {
		slow := time.AfterFunc(launchSlow, l.replace)
		job()
		if !slow.Stop() {
			return
		}
	}
}

// next takes a job; nil when there is none, and then the worker's place is free.
func (l *launches) next() func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.waiting = nil
		l.busy--
		return nil
	}
	job := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	return job
}

// replace gives the place of a worker whose job takes long to another.
func (l *launches) replace() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
	l.hire()
}
