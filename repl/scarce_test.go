package repl

import (
	"net"
	"testing"
	"time"
)

// TestNewConnectionsDoNotCloseEachOther: with the last descriptors, what makes room is what has been idle for a while.
func TestNewConnectionsDoNotCloseEachOther(t *testing.T) {
	p := newPool(64, time.Second, 8, 8, func(uintptr) (low, veryLow bool) { return true, true })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	add := func() *conn {
		t.Helper()
		client, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		accepted, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c := p.add(accepted)
		t.Cleanup(func() { c.Close() })
		return c
	}
	first := add()
	first.since = first.since.Add(2 * young) // as new as can be, however slow this machine is
	second := add()
	if first.use != useIdle || second.use != useIdle {
		t.Error("a new connection was closed for another")
	}
	first.since = first.since.Add(-4 * young)
	add()
	if first.use != useClosed {
		t.Error("what has been idle for long was not closed")
	}
}
