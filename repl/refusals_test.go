package repl

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestF09AThousandWrongTokens: each guess is refused, from the eleventh of a second on with 429; a bounded number of lines tells of
// them, the thousandth too; and who has the token, or comes over the socket, is let in throughout, from the same machine as well.
func TestF09AThousandWrongTokens(t *testing.T) {
	const guesses = 1000
	var mu sync.Mutex
	var told []Refusal
	h := serve(t, ServerOptions{Refused: func(r Refusal) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, r)
	}})
	counts := map[int]int{}
	began := time.Now()
	for i := range guesses {
		got := h.raw(t, "tcp", post(h.tcp, form, fmt.Sprintf("Authorization: Bearer %043d", i)))
		counts[got.status]++
		if got.status == 429 && got.header.Get("Retry-After") == "" {
			t.Fatal("429 does not say when to try again")
		}
		if i%100 == 99 {
			if got := h.raw(t, "tcp", post(h.tcp, form, bearer)); got.status != 200 {
				t.Fatalf("after %d guesses the token's owner is answered %d", i+1, got.status)
			}
			if haveUnix {
				if got := h.raw(t, "unix", post("x", form)); got.status != 200 {
					t.Fatalf("after %d guesses the socket answers %d", i+1, got.status)
				}
			}
			if got := from(t, "127.0.0.2", h.tcp, post(h.tcp, form, bearer)); got.status != 200 {
				t.Fatalf("after %d guesses another peer is answered %d", i+1, got.status)
			}
		}
	}
	seconds := int(time.Since(began)/time.Second) + 2 // a second may have begun before and one after
	if most := 10 * seconds; counts[401] < 10 || counts[401] > most || counts[401]+counts[429] != guesses {
		t.Errorf("got %v in %d seconds, want 401 at most %d times and 429 else", counts, seconds, most)
	}
	// Another peer's first wrong token is answered as such.
	if got := from(t, "127.0.0.3", h.tcp, post(h.tcp, form, "Authorization: Bearer x")); got.status != 401 {
		t.Errorf("another peer's first guess: %d", got.status)
	}
	mu.Lock()
	defer mu.Unlock()
	var numbers []int
	for _, r := range told {
		if r.Status != 401 || r.Method != "POST" || r.Path != "/v1/eval" {
			t.Errorf("told as %+v", r)
		}
		numbers = append(numbers, r.Count)
	}
	// Of an hour; the test may have begun in one and ended in the next.
	if want := "[1 2 3 4 5 6 7 8 9 10 100 1000 1]"; began.Unix()/3600 == time.Now().Unix()/3600 && fmt.Sprint(numbers) != want {
		t.Errorf("told of refusals %v, want %s", numbers, want)
	}
	if lines := strings.Count(h.logged(), "refused "); lines != len(told) {
		t.Errorf("%d lines in the log, %d on record", lines, len(told))
	}
	if log := h.logged(); strings.Contains(log, "000000") {
		t.Errorf("a guess is in the log:\n%s", log)
	}
}

// from is raw over TCP, from an address of loopback.
func from(t *testing.T, ip, to, text string) answer {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}, Timeout: patience}
	c, err := d.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, text)
	return readAnswer(t, c)
}

// TestRefusalsAreToldABoundedNumberOfTimes: whatever many peers do, an hour has its bound, and the last line says so.
func TestRefusalsAreToldABoundedNumberOfTimes(t *testing.T) {
	at := time.Unix(7200, 0)
	r := &refusals{}
	flood := func(at time.Time) (told, lasts int) {
		for i := range 5000 {
			peer := Peer{Transport: transportTCP, Addr: fmt.Sprintf("[2001:db8::%x]:%d", i/2, i+1)}
			if _, tell, last := r.count(peer, at); tell {
				told++
				if last {
					lasts++
				}
			}
		}
		return told, lasts
	}
	if told, lasts := flood(at); told != toldInHour || lasts != 1 || len(r.counts) > toldInHour {
		t.Errorf("%d told, %d as the last, %d peers kept", told, lasts, len(r.counts))
	}
	if _, told, _ := r.count(Peer{Transport: transportUnix, UID: 7}, at.Add(time.Hour-time.Second)); told {
		t.Error("more is told in the same hour")
	}
	if n, told, _ := r.count(Peer{Transport: transportUnix, UID: 7}, at.Add(time.Hour)); n != 1 || !told {
		t.Error("the next hour is no new one")
	}
	for i := range 100_000 - 1 {
		n, told, _ := r.count(Peer{Transport: transportUnix, UID: 7}, at.Add(time.Hour))
		if want := n <= 10 || n == 100 || n == 1000 || n == 10_000 || n == 100_000; n != i+2 || told != want {
			t.Fatalf("number %d: %d, %v", i+2, n, told)
		}
	}
}

// TestRefusalsOfManyAtOnceAreCountedExactly: however many connections are refused at the same time, each has a number of its own,
// and what is told is what would be told of one after the other.
func TestRefusalsOfManyAtOnceAreCountedExactly(t *testing.T) {
	const clients, each = 16, 625 // ten thousand together
	at := time.Unix(7200, 0)
	r, f := &refusals{}, &failures{limit: 10}
	peer := Peer{Transport: transportUnix, UID: 7}
	numbers := make([][]int, clients)
	let := make([]int, clients)
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for range each {
				if n, told, _ := r.count(peer, at); told {
					numbers[c] = append(numbers[c], n)
				}
				if !f.tooMany(peer, at) {
					let[c]++
				}
			}
		})
	}
	all.Wait()
	told := slices.Concat(numbers...)
	slices.Sort(told)
	if want := "[1 2 3 4 5 6 7 8 9 10 100 1000 10000]"; fmt.Sprint(told) != want {
		t.Errorf("told of %v, want %s", told, want)
	}
	answered := 0
	for _, n := range let {
		answered += n
	}
	if answered != 10 {
		t.Errorf("%d were answered with their own status, want 10", answered)
	}
}
