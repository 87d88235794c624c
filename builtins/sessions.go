package builtins

import (
	"context"
	"sync"
	"time"

	"github.com/qjpcpu/supervisord/lisp"
)

// The bounds of sessions.
const (
	mostSessions    = 64
	sessionLife     = time.Hour // without use
	longestSession  = 128       // bytes of an id
	longestProgName = 256       // bytes of a program's name
)

// session is a scope that outlives one program.
type session struct {
	env   *lisp.Env
	turn  chan struct{} // one program at a time
	users int           // programs that have it or wait for it; guarded by sessions.mu
	used  time.Time
	end   *time.Timer

	shadowed map[string]bool // verbs that mean something else here; replaced as a whole, guarded by sessions.mu
}

// sessions are the scopes by id. One that is not used for an hour is forgotten; over the bound the one that was not used
// for the longest time.
type sessions struct {
	mu   sync.Mutex
	all  map[string]*session
	base *lisp.Env
}

func newSessions(base *lisp.Env) *sessions {
	return &sessions{all: map[string]*session{}, base: base}
}

// open gives the scope of a session, when it is the caller's turn; close must be called afterwards.
func (s *sessions) open(ctx context.Context, id string) (scope *lisp.Env, close func(), err error) {
	if len(id) > longestSession {
		return nil, nil, lisp.Errorf(kindInvalid, "cannot open the session: its name has %d bytes, at most %d are allowed", len(id), longestSession)
	}
	found, err := s.hold(id)
	if err != nil {
		return nil, nil, err
	}
	select {
	case found.turn <- struct{}{}:
	case <-ctx.Done():
		s.release(id, found)
		return nil, nil, ctx.Err()
	}
	return found.env, func() {
		shadowed := shadowedVerbs(s.base, found.env)
		<-found.turn
		s.mu.Lock()
		found.shadowed = shadowed
		s.mu.Unlock()
		s.release(id, found)
	}, nil
}

func (s *sessions) hold(id string) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.all[id]
	if found == nil {
		if len(s.all) >= mostSessions && !s.forgetOldest() {
			return nil, lisp.Errorf(kindOverloaded, "cannot open the session: %d are in use", len(s.all))
		}
		found = &session{env: s.base.Child(), turn: make(chan struct{}, 1)}
		s.all[id] = found
	}
	found.users++
	if found.end != nil {
		found.end.Stop()
	}
	return found, nil
}

func (s *sessions) release(id string, one *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.users--; one.users > 0 {
		return
	}
	one.used = time.Now()
	one.end = time.AfterFunc(sessionLife, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		// The timer may have fired while the session was taken up again.
		if one.users == 0 && time.Since(one.used) >= sessionLife && s.all[id] == one {
			delete(s.all, id)
		}
	})
}

// forgetOldest makes room; false when all are in use. The caller holds the lock.
func (s *sessions) forgetOldest() bool {
	oldest := ""
	for id, one := range s.all {
		if one.users == 0 && (oldest == "" || one.used.Before(s.all[oldest].used)) {
			oldest = id
		}
	}
	if oldest == "" {
		return false
	}
	s.all[oldest].end.Stop()
	delete(s.all, oldest)
	return true
}

// shadows tells whether a word means something else than the verb in a session.
func (s *sessions) shadows(id, verb string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.all[id]
	return found != nil && found.shadowed[verb]
}

// shadowedVerbs are the verbs that a scope has given another meaning.
func shadowedVerbs(base, scope *lisp.Env) map[string]bool {
	var all map[string]bool
	for _, verb := range Verbs() {
		ours, _ := base.Lookup(verb.Name)
		here, _ := scope.Lookup(verb.Name)
		described, _ := scope.Doc(verb.Name)
		if !lisp.Equal(ours, here) || described.Kind == "macro" {
			if all == nil {
				all = map[string]bool{}
			}
			all[verb.Name] = true
		}
	}
	return all
}
