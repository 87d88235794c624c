package builtins

import (
	"context"
	"errors"
	"strings"
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
	set   []string      // what os/setenv set; of the one whose turn it is
	turn  chan struct{} // one program at a time
	users int           // programs that have it or wait for it; guarded by sessions.mu
	used  time.Time
	end   *time.Timer

	defined  []named         // what its programs have defined; replaced as a whole, guarded by sessions.mu
	shadowed map[string]bool // verbs that mean something else here; replaced as a whole, guarded by sessions.mu

	// The values of *1 and *2 and *e, guarded by sessions.mu; the next program that has its turn gets them.
	last, before, wrong lisp.Value
}

// sessionID is what a session is found by. Everybody has sessions of their own: the same name of another owner is another
// session.
type sessionID struct{ owner, name string }

// session is the session of a job, with the name "" when it has none.
func (j Job) session() sessionID {
	return sessionID{ownerOf(j.Who), j.Session}
}

// ownerOf is who may use a session, of who made a request: a user of this machine, with any of his processes; all that have
// the token and come over the network are one.
func ownerOf(who string) string {
	if strings.HasPrefix(who, "tcp ") {
		return "tcp"
	}
	owner, _, _ := strings.Cut(who, " pid ")
	return owner
}

// sessions are the scopes by id. One that is not used for an hour is forgotten; over the bound the one that was not used
// for the longest time.
type sessions struct {
	mu   sync.Mutex
	all  map[sessionID]*session
	base *lisp.Env
	own  map[string]lisp.Value // the verbs as the base has them
}

func newSessions(base *lisp.Env, verbs []Verb) *sessions {
	s := &sessions{all: map[sessionID]*session{}, base: base, own: map[string]lisp.Value{}}
	for _, verb := range verbs {
		s.own[verb.Name], _ = base.Lookup(verb.Name)
	}
	return s
}

// open gives the scope of a session, when it is the caller's turn; close must be called afterwards.
func (s *sessions) open(ctx context.Context, id sessionID) (one *session, close func(), err error) {
	if len(id.name) > longestSession {
		return nil, nil, lisp.Errorf(kindInvalid, "cannot open the session: its name has %d bytes, at most %d are allowed", len(id.name), longestSession)
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
	s.define(found)
	return found, func() {
		shadowed, defined := s.shadowedIn(found.env), definitions(found.env)
		<-found.turn
		s.mu.Lock()
		found.shadowed, found.defined = shadowed, defined
		s.mu.Unlock()
		s.release(id, found)
	}, nil
}

func (s *sessions) hold(id sessionID) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.all[id]
	if found == nil {
		if len(s.all) >= mostSessions && !s.forgetOldest() {
			return nil, lisp.Errorf(kindOverloaded, "cannot open the session: %d are in use", len(s.all))
		}
		found = &session{env: s.base.Child(), turn: make(chan struct{}, 1), last: lisp.Nil, before: lisp.Nil, wrong: lisp.Nil}
		s.all[id] = found
	}
	found.users++
	if found.end != nil {
		found.end.Stop()
	}
	return found, nil
}

func (s *sessions) release(id sessionID, one *session) {
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
	var oldest sessionID
	for id, one := range s.all {
		if one.users == 0 && (oldest.name == "" || one.used.Before(s.all[oldest].used)) {
			oldest = id
		}
	}
	if oldest.name == "" {
		return false
	}
	s.all[oldest].end.Stop()
	delete(s.all, oldest)
	return true
}

// shadows tells whether a word means something else than the verb in a session.
func (s *sessions) shadows(id sessionID, verb string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.all[id]
	return found != nil && found.shadowed[verb]
}

// definitionsOf are the definitions of a session when its last program ended; they wait for none.
func (s *sessions) definitionsOf(id sessionID) []named {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.all[id]; found != nil {
		return found.defined
	}
	return nil
}

// known tells whether there is such a session.
func (s *sessions) known(id sessionID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return id.name != "" && s.all[id] != nil
}

// shadowedIn are the verbs that a scope has given another meaning.
func (s *sessions) shadowedIn(scope *lisp.Env) map[string]bool {
	var all map[string]bool
	for name, ours := range s.own {
		here, _ := scope.Lookup(name)
		described, _ := scope.Doc(name)
		if !lisp.Equal(ours, here) || described.Kind == "macro" {
			if all == nil {
				all = map[string]bool{}
			}
			all[name] = true
		}
	}
	return all
}

// remember keeps what came of a request for those that follow it in its session. One that only made plain calls waits for
// nothing, so it leaves the definitions to the next program.
func (s *sessions) remember(id sessionID, result Result) {
	if id.name == "" || len(id.name) > longestSession {
		return
	}
	found, err := s.hold(id)
	if err != nil {
		return
	}
	s.mu.Lock()
	if result.Err == nil {
		found.last, found.before = result.Value, found.last
	} else {
		found.wrong = lisp.ErrorValue(asRaised(result.Err))
	}
	s.mu.Unlock()
	s.release(id, found)
}

// asRaised is an error as a program would have caught it.
func asRaised(err error) *lisp.Error {
	var raised *lisp.Error
	if errors.As(err, &raised) {
		return raised
	}
	return lisp.Errorf(KindOf(err), "%w", err)
}

// define gives the names *1, *2 and *e their values in a session whose turn is the caller's.
func (s *sessions) define(one *session) {
	s.mu.Lock()
	last, before, wrong := one.last, one.before, one.wrong
	s.mu.Unlock()
	one.env.Define("*1", last)
	one.env.Define("*2", before)
	one.env.Define("*e", wrong)
}
