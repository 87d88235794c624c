package builtins

import (
	"sync"
	"time"
)

// survey measures all processes for whoever asks often: at most one measurement is under way, and who asks while there is
// one, or soon after, shares it.
type survey struct {
	measure func() (map[string]load, error)

	mu    sync.Mutex
	at    time.Time // of what there is
	loads map[string]load
	under chan struct{} // closed at the end of the measurement under way; nil: there is none
}

const (
	surveyAge  = time.Second     // how old a measurement may be to be shared
	surveyWait = 2 * time.Second // for a measurement: the system can take long over the memory of one busy process
)

// latest is the newest measurement, made now unless there is a recent one; false when none could be had in time.
func (s *survey) latest() (map[string]load, bool) {
	s.mu.Lock()
	if s.loads != nil && time.Since(s.at) < surveyAge {
		defer s.mu.Unlock()
		return s.loads, true
	}
	if s.under == nil {
		s.under = make(chan struct{})
		go s.run(s.under)
	}
	under := s.under
	s.mu.Unlock()
	patience := time.NewTimer(surveyWait)
	defer patience.Stop()
	select {
	case <-under:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.loads, s.loads != nil
	case <-patience.C:
		return nil, false
	}
}

func (s *survey) run(under chan struct{}) {
	loads, err := s.measure()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		loads = nil
	}
	s.loads, s.at, s.under = loads, time.Now(), nil
	close(under)
}
