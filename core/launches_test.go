package core

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
)

// halfDead hangs every launch of the processes whose name begins with "hang".
type halfDead struct {
	*world
	release chan bool
	at      atomic.Int32
	most    atomic.Int32
}

func (h *halfDead) Start(c child.Command) (child.Child, error) {
	n := h.at.Add(1)
	defer h.at.Add(-1)
	h.most.Store(max(h.most.Load(), n))
	if c.Name[:4] == "hang" {
		<-h.release
	}
	return h.world.Start(c)
}

// However many launches hang, the others begin: at once while fewer hang than may be at work, else after launchSlow per batch.
func TestHangingLaunchesDelayTheOthersLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &halfDead{world: newWorld(t), release: make(chan bool)}
		s := New(Options{Starter: w})
		var specs []Spec
		for i := range 3 * launchesAtOnce {
			specs = append(specs, spec(fmt.Sprintf("hang-%d", i)))
		}
		for i := range 100 {
			specs = append(specs, spec(fmt.Sprintf("good-%d", i)))
		}
		begun := time.Now()
		applied := make(chan bool)
		go func() { s.Apply(t.Context(), specs); close(applied) }()
		for _, spec := range specs[3*launchesAtOnce:] {
			if _, err := s.Wait(t.Context(), spec.Name, Running); err != nil {
				synctest.Wait() // it is not known yet
				if _, err = s.Wait(t.Context(), spec.Name, Running); err != nil {
					t.Fatal(err)
				}
			}
		}
		if took := time.Since(begun); took > 3*launchSlow {
			t.Errorf("the others ran after %v", took)
		}
		close(w.release)
		<-applied
		if n := int(w.most.Load()); n > 4*launchesAtOnce {
			t.Errorf("%d launches at once", n)
		}
		end(t, s, w.world)
	})
}

// On a slow machine many starts wait long for their turn. Whose turn comes late is not said to hang in its exec; what hangs is, as
// late as it always would.
func TestWaitingForItsTurnIsNoHangingExec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var specs []Spec
		for i := range 1000 {
			name := fmt.Sprintf("p%d", i)
			w.program(name, behaviour{execTakes: launchSlow * 9 / 10})
			specs = append(specs, spec(name))
		}
		s := New(Options{Starter: w})
		begun := time.Now()
		r, err := s.Apply(t.Context(), specs)
		if err != nil || r.Err() != nil {
			t.Errorf("%v, %v", err, r.Err())
		}
		if took := time.Since(begun); took < 2*launchPatience {
			t.Errorf("all were started within %v: nobody waited for long", took)
		}
		w.program("hangs", behaviour{hang: make(chan struct{})})
		begun = time.Now()
		r, err = s.Apply(t.Context(), append(specs, spec("hangs")))
		if took := time.Since(begun); err != nil || !errors.Is(r[len(r)-1].Err, ErrTimeout) || took != launchPatience {
			t.Errorf("%v, %v after %v", err, r.Err(), took)
		}
		close(w.programs["hangs"].hang)
		end(t, s, w)
	})
}
