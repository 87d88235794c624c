package repl

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// TestManyAtOnceDoNotCloseWhoIsNew: a connection has its chance to send a request, however many connect meanwhile; up to a bound.
// What was too much is closed when it has had it, though nobody connects then.
func TestManyAtOnceDoNotCloseWhoIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, chance = 4, time.Second
		p := newPool(limit, chance, 1, 1, nil)
		held := func() int {
			idle, used := p.census()
			return idle + used
		}
		add := func() *conn {
			client, accepted := net.Pipe()
			c := p.add(accepted)
			t.Cleanup(func() { client.Close(); c.Close() })
			return c
		}
		friend := add()
		for range limit + spare - 1 {
			add()
		}
		// The end of a chance is no event: it is seen by who comes after it. So the time itself is awaited, in the bubble, where it
		// passes at once when everybody waits.
		time.Sleep(chance - time.Nanosecond)
		if held() != limit+spare || friend.begin(useEval) != begun {
			t.Fatalf("of %d at once, %d are held, and the first is closed: %t", limit+spare, held(), friend.use == useClosed)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if held() != limit {
			t.Errorf("%d are held after a while, want %d", held(), limit)
		}
		if friend.use != useEval {
			t.Error("a connection was closed that evaluates")
		}
		friend.Close()
		time.Sleep(chance)
		old, second := add(), add()
		if held() > limit {
			t.Errorf("%d are held, want those gone that had their chance", held())
		}
		for range limit + spare - 1 {
			add()
		}
		if old.use != useClosed || second.use != useIdle || held() != limit+spare {
			t.Errorf("at the bound the oldest must go: %d are held", held())
		}
	})
}

// TestWhoIsBeingReadIsNotCrowdedOut: of more than are held, one that has sent nothing goes before one whose request has begun.
func TestWhoIsBeingReadIsNotCrowdedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 4
		p := newPool(limit, time.Second, 1, 1, nil)
		add := func(speaks bool) *conn {
			client, accepted := net.Pipe()
			c := p.add(accepted)
			t.Cleanup(func() { client.Close(); c.Close() })
			if speaks {
				go client.Write([]byte("P"))
				if _, err := c.Read(make([]byte, 1)); err != nil {
					t.Fatal(err)
				}
			}
			return c
		}
		friend, silent := add(true), add(false)
		for range limit + spare - 1 { // one too many
			add(false)
		}
		if friend.use != useIdle || silent.use != useClosed {
			t.Error("the request that had begun was crowded out by connections that say nothing")
		}
		for range limit + spare { // all of the older half speak: the oldest goes, and no new one
			add(true)
		}
		if newest := add(false); friend.use != useClosed || newest.use != useIdle {
			t.Error("where all speak the oldest must go, and not the newest")
		}
	})
}
